// Who holds an issuing key and signs with it. The interface below the issuer; a new holder (HSM, KMS) is a file in
// key_holders/ and a line in key_holders/table.cc.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "base/x509/key.h"

namespace lenscap::ca {

// Safe from any thread. May block.
class KeyHolder {
 public:
  virtual ~KeyHolder() = default;
  virtual x509::PublicKey const& public_key() const = 0;
  // Signs `data` once (as x509::PublicKey::verify reads it). Errc::unavailable when the holder cannot be reached.
  virtual Result<Bytes> sign(HashAlgorithm hash, ByteView data) = 0;
  // The same for octets that were hashed while they came and are not here any more: `digest` is of `hash`'s length.
  virtual Result<Bytes> sign_digest(HashAlgorithm hash, ByteView digest) = 0;
  // Does sign() never block, and is it over in a tenth of a millisecond or so?
  virtual bool signs_at_once() const { return false; }
};

// "file:PATH" (an encrypted PKCS#8 PEM file, relative to `base_dir`) or "pkcs11:..." (RFC 7512; the passphrase is the
// token's PIN). Errc::settings for an unknown scheme, Errc::file, Errc::wrong_passphrase.
Result<std::unique_ptr<KeyHolder>> open_key_holder(std::string_view url, std::string_view base_dir,
                                                   SecretBytes const& passphrase);

}  // namespace lenscap::ca
