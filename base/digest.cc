#include "base/digest.h"

#include <openssl/hmac.h>

#include "base/ossl.h"

namespace lenscap {
namespace {

EVP_MD const* evp(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::sha256:
      return EVP_sha256();
    case HashAlgorithm::sha384:
      return EVP_sha384();
    case HashAlgorithm::sha512:
      return EVP_sha512();
  }
  bug("unknown hash algorithm");
}

}  // namespace

Sha256 sha256(ByteView data) {
  Sha256 out{};
  unsigned size = 0;
  ossl::check(EVP_Digest(data.data(), data.size(), out.data(), &size, EVP_sha256(), nullptr) == 1, "SHA-256");
  return out;
}

Bytes digest(HashAlgorithm algorithm, ByteView data) {
  Bytes out(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  ossl::check(EVP_Digest(data.data(), data.size(), out.data(), &size, evp(algorithm), nullptr) == 1, "digest");
  out.resize(size);
  return out;
}

Bytes hmac(HashAlgorithm algorithm, ByteView key, ByteView data) {
  Bytes out(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  ossl::check(HMAC(evp(algorithm), key.data(), static_cast<int>(key.size()), data.data(), data.size(), out.data(),
                   &size) != nullptr,
              "HMAC");
  out.resize(size);
  return out;
}

}  // namespace lenscap
