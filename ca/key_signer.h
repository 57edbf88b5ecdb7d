// Signs with a key in this process, whatever it is given: the judge is the issuer.
#pragma once

#include <memory>

#include "ca/key_holder.h"
#include "ca/signer.h"

namespace lenscap::ca {

class KeySigner final : public Signer {
 public:
  explicit KeySigner(std::unique_ptr<KeyHolder> key) : key_(std::move(key)) {}

  x509::PublicKey const& public_key() const { return key_->public_key(); }
  bool has_key(x509::PublicKey const& key) const override { return key_->public_key() == key; }
  Result<Bytes> sign(Draft const& draft, HashAlgorithm hash) override;
  Result<Bytes> sign(CrlDraft const& draft, HashAlgorithm hash) override;
  Result<Bytes> sign_octets(ByteView octets, HashAlgorithm hash) { return key_->sign(hash, octets); }
  Result<Bytes> sign_digest(ByteView digest, HashAlgorithm hash) { return key_->sign_digest(hash, digest); }
  bool signs_at_once() const override { return key_->signs_at_once(); }

 private:
  std::unique_ptr<KeyHolder> key_;
};

}  // namespace lenscap::ca
