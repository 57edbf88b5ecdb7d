// What the server counts and measures, in the text format of Prometheus. Every set of labels is known beforehand:
// routes by their pattern, statuses, types of problems and challenges, never what a client chose. Who counts often asks
// for its row once and keeps it. It does NOT serve them: see routes.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "base/x509/revocation_reason.h"

namespace lenscap::acme {

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(Metrics const&) = delete;
  Metrics& operator=(Metrics const&) = delete;

  // The requests of one route; its labels are looked up when it is made.
  class Route {
   public:
    virtual ~Route() = default;
    virtual void answered(int status, std::chrono::nanoseconds took) = 0;
  };
  // Before anything is served. `pattern` as in the router. Lives as long as this.
  Route& route(std::string_view method, std::string_view pattern);

  // Safe from any thread, as answered() is.
  void refused(Errc why);  // a request of ACME, by the type of its problem
  void issued(bool well);  // a certificate that was on record as intended; false: its signature failed
  void signed_in(std::chrono::nanoseconds took);
  void validated(std::string_view challenge, bool valid);  // an attempt; `challenge` is one of validators()
  void revoked(std::optional<x509::RevocationReason> reason);
  // For store::Store::watch_commits. May be called when this is gone, as a store's last commits may be.
  std::function<void(std::chrono::nanoseconds took)> commit_watch();

  // Of the moment at which it is asked: see readings.h.
  struct List {
    Time made{};
    Time next_update{};
    std::size_t entries = 0;
  };
  enum class Shortage { none, low, nothing_new };  // of room
  struct Readings {
    Time now{};
    std::map<std::string, Time> issuer_ends = {};     // by name
    std::map<std::string, bool> issuer_revoked = {};  // likewise
    std::map<std::string, List> root_lists = {};      // by the root's common name; of those that are served
    Time server_certificate_due{};
    bool audit_trail_is_good = true;
    bool signer_is_ready = false;
    std::map<std::pair<std::string, std::string>, List> lists = {};  // by issuer and scope
    std::optional<bool> lists_are_good = {};                         // nothing: none are served
    std::optional<bool> ocsp_is_good = {};                           // likewise
    std::optional<Time> audit_head_at = {};                          // nothing: none was signed yet
    std::uint64_t audit_entries_unsigned = 0;                        // behind that head
    std::optional<Time> last_backup = {};                            // nothing: there was none
    std::size_t connections = 0;
    std::uint64_t store_bytes = 0;
    std::uint64_t store_used = 0, store_max = 0;  // as in store::Usage
    std::optional<std::uint64_t> disk_free = {};
    Shortage shortage = Shortage::none;
  };
  std::string text(Readings const& readings);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lenscap::acme
