#include "ca/rehearsal.h"

#include "ca/key_signer.h"

namespace lenscap::ca {
namespace {

// Takes any key for its own, and signs nothing.
class Understudy final : public Signer {
 public:
  bool has_key(x509::PublicKey const& /*key*/) const override { return true; }
  Result<Bytes> sign(Draft const& /*draft*/, HashAlgorithm /*hash*/) override { return refusal(); }
  Result<Bytes> sign(CrlDraft const& /*draft*/, HashAlgorithm /*hash*/) override { return refusal(); }

 private:
  static Error refusal() { return {Errc::internal, "nothing is signed while a CA is only looked at"}; }
};

}  // namespace

Result<Issuing> rehearse(AuthoritySettings const& settings) {
  return rehearse(settings, std::make_shared<Understudy>());
}

Result<Issuing> rehearse(AuthoritySettings const& settings, SecretBytes const& passphrase) {
  return open_issuing(settings, [&](InstalledIssuer const& issuer) -> Result<std::shared_ptr<Signer>> {
    TRY(auto key, open_issuer_key(settings, issuer, passphrase));
    return std::shared_ptr<Signer>(std::make_shared<KeySigner>(std::move(key)));
  });
}

Result<Issuing> rehearse(AuthoritySettings const& settings, std::shared_ptr<Signer> const& signer) {
  return open_issuing(settings, [&](InstalledIssuer const&) -> Result<std::shared_ptr<Signer>> { return signer; });
}

}  // namespace lenscap::ca
