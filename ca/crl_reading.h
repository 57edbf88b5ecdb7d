// A message with a revocation list, as the signer takes it: judged and hashed while its octets come, and never kept. So
// a list takes the signer no memory, however long it is, and what is hashed is what was judged: each octet goes to both
// from the signer's own memory, where nobody else can change it. It does NOT decide about the list's number, nor sign.
#pragma once

#include <optional>

#include "base/running_digest.h"
#include "ca/authority.h"
#include "ca/crl_rules.h"

namespace lenscap::ca {

// The issuer of which a message speaks. Errc::internal.
Result<KnownIssuer const*> need_issuer(Issuing const& issuing, ByteView key_id);

class CrlReading {
 public:
  // `begin`: the message, or its first octets, as Frames::next_of_list gives them. Borrows `issuing`.
  CrlReading(Issuing const& issuing, ByteView begin);

  // The octets that follow. Once the list cannot pass any more they go nowhere.
  void add(ByteView octets);
  std::uint64_t id() const { return id_; }  // see message_id()

  struct Read {
    KnownIssuer const* issuer = nullptr;
    SeenCrl seen;
    Sha256 hash{};
    Bytes digest;  // by the hash of the issuer's signatures
  };
  // All have come. Errc::malformed, Errc::internal for an issuer that there is not.
  Result<Read> finish(Time now) &&;

 private:
  struct Work {
    KnownIssuer const* issuer;
    CrlJudge judge;
    RunningDigest sha256;
    std::optional<RunningDigest> other;  // of an issuer that signs with another hash
  };
  Result<> open(Issuing const& issuing, ByteView begin);
  Result<> take(ByteView octets);

  std::uint64_t id_;
  std::optional<Work> work_;  // none: there is no such issuer
  Result<> so_far_;           // whether it can pass yet
};

}  // namespace lenscap::ca
