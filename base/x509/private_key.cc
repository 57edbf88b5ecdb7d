// Private keys: see key.h.
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "base/random.h"
#include "base/x509/key.h"
#include "base/x509/message_digest.h"

namespace lenscap::x509 {

PrivateKey PrivateKey::generate(KeyType type, int rsa_bits) {
  ossl::PkeyPtr key;
  switch (type) {
    case KeyType::ec_p256:
      key.reset(EVP_EC_gen("P-256"));
      break;
    case KeyType::ec_p384:
      key.reset(EVP_EC_gen("P-384"));
      break;
    case KeyType::ec_p521:
      key.reset(EVP_EC_gen("P-521"));
      break;
    case KeyType::rsa:
      key.reset(EVP_RSA_gen(static_cast<unsigned>(rsa_bits)));
      break;
    case KeyType::ed25519:
      key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
      break;
  }
  ossl::check(key != nullptr, "key generation");
  auto public_key = PublicKey::from_evp(key.get());
  return {std::move(key), std::move(public_key).value()};
}

namespace {

struct PassphraseCall {
  SecretBytes const* passphrase;
  bool asked = false;
};

int give_passphrase(char* buffer, int size, int /*writing*/, void* user) {
  auto* call = static_cast<PassphraseCall*>(user);
  call->asked = true;
  auto const view = call->passphrase->view();
  if (view.empty() || view.size() > static_cast<std::size_t>(size)) return -1;
  std::copy(view.begin(), view.end(), buffer);
  return static_cast<int>(view.size());
}

}  // namespace

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem, SecretBytes const& passphrase) {
  // As a disk that was full leaves a file behind, and OpenSSL takes no memory that is not there.
  if (pem.empty()) return Error(Errc::file, "there is no private key: what should hold it is empty");
  ossl::QuietErrors const quiet;
  ossl::BioPtr const bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  ossl::check(bio != nullptr, "BIO_new_mem_buf");
  PassphraseCall call{&passphrase};
  ossl::PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_passphrase, &call));
  if (!key) {
    if (!call.asked) return Error(Errc::file, "there is no private key in PEM form that can be read");
    if (passphrase.empty())
      return Error(Errc::wrong_passphrase, "the private key is encrypted: a passphrase is needed");
    return Error(Errc::wrong_passphrase, "the private key does not open with this passphrase (or is damaged)");
  }
  return from_evp(key.get());
}

Result<PrivateKey> PrivateKey::from_evp(EVP_PKEY* key) {
  auto public_key = PublicKey::from_evp(key);
  if (!public_key.ok()) return Error(Errc::file, "the private key cannot be used: " + public_key.error().detail());
  ossl::check(EVP_PKEY_up_ref(key) == 1, "EVP_PKEY_up_ref");
  return PrivateKey(ossl::PkeyPtr(key), std::move(public_key).value());
}

namespace {

using Pkcs8Ptr = ossl::Ptr<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;
using AlgorithmPtr = ossl::Ptr<X509_ALGOR, X509_ALGOR_free>;

// What OpenSSL 3.0 reads with its limit of 32 MiB; N=32768 would need more than that.
constexpr std::uint64_t kScryptN = 16'384;
constexpr std::uint64_t kScryptR = 8;
constexpr std::uint64_t kScryptP = 16;

}  // namespace

std::string PrivateKey::to_encrypted_pem(SecretBytes const& passphrase) const {
  if (passphrase.empty()) bug("a private key is to be encrypted with an empty passphrase");
  Pkcs8Ptr const info(EVP_PKEY2PKCS8(key_.get()));
  Bytes salt = random_bytes(16);
  AlgorithmPtr scheme(PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt.data(), static_cast<int>(salt.size()), nullptr,
                                            kScryptN, kScryptR, kScryptP));
  ossl::check(info && scheme, "PKCS#8");
  ossl::X509SigPtr const sealed(
      PKCS8_set0_pbe(passphrase.text().data(), static_cast<int>(passphrase.size()), info.get(), scheme.get()));
  ossl::check(sealed != nullptr, "PKCS8_set0_pbe");
  static_cast<void>(scheme.release());  // `sealed` took it
  ossl::BioPtr const bio(BIO_new(BIO_s_mem()));
  ossl::check(bio && PEM_write_bio_PKCS8(bio.get(), sealed.get()) == 1, "PEM_write_bio_PKCS8");
  char* text = nullptr;
  long const size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

SecretBytes PrivateKey::to_pem() const {
  ossl::BioPtr const bio(BIO_new(BIO_s_secmem()));  // wiped when it is freed
  ossl::check(bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
              "PEM_write_bio_PKCS8PrivateKey");
  char* text = nullptr;
  long const size = BIO_get_mem_data(bio.get(), &text);
  return SecretBytes(std::string_view(text, static_cast<std::size_t>(size)));
}

Bytes PrivateKey::sign(HashAlgorithm hash, ByteView data) const {
  ossl::MdCtxPtr const context(EVP_MD_CTX_new());
  ossl::check(context && EVP_DigestSignInit(context.get(), nullptr, message_digest(public_.type(), hash), nullptr,
                                            key_.get()) == 1,
              "EVP_DigestSignInit");
  std::size_t size = 0;
  ossl::check(EVP_DigestSign(context.get(), nullptr, &size, data.data(), data.size()) == 1, "EVP_DigestSign");
  Bytes signature(size);
  ossl::check(EVP_DigestSign(context.get(), signature.data(), &size, data.data(), data.size()) == 1, "EVP_DigestSign");
  signature.resize(size);
  return signature;
}

}  // namespace lenscap::x509
