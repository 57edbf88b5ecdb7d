#include "base/seal.h"

#include <openssl/kdf.h>

#include "base/ossl.h"
#include "base/random.h"

namespace lenscap {
namespace {

constexpr std::string_view kPrefix = "sealed:v1:";
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;

}  // namespace

Sealer::Sealer(SecretBytes key) : key_(std::move(key)) {
  if (key_.size() != 32) bug("a sealing key has 32 octets");
}

std::string Sealer::seal(SecretBytes const& secret, std::string_view context) const {
  Bytes box = random_bytes(kNonceBytes);
  box.resize(kNonceBytes + secret.size() + kTagBytes);
  ossl::CipherCtxPtr const ctx(EVP_CIPHER_CTX_new());
  int size = 0;
  ossl::check(ctx && EVP_EncryptInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, key_.view().data(), box.data()) == 1 &&
                  EVP_EncryptUpdate(ctx.get(), nullptr, &size, as_bytes(context).data(),
                                    static_cast<int>(context.size())) == 1 &&
                  EVP_EncryptUpdate(ctx.get(), box.data() + kNonceBytes, &size, secret.view().data(),
                                    static_cast<int>(secret.size())) == 1 &&
                  EVP_EncryptFinal_ex(ctx.get(), box.data() + kNonceBytes + size, &size) == 1 &&
                  EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                                      box.data() + kNonceBytes + secret.size()) == 1,
              "sealing");
  return std::string(kPrefix) + to_base64url(box);
}

Result<SecretBytes> Sealer::open(std::string_view sealed, std::string_view context) const {
  Error const refusal(Errc::wrong_passphrase,
                      "a sealed secret does not open: the sealing key is another one, or the record was changed");
  if (!sealed.starts_with(kPrefix)) return refusal;
  auto box = from_base64url(sealed.substr(kPrefix.size()));
  if (!box.ok() || box->size() < kNonceBytes + kTagBytes) return refusal;
  std::size_t const length = box->size() - kNonceBytes - kTagBytes;
  Bytes plain(length);
  ossl::CipherCtxPtr const ctx(EVP_CIPHER_CTX_new());
  int size = 0;
  ossl::check(
      ctx && EVP_DecryptInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, key_.view().data(), box->data()) == 1 &&
          EVP_DecryptUpdate(ctx.get(), nullptr, &size, as_bytes(context).data(), static_cast<int>(context.size())) ==
              1 &&
          EVP_DecryptUpdate(ctx.get(), plain.data(), &size, box->data() + kNonceBytes, static_cast<int>(length)) == 1 &&
          EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, box->data() + kNonceBytes + length) == 1,
      "opening a seal");
  bool const good = EVP_DecryptFinal_ex(ctx.get(), plain.data() + length, &size) == 1;
  SecretBytes secret(std::move(plain));
  if (!good) {
    ossl::take_errors();
    return refusal;
  }
  return secret;
}

Sealer Sealer::from_passphrase(SecretBytes const& passphrase, ByteView salt) {
  Bytes key(32);
  ossl::check(EVP_PBE_scrypt(passphrase.text().data(), passphrase.size(), salt.data(), salt.size(), 16384, 8, 1, 0,
                             key.data(), key.size()) == 1,
              "scrypt");
  return Sealer(SecretBytes(std::move(key)));
}

}  // namespace lenscap
