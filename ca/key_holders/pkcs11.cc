#include "ca/key_holders/pkcs11.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "base/x509/der.h"
#include "ca/key_holders/pkcs11_token.h"

namespace lenscap::ca {
namespace {

namespace x509_der = x509::der;

// DigestInfo up to the hash itself (RFC 8017 9.2, note 1).
ByteView digest_info(HashAlgorithm hash) {
  static constexpr std::array<std::uint8_t, 19> kSha256{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                                        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
  static constexpr std::array<std::uint8_t, 19> kSha384{0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                                        0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30};
  static constexpr std::array<std::uint8_t, 19> kSha512{0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                                        0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40};
  switch (hash) {
    case HashAlgorithm::sha256:
      return kSha256;
    case HashAlgorithm::sha384:
      return kSha384;
    case HashAlgorithm::sha512:
      return kSha512;
  }
  bug("unknown hash");
}

// r and s one behind the other, as tokens give them, into ECDSA-Sig-Value (RFC 3279 2.2.3).
Bytes ecdsa_value(ByteView r_and_s) {
  auto const number = [](ByteView octets) {
    while (!octets.empty() && octets[0] == 0) octets = octets.subspan(1);
    return x509_der::unsigned_integer(octets);
  };
  auto const half = r_and_s.size() / 2;
  return x509_der::element(x509_der::kSequence, {number(r_and_s.first(half)), number(r_and_s.subspan(half))});
}

// Does another session help?
bool is_gone(CK_RV rv) {
  static constexpr CK_RV kGone[] = {CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED,        CKR_USER_NOT_LOGGED_IN,
                                    CKR_DEVICE_REMOVED,         CKR_DEVICE_ERROR,          CKR_TOKEN_NOT_PRESENT,
                                    CKR_KEY_HANDLE_INVALID,     CKR_OBJECT_HANDLE_INVALID, CKR_OPERATION_ACTIVE};
  return std::ranges::find(kGone, rv) != std::end(kGone);
}

class Pkcs11 final : public KeyHolder {
 public:
  Pkcs11(Pkcs11Uri uri, Pkcs11Modules modules, Pkcs11Session session, SecretBytes pin)
      : uri_(std::move(uri)),
        modules_(std::move(modules)),
        public_key_(session.public_key()),
        pin_(std::move(pin)),
        session_(std::move(session)) {}

  x509::PublicKey const& public_key() const override { return public_key_; }

  // Tokens are slow, and their connections narrow: what they get is the hash.
  Result<Bytes> sign(HashAlgorithm hash, ByteView data) override { return sign_digest(hash, digest(hash, data)); }

  Result<Bytes> sign_digest(HashAlgorithm hash, ByteView digest) override {
    bool const is_rsa = public_key_.type() == x509::KeyType::rsa;
    Bytes input = is_rsa ? to_bytes(digest_info(hash)) : Bytes();
    input.insert(input.end(), digest.begin(), digest.end());
    std::lock_guard const lock(mutex_);
    Bytes signature;
    CK_RV rv = session_ ? session_->sign(input, pin_, signature) : CKR_SESSION_CLOSED;
    if (is_gone(rv)) {
      session_.reset();
      auto session = Pkcs11Session::open(modules_, uri_, pin_);
      if (!session.ok()) return Error(Errc::unavailable, session.error().detail());
      if (session->public_key() != public_key_)
        return Error(Errc::unavailable, uri_.text() + ": the token has another key there now");
      session_ = *std::move(session);
      rv = session_->sign(input, pin_, signature);
    }
    if (rv != CKR_OK)
      return Error(Errc::unavailable, uri_.text() + ": no signature; the token says: " + p11_kit_strerror(rv));
    return is_rsa ? signature : ecdsa_value(signature);
  }

 private:
  Pkcs11Uri uri_;
  Pkcs11Modules modules_;  // outlives its sessions
  x509::PublicKey public_key_;
  SecretBytes pin_;  // for the next session
  std::mutex mutex_;
  std::optional<Pkcs11Session> session_;  // empty while the token is away
};

}  // namespace

Result<std::unique_ptr<KeyHolder>> open_pkcs11(std::string_view rest, std::string_view /*base_dir*/,
                                               SecretBytes const& passphrase) {
  TRY(auto uri, Pkcs11Uri::parse("pkcs11:" + std::string(rest)));
  TRY(auto modules, Pkcs11Modules::load(uri));
  TRY(auto session, Pkcs11Session::open(modules, uri, passphrase));
  return std::unique_ptr<KeyHolder>(
      new Pkcs11(std::move(uri), std::move(modules), std::move(session), passphrase.clone()));
}

}  // namespace lenscap::ca
