// Answers OCSP requests (ca/ocsp.h) for the certificates of this CA, by a signer of its own for each issuer: a key that
// is made at each start and never leaves memory, under a certificate that the issuer makes for it alone and that is
// renewed when half of it is over. So a request never touches an issuing key.
//
// The ledger is asked each time, and what is kept is a signature alone: a revocation is in the next answer, whichever
// program recorded it. It does NOT know HTTP (handlers/web/ocsp.cc). Does nothing where no answers are served
// (Issuer::ocsp_url).
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "acme/flow/rate_limit.h"
#include "acme/server/db.h"
#include "base/log.h"
#include "base/time.h"
#include "ca/authority.h"
#include "ca/ocsp.h"

namespace lenscap::acme {

// Under this word of the store's notes (records/meta.h) stands the serial of the issuer's latest signer: for the
// doctor.
std::string ocsp_signer_meta(std::string_view issuer_id);

enum class OcspCondition {
  none_served,  // there are none by the settings
  good,
  overdue,    // the signer should have been renewed, and could not be; the one that is there is still good
  no_signer,  // clients are told to try later
};

struct OcspReply {
  Bytes der;
  // For caches between clients and this server: until when it need not be asked again. Nothing where the answer is for
  // one client alone, or no answer.
  struct Kept {
    Time made{};
    Time until{};
    Time next_update{};
    std::string tag;
  };
  std::optional<Kept> kept;
};

// A signature takes a twentieth of a millisecond. Beyond these limits somebody asks in order to keep the server busy,
// and a twentieth of a core is what he gets. What can be kept has a limit of its own, so that who asks with nonces, or
// for numbers that he made up, takes nothing away from the others.
struct OcspLimits {
  RateLimit signed_for_many{60'000, kMinute};  // answers that can be kept
  RateLimit signed_for_one{30'000, kMinute};
  // In each of two halves; an answer is of a kilobyte. What is unknown is never kept, so nobody drives others out by
  // asking for numbers that he made up.
  std::size_t kept = 5'000;
};

class OcspResponder {
 public:
  // An answer is good for `lifetime`, and made anew when half of it is over.
  OcspResponder(ca::Authority const& authority, store::Store& store, Db const& db, Seconds lifetime, Clock const& clock,
                Log log);

  // By the issuer's id. What a reload takes over, so that it needs no signature.
  struct Signer;
  using Signers = std::map<std::string, std::shared_ptr<Signer const>>;
  Signers signers() const;
  void take_over(Signers const& former);  // before start(); those of issuers that are here

  // The first signers, and word in the log when certificates name a responder that is not served any more. Blocks.
  void start();
  // Another signer where there is none, when half of its life is over, and when it was revoked; none any more for an
  // issuer whose time is over. Blocks. A failure is in
  // the log and in condition(), nowhere else.
  void renew_if_due();

  // Reads the store and may sign: some dozen microseconds. Safe from any thread.
  std::shared_ptr<OcspReply const> answer(ByteView request);

  OcspCondition condition(Time now) const;

  OcspLimits limits;  // set before the first answer

 private:
  struct Known {
    ca::OcspStatus status;
    std::shared_ptr<OcspReply const> reply;
  };
  using Replies = std::unordered_map<std::string, Known>;  // by CertID

  // One that answers for its certificates: an issuer, and its signer.
  struct Answering {
    ca::KnownIssuer const* issuer;
    ca::OcspIssuer hashes;
    std::shared_ptr<Signer const> signer = nullptr;  // guarded by mutex_
  };

  bool is_due(Answering const& answering, Time now) const;
  Result<> renew(Answering& answering, Time now);
  // nullptr: there is none that is good now
  std::shared_ptr<Signer const> signer(Answering const& answering, Time now) const;
  std::shared_ptr<OcspReply const> answer_parsed(ca::OcspRequest const& request, Time now);
  std::shared_ptr<OcspReply const> sign(Signer const& signer, ca::OcspAnswers what) const;
  std::shared_ptr<OcspReply const> find_kept(std::string const& cert_id, ca::OcspStatus const& status, Time now);
  void keep(std::string cert_id, ca::OcspStatus const& status, std::shared_ptr<OcspReply const> reply);
  enum class Effort { for_many, for_one };
  bool may_sign(Effort effort, Time now);

  store::Store& store_;
  Db const& db_;
  Seconds const lifetime_;
  Clock const& clock_;
  Log const log_;
  ca::Authority const& authority_;
  bool const is_served_;
  std::vector<Answering> issuers_;

  mutable std::mutex mutex_;  // of what follows
  bool failed_ = false;       // the last attempt to get a signer
  Replies young_, old_;       // when the young are many they take the place of the old
  RateUse signed_for_many_, signed_for_one_;
};

}  // namespace lenscap::acme
