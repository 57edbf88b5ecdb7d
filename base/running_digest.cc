#include "base/running_digest.h"

#include "base/ossl.h"

namespace lenscap {

void RunningDigest::Free::operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }

RunningDigest::RunningDigest(HashAlgorithm algorithm) : context_(EVP_MD_CTX_new()) {
  ossl::check(context_ != nullptr && EVP_DigestInit_ex2(context_.get(), evp_digest(algorithm), nullptr) == 1,
              "EVP_DigestInit_ex2");
}

void RunningDigest::add(ByteView octets) {
  ossl::check(EVP_DigestUpdate(context_.get(), octets.data(), octets.size()) == 1, "EVP_DigestUpdate");
}

Bytes RunningDigest::finish() && {
  Bytes out(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  ossl::check(EVP_DigestFinal_ex(context_.get(), out.data(), &size) == 1, "EVP_DigestFinal_ex");
  context_.reset();
  out.resize(size);
  return out;
}

}  // namespace lenscap
