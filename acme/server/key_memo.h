// The public keys of accounts, kept ready for OpenSSL: building one from its JWK, with the checks of its quality, costs
// as much as verifying a signature with it, and an RSA key many times that.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>

#include "base/json.h"
#include "base/x509/key.h"

namespace lenscap::acme {

// Remembers what read_jwk made of a JWK's text. The text says all about the key, so nothing that is kept can become
// wrong: not by a key change, not by a deactivation. Give it keys that the store holds, NOT those of strangers, who
// could push the others out.
//
// Thread-safe. Holds at most twice `keys_max` keys: when the younger half is full, it takes the place of the older one,
// from which keys in use were taken over.
class KeyMemo {
 public:
  explicit KeyMemo(std::size_t keys_max) : keys_max_(keys_max) {}

  // As read_jwk, whose refusals are not remembered.
  Result<x509::PublicKey> read(json::Object const& jwk);

  std::size_t size();  // keys held now

 private:
  using Keys = std::unordered_map<std::string, x509::PublicKey>;
  void keep(std::string text, x509::PublicKey key);  // with the lock

  std::size_t const keys_max_;
  std::mutex mutex_;
  Keys young_, old_;
};

}  // namespace lenscap::acme
