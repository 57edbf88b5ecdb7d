// A hash of octets that come in pieces and need not be kept. For what is there as a whole: digest.h.
#pragma once

#include <memory>

#include "base/digest.h"

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace lenscap {

// Moved from, it can only be destroyed or assigned to.
class RunningDigest {
 public:
  explicit RunningDigest(HashAlgorithm algorithm);
  void add(ByteView octets);
  Bytes finish() &&;  // once

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace lenscap
