#include "base/x509/bundle.h"

#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>

#include <optional>

namespace lenscap::x509 {
namespace {

constexpr std::size_t kContentOctetsMax = 1024 * 1024;

Error unreadable(std::string const& why) { return {Errc::file, "the file " + why}; }

// Asks once, whatever needs it.
class Passphrase {
 public:
  explicit Passphrase(std::function<Result<SecretBytes>()> const& ask) : ask_(ask) {}
  Result<SecretBytes> get() {
    if (!known_) {
      TRY(auto given, ask_());
      known_ = std::move(given);
    }
    return known_->clone();
  }

 private:
  std::function<Result<SecretBytes>()> const& ask_;
  std::optional<SecretBytes> known_;
};

Result<> add_certificate(X509* native, Bundle& out) {
  auto certificate = Certificate::from_native(native);
  if (!certificate.ok()) return unreadable("holds a certificate that cannot be used: " + certificate.error().detail());
  out.certificates.push_back(*std::move(certificate));
  return {};
}

// --- PKCS#7 ---

using Pkcs7Ptr = ossl::Ptr<PKCS7, PKCS7_free>;

Pkcs7Ptr parse_pkcs7(ByteView der) {
  unsigned char const* at = der.data();
  return Pkcs7Ptr(d2i_PKCS7(nullptr, &at, static_cast<long>(der.size())));
}

Result<> add_pkcs7(PKCS7 const* pkcs7, Bundle& out) {
  if (!PKCS7_type_is_signed(pkcs7) || pkcs7->d.sign == nullptr || pkcs7->d.sign->cert == nullptr)
    return unreadable("is PKCS#7 without certificates");
  for (int i = 0; i < sk_X509_num(pkcs7->d.sign->cert); ++i)
    CHECK_OK(add_certificate(sk_X509_value(pkcs7->d.sign->cert, i), out));
  return {};
}

// --- PKCS#12 ---

using Pkcs12Ptr = ossl::Ptr<PKCS12, PKCS12_free>;

Pkcs12Ptr parse_pkcs12(ByteView der) {
  unsigned char const* at = der.data();
  return Pkcs12Ptr(d2i_PKCS12(nullptr, &at, static_cast<long>(der.size())));
}

void free_certificates(STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); }
using CertificatesPtr = ossl::Ptr<STACK_OF(X509), free_certificates>;

// An empty passphrase is written in two ways.
bool opens_without(PKCS12* pkcs12) {
  return PKCS12_verify_mac(pkcs12, nullptr, 0) == 1 || PKCS12_verify_mac(pkcs12, "", 0) == 1;
}

Result<> add_pkcs12(PKCS12* pkcs12, Passphrase& passphrase, Bundle& out) {
  SecretBytes words;  // ended by a zero, as OpenSSL wants it
  if (PKCS12_mac_present(pkcs12) == 0 || !opens_without(pkcs12)) {
    TRY(auto const given, passphrase.get());
    words = SecretBytes(std::string(given.text()) + '\0');
    if (PKCS12_mac_present(pkcs12) == 1 && PKCS12_verify_mac(pkcs12, words.text().data(), -1) != 1)
      return Error(Errc::wrong_passphrase, "the PKCS#12 file does not open with this passphrase (or is damaged)");
  }
  EVP_PKEY* key_found = nullptr;
  X509* certificate_found = nullptr;
  STACK_OF(X509)* more_found = nullptr;
  int const parsed =
      PKCS12_parse(pkcs12, words.empty() ? nullptr : words.text().data(), &key_found, &certificate_found, &more_found);
  ossl::PkeyPtr const key(key_found);
  ossl::X509Ptr const certificate(certificate_found);
  CertificatesPtr const more(more_found);
  if (parsed != 1)
    return unreadable(
        "is PKCS#12 that opens, but is encrypted in a way that is not read any more, such as RC2: convert it first "
        "(openssl pkcs12 -legacy -in OLD.pfx -out NEW.pem), and give the new file");
  if (key) {
    auto owned = PrivateKey::from_evp(key.get());
    if (!owned.ok()) return std::move(owned).error();
    out.keys.push_back(*std::move(owned));
  }
  if (certificate) CHECK_OK(add_certificate(certificate.get(), out));
  for (int i = 0; more && i < sk_X509_num(more.get()); ++i)
    CHECK_OK(add_certificate(sk_X509_value(more.get(), i), out));
  return {};
}

// --- PEM ---

struct Block {
  std::string_view label;
  std::string_view whole;   // both lines and what is between
  std::string_view inside;  // what is between
};

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kDashes = "-----";
constexpr std::size_t kLabelOctetsMax = 40;  // "ENCRYPTED PRIVATE KEY" has 21

// The next block and what follows it; nothing when there is none. A label is short and ends with its line: refusals
// tell it, and what follows where the dashes are lost may be a private key.
Result<std::optional<Block>> next_block(std::string_view& rest) {
  auto const from = rest.find(kBegin);
  if (from == rest.npos) return std::optional<Block>();
  auto const label_end = rest.find(kDashes, from + kBegin.size());
  if (label_end == rest.npos) return unreadable("has a damaged BEGIN line");
  Block block;
  block.label = rest.substr(from + kBegin.size(), label_end - from - kBegin.size());
  if (block.label.size() > kLabelOctetsMax || block.label.find_first_of("\r\n") != block.label.npos)
    return unreadable("has a damaged BEGIN line");
  auto const end_line = "-----END " + std::string(block.label) + "-----";
  auto const end = rest.find(end_line, label_end);
  if (end == rest.npos) return unreadable("ends inside the block " + std::string(block.label));
  block.inside = rest.substr(label_end + kDashes.size(), end - label_end - kDashes.size());
  block.whole = rest.substr(from, end + end_line.size() - from);
  rest.remove_prefix(end + end_line.size());
  return std::optional(block);
}

Result<Bytes> octets_of(Block const& block) {
  auto der = from_base64(block.inside);
  if (!der.ok()) return unreadable("has a block " + std::string(block.label) + " that is not base64");
  return der;
}

Result<> add_key(Block const& block, Passphrase& passphrase, Bundle& out) {
  bool const is_encrypted =
      block.label == "ENCRYPTED PRIVATE KEY" || block.inside.find("Proc-Type: 4,ENCRYPTED") != block.inside.npos;
  SecretBytes words;
  if (is_encrypted) {
    TRY(auto given, passphrase.get());
    words = std::move(given);
  }
  // PEM ends with a line of its own.
  SecretBytes const text(std::string(block.whole) + "\n");
  TRY(auto key, PrivateKey::from_pem(text.text(), words));
  out.keys.push_back(std::move(key));
  return {};
}

Result<> add_block(Block const& block, Passphrase& passphrase, Bundle& out) {
  if (block.label == "EC PARAMETERS") return {};  // `openssl ecparam -genkey` writes them in front of the key
  if (block.label.ends_with("PRIVATE KEY")) return add_key(block, passphrase, out);
  if (block.label == "CERTIFICATE" || block.label == "X509 CERTIFICATE") {
    TRY(auto const der, octets_of(block));
    auto certificate = Certificate::from_der(der);
    if (!certificate.ok())
      return unreadable("holds a certificate that cannot be read: " + certificate.error().detail());
    out.certificates.push_back(*std::move(certificate));
    return {};
  }
  if (block.label == "PKCS7" || block.label == "CMS") {
    TRY(auto const der, octets_of(block));
    auto const pkcs7 = parse_pkcs7(der);
    if (!pkcs7) return unreadable("has a block PKCS7 that cannot be read");
    return add_pkcs7(pkcs7.get(), out);
  }
  return unreadable("holds a block " + std::string(block.label) + ", which is neither a certificate nor a private key");
}

Result<Bundle> read_pem(std::string_view rest, Passphrase& passphrase) {
  Bundle out;
  for (;;) {
    TRY(auto const block, next_block(rest));
    if (!block) return out;
    CHECK_OK(add_block(*block, passphrase, out));
  }
}

Result<Bundle> read_der(ByteView der, Passphrase& passphrase) {
  Bundle out;
  if (auto certificate = Certificate::from_der(der); certificate.ok()) {
    out.certificates.push_back(*std::move(certificate));
    return out;
  }
  if (auto const pkcs7 = parse_pkcs7(der)) {
    CHECK_OK(add_pkcs7(pkcs7.get(), out));
    return out;
  }
  if (auto const pkcs12 = parse_pkcs12(der)) {
    CHECK_OK(add_pkcs12(pkcs12.get(), passphrase, out));
    return out;
  }
  return unreadable("is neither PEM nor a certificate in DER, PKCS#7 or PKCS#12");
}

}  // namespace

Result<Bundle> read_bundle(std::string_view content, std::function<Result<SecretBytes>()> const& ask) {
  if (content.size() > kContentOctetsMax) return unreadable("is larger than 1 MiB");
  ossl::QuietErrors const quiet;
  Passphrase passphrase(ask);
  if (content.find(kBegin) != content.npos) return read_pem(content, passphrase);
  return read_der(as_bytes(content), passphrase);
}

}  // namespace lenscap::x509
