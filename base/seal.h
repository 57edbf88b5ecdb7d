// Sealing of small secrets in a store: AES-256-GCM under one key, bound to a context so that a sealed value moved to
// another record does not open. Text form "sealed:v1:<base64url nonce|ciphertext|tag>".
#pragma once

#include "base/secret.h"

namespace lenscap {

class Sealer {
 public:
  // Exactly 32 octets.
  explicit Sealer(SecretBytes key);
  std::string seal(SecretBytes const& secret, std::string_view context) const;
  Result<SecretBytes> open(std::string_view sealed, std::string_view context) const;  // Errc::wrong_passphrase

  // A passphrase to a key: scrypt N=16384 r=8 p=1 with `salt`.
  static Sealer from_passphrase(SecretBytes const& passphrase, ByteView salt);

 private:
  SecretBytes key_;
};

}  // namespace lenscap
