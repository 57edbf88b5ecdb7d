// The hash that OpenSSL is given with a key. Shared by key.cc and private_key.cc, and no others.
#pragma once

#include <openssl/evp.h>

#include "base/x509/key.h"

namespace lenscap::x509 {

inline EVP_MD const* message_digest(KeyType type, HashAlgorithm hash) {
  return type == KeyType::ed25519 ? nullptr : evp_digest(hash);
}

}  // namespace lenscap::x509
