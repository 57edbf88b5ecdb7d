// Has the revocation lists of every issuer ready for who fetches them, and makes new ones by itself: before
// anything is served, when they are due, and soon after a revocation (ca/crl_schedule.h). A list that cannot be made
// leaves the old one as it is, and is tried again; so is the key, by a list, after a certificate that it did not sign.
// What was signed is kept (kept_crls.h): a program that starts makes every list anew, and until it can it serves the
// ones of before. The signing keys and the store are used on a thread of its own alone. Does nothing where no lists are
// served (Issuer::crl_places), and makes none for an issuer whose time is over.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "acme/server/db.h"
#include "acme/server/kept_crls.h"
#include "base/log.h"
#include "base/time.h"
#include "ca/authority.h"
#include "ca/crl_maker.h"

namespace lenscap::acme {

enum class CrlCondition {
  none_served,  // there are none by the settings
  good,
  overdue,  // should have been made anew, and could not be; what is served is still good
  missing,  // one is past its nextUpdate, or there is none
};

// A list as it is served.
struct PublishedCrl {
  ca::SignedCrlState state;
  net::SharedBody der;
};

class CrlPublisher {
 public:
  CrlPublisher(ca::Authority const& authority, store::Store& store, Db const& db, ca::CrlPlan plan,
               std::string const& state_dir, Clock const& clock, Log log);
  ~CrlPublisher();  // as stop()

  // Makes every list that is due. Blocks. A failure is in the log and in condition(), nowhere else.
  void make_due();

  // Takes the lists of before that are still in force, then make_due() at once, and from then on by a thread: when
  // something is due, and after each look_again(). A failure is tried again after `retry`.
  void start(std::chrono::milliseconds retry);
  void stop();
  // Something was revoked. Safe from any thread, does not wait.
  void look_again();

  // The newest list of an issuer (KnownIssuer::id) and scope (ca/crl_places.h); nullptr when there is none.
  std::shared_ptr<PublishedCrl const> find(std::string_view issuer, std::string_view scope) const;
  CrlCondition condition(Time now) const;
  struct Made {
    Time at{};
    Time next_update{};
    std::size_t entries = 0;
  };
  // Each list, by the issuer's name and the scope.
  std::map<std::pair<std::string, std::string>, Made> made() const;
  ca::CrlPlan const& plan() const { return plan_; }

 private:
  std::vector<unsigned> divisions(ca::KnownIssuer const& issuer) const;
  std::optional<ca::CrlState> last_of(ca::KnownIssuer const& issuer, unsigned parts) const;
  bool is_due(ca::KnownIssuer const& issuer, unsigned parts, Time now) const;
  void take_kept();
  void take_kept(ca::KnownIssuer const& issuer, std::string const& scope);
  void publish(std::string const& issuer, std::vector<ca::SignedCrl> lists);
  Result<> make(ca::KnownIssuer const& issuer, unsigned parts, Time now);
  Result<> make_due_of(ca::KnownIssuer const& issuer, Time now);
  bool is_served() const { return authority_.issuer().crl_places().is_served(); }
  void warn_of_names() const;
  void run();

  store::Store& store_;
  Db const& db_;
  ca::CrlPlan const plan_;
  Clock const& clock_;
  Log const log_;
  ca::Authority const& authority_;
  KeptCrls const kept_;
  // Issuers and divisions whose lists were made here: those of before are due. Of the one who makes them.
  std::set<std::pair<std::string, unsigned>> made_here_;

  mutable std::mutex mutex_;                                                              // of what follows
  using Lists = std::map<std::string, std::shared_ptr<PublishedCrl const>, std::less<>>;  // by scope
  std::map<std::string, Lists, std::less<>> lists_;                                       // by issuer
  bool failed_ = false;                                                                   // the last attempt
  bool look_again_ = false;
  bool stopping_ = false;
  std::condition_variable wake_;

  std::chrono::milliseconds retry_{60'000};
  std::thread thread_;
};

}  // namespace lenscap::acme
