#include "ca/key_holders/pem_file.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/x509/digest_signature.h"

namespace lenscap::ca {
namespace {

class PemFile final : public KeyHolder {
 public:
  explicit PemFile(x509::PrivateKey key) : key_(std::move(key)) {}
  x509::PublicKey const& public_key() const override { return key_.public_key(); }
  // Every signature has a context of its own and the key is only read, hence safe from any thread.
  Result<Bytes> sign(HashAlgorithm hash, ByteView data) override { return key_.sign(hash, data); }
  Result<Bytes> sign_digest(HashAlgorithm hash, ByteView digest) override {
    return x509::sign_digest(key_, hash, digest);
  }
  bool signs_at_once() const override { return key_.public_key().type() == x509::KeyType::ec_p256; }

 private:
  x509::PrivateKey key_;
};

}  // namespace

Result<std::unique_ptr<KeyHolder>> open_pem_file(std::string_view path, std::string_view base_dir,
                                                 SecretBytes const& passphrase) {
  std::string const full = path.starts_with('/') ? std::string(path) : std::string(base_dir) + "/" + std::string(path);
  struct stat status {};
  if (::stat(full.c_str(), &status) == 0 && (status.st_mode & 077) != 0)
    return Error(Errc::file, "the key file " + full + " may be read by others; run: chmod 600 " + full);
  TRY(auto content, read_file(full));
  SecretBytes const pem{std::string_view(content)};
  OPENSSL_cleanse(content.data(), content.size());
  auto key = x509::PrivateKey::from_pem(pem.text(), passphrase);
  if (!key.ok()) return std::move(key).error().with_context(full + ": ");
  return std::unique_ptr<KeyHolder>(new PemFile(*std::move(key)));
}

}  // namespace lenscap::ca
