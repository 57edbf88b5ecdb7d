#include "base/digest.h"

#include <openssl/hmac.h>

#include "base/ossl.h"

namespace lenscap {
namespace {

using MdPtr = ossl::Ptr<EVP_MD, EVP_MD_free>;

MdPtr fetch(char const* name) {
  MdPtr found(EVP_MD_fetch(nullptr, name, nullptr));
  ossl::check(found != nullptr, name);
  return found;
}

}  // namespace

EVP_MD const* evp_digest(HashAlgorithm algorithm) {
  static MdPtr const sha256 = fetch("SHA2-256");
  static MdPtr const sha384 = fetch("SHA2-384");
  static MdPtr const sha512 = fetch("SHA2-512");
  switch (algorithm) {
    case HashAlgorithm::sha256:
      return sha256.get();
    case HashAlgorithm::sha384:
      return sha384.get();
    case HashAlgorithm::sha512:
      return sha512.get();
  }
  bug("unknown hash algorithm");
}

Sha256 sha256(ByteView data) {
  Sha256 out{};
  unsigned size = 0;
  ossl::check(EVP_Digest(data.data(), data.size(), out.data(), &size, evp_digest(HashAlgorithm::sha256), nullptr) == 1,
              "SHA-256");
  return out;
}

Bytes digest(HashAlgorithm algorithm, ByteView data) {
  Bytes out(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  ossl::check(EVP_Digest(data.data(), data.size(), out.data(), &size, evp_digest(algorithm), nullptr) == 1, "digest");
  out.resize(size);
  return out;
}

Bytes hmac(HashAlgorithm algorithm, ByteView key, ByteView data) {
  Bytes out(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  ossl::check(HMAC(evp_digest(algorithm), key.data(), static_cast<int>(key.size()), data.data(), data.size(),
                   out.data(), &size) != nullptr,
              "HMAC");
  out.resize(size);
  return out;
}

}  // namespace lenscap
