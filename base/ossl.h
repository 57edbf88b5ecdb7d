// OpenSSL objects as owners, and its error queue as text. The only place that spells X509_free.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "base/bytes.h"

namespace lenscap::ossl {

template <auto kFree>
struct Free {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <class T, auto kFree>
using Ptr = std::unique_ptr<T, Free<kFree>>;

using BioPtr = Ptr<BIO, BIO_free_all>;
using BnPtr = Ptr<BIGNUM, BN_free>;
using EcdsaSigPtr = Ptr<ECDSA_SIG, ECDSA_SIG_free>;
using PkeyPtr = Ptr<EVP_PKEY, EVP_PKEY_free>;
using PkeyCtxPtr = Ptr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using MdCtxPtr = Ptr<EVP_MD_CTX, EVP_MD_CTX_free>;
using CipherCtxPtr = Ptr<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using X509Ptr = Ptr<X509, X509_free>;
using X509ReqPtr = Ptr<X509_REQ, X509_REQ_free>;
using X509NamePtr = Ptr<X509_NAME, X509_NAME_free>;
using X509ExtensionPtr = Ptr<X509_EXTENSION, X509_EXTENSION_free>;
using X509StorePtr = Ptr<X509_STORE, X509_STORE_free>;
using X509StoreCtxPtr = Ptr<X509_STORE_CTX, X509_STORE_CTX_free>;
using X509SigPtr = Ptr<X509_SIG, X509_SIG_free>;
using Asn1ObjectPtr = Ptr<ASN1_OBJECT, ASN1_OBJECT_free>;
using Asn1IntegerPtr = Ptr<ASN1_INTEGER, ASN1_INTEGER_free>;
using Asn1TimePtr = Ptr<ASN1_TIME, ASN1_TIME_free>;
using Asn1OctetStringPtr = Ptr<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;
using SslPtr = Ptr<SSL, SSL_free>;
using SslCtxPtr = Ptr<SSL_CTX, SSL_CTX_free>;

// The texts of this thread's error queue, newest last, and an empty queue.
std::string take_errors();

// A broken environment: out of memory, a provider that is gone. Not for input that is bad.
class Failure : public std::runtime_error {
 public:
  explicit Failure(char const* what) : std::runtime_error(std::string(what) + ": " + take_errors()) {}
};
inline void check(bool fine, char const* what) {
  if (!fine) throw Failure(what);
}

// While it lives, what OpenSSL puts into this thread's error queue is thrown away at its end: a refusal that we answer
// ourselves must not be found in the queue by whoever looks there next (Asio's TLS does).
class QuietErrors {
 public:
  QuietErrors() { ERR_set_mark(); }
  ~QuietErrors() { ERR_pop_to_mark(); }
  QuietErrors(QuietErrors const&) = delete;
  QuietErrors& operator=(QuietErrors const&) = delete;
};

// DER of any OpenSSL object by its i2d function: to_der(x509, i2d_X509).
template <class T, class I2d>
Bytes to_der(T* object, I2d i2d) {
  int const size = i2d(object, nullptr);
  check(size > 0, "i2d");
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* out = der.data();
  check(i2d(object, &out) == size, "i2d");
  return der;
}

}  // namespace lenscap::ossl
