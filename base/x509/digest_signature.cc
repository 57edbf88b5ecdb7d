#include "base/x509/digest_signature.h"

#include <openssl/rsa.h>

namespace lenscap::x509 {
namespace {

bool is_of(HashAlgorithm hash, ByteView digest) {
  return digest.size() == static_cast<std::size_t>(EVP_MD_get_size(evp_digest(hash)));
}

// RSA: the padding of PKCS#1 v1.5, which is OpenSSL's default, around a DigestInfo of this hash.
bool set_hash(EVP_PKEY_CTX* context, HashAlgorithm hash) {
  return EVP_PKEY_CTX_set_signature_md(context, evp_digest(hash)) == 1;
}

}  // namespace

Result<Bytes> sign_digest(PrivateKey const& key, HashAlgorithm hash, ByteView digest) {
  if (key.public_key().type() == KeyType::ed25519 || !is_of(hash, digest))
    return Error(Errc::internal, "a key of " + std::string(to_string(key.public_key().type())) +
                                     " cannot sign a digest of " + std::to_string(digest.size()) + " octets");
  ossl::PkeyCtxPtr const context(EVP_PKEY_CTX_new(key.native(), nullptr));
  ossl::check(context && EVP_PKEY_sign_init(context.get()) == 1 && set_hash(context.get(), hash), "EVP_PKEY_sign_init");
  std::size_t size = 0;
  ossl::check(EVP_PKEY_sign(context.get(), nullptr, &size, digest.data(), digest.size()) == 1, "EVP_PKEY_sign");
  Bytes signature(size);
  ossl::check(EVP_PKEY_sign(context.get(), signature.data(), &size, digest.data(), digest.size()) == 1,
              "EVP_PKEY_sign");
  signature.resize(size);
  return signature;
}

bool verify_digest(PublicKey const& key, HashAlgorithm hash, ByteView digest, ByteView signature) {
  ossl::QuietErrors const quiet;
  if (key.type() == KeyType::ed25519 || !is_of(hash, digest)) return false;
  ossl::PkeyCtxPtr const context(EVP_PKEY_CTX_new(key.native(), nullptr));
  return context && EVP_PKEY_verify_init(context.get()) == 1 && set_hash(context.get(), hash) &&
         EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.data(), digest.size()) == 1;
}

}  // namespace lenscap::x509
