#include "base/x509/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <ctime>
#include <mutex>

#include "base/x509/der.h"
#include "base/x509/pem_certificates.h"

namespace lenscap::x509 {
namespace {

constexpr std::size_t kPemOctetsMax = 64 * 1024;
constexpr std::size_t kChainCertificatesMax = 10;
constexpr std::string_view kPemBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kPemEnd = "-----END CERTIFICATE-----";

Error bad_certificate(std::string_view why) { return {Errc::malformed, "the certificate " + std::string(why)}; }

std::optional<Time> to_time(ASN1_TIME const* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return from_unix(timegm(&parts));
}

// The value of the only extension of this kind: nothing when there is none, malformed when there are two.
Result<std::optional<ByteView>> extension(X509 const* certificate, int nid) {
  int const at = X509_get_ext_by_NID(certificate, nid, -1);
  if (at < 0) return std::optional<ByteView>();
  if (X509_get_ext_by_NID(certificate, nid, at) >= 0) return bad_certificate("has an extension twice");
  auto const* value = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
  return std::optional(ByteView(ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value))));
}

// The parts of the frame that are read without OpenSSL.
struct Frame {
  ByteView tbs;  // with its tag and length
  ByteView serial;
  Time not_before{}, not_after{};
};

// UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 has them: whole seconds, Z.
Result<Time> read_time(der::Reader& validity) {
  constexpr std::uint8_t kUtcTime = 0x17;
  constexpr std::uint8_t kGeneralizedTime = 0x18;
  TRY(auto const element, validity.next());
  auto text = as_text(element.content);
  bool const is_utc = element.tag == kUtcTime && text.size() == 13;
  bool const is_general = element.tag == kGeneralizedTime && text.size() == 15;
  if ((!is_utc && !is_general) || !text.ends_with('Z')) return validity.refuse("has a time in another form");
  text.remove_suffix(1);
  if (text.find_first_not_of("0123456789") != text.npos) return validity.refuse("has a time in another form");
  auto const take = [&](std::size_t digits) {
    int number = 0;
    for (char const c : text.substr(0, digits)) number = number * 10 + (c - '0');
    text.remove_prefix(digits);
    return number;
  };
  std::tm parts{};
  parts.tm_year = is_general ? take(4) - 1900 : take(2);
  if (is_utc && parts.tm_year < 50) parts.tm_year += 100;
  parts.tm_mon = take(2) - 1;
  parts.tm_mday = take(2);
  parts.tm_hour = take(2);
  parts.tm_min = take(2);
  parts.tm_sec = take(2);
  return from_unix(timegm(&parts));
}

Result<Frame> read_frame(ByteView der) {
  der::Reader reader(der, Errc::malformed, "the certificate");
  TRY(auto outer, reader.enter(der::kSequence, "frame"));
  CHECK_OK(reader.end());
  Frame frame;
  TRY(auto const tbs, outer.next(der::kSequence, "to-be-signed part"));
  frame.tbs = tbs.whole;
  TRY(auto const algorithm, outer.next(der::kSequence, "signature algorithm"));
  static_cast<void>(algorithm);
  TRY(auto const signature, outer.bit_string("signature"));
  static_cast<void>(signature);
  CHECK_OK(outer.end());
  der::Reader inside(tbs.content, Errc::malformed, "the certificate");
  TRY(auto const version, inside.next(der::context_constructed(0), "version"));
  static_cast<void>(version);
  TRY(frame.serial, inside.unsigned_integer("serial number"));
  TRY(auto const signed_by, inside.next(der::kSequence, "signature algorithm"));
  static_cast<void>(signed_by);
  TRY(auto const issuer, inside.next(der::kSequence, "issuer"));
  static_cast<void>(issuer);
  TRY(auto validity, inside.enter(der::kSequence, "validity"));
  TRY(frame.not_before, read_time(validity));
  TRY(frame.not_after, read_time(validity));
  CHECK_OK(validity.end());
  return frame;
}

}  // namespace

struct Certificate::State {
  Bytes der;
  std::once_flag asked;
  ossl::X509Ptr native;  // once asked, or from the beginning
  std::optional<PublicKey> key;

  // OpenSSL's view of octets that it has not seen yet.
  State& ask() {
    std::call_once(asked, [this] {
      if (native) return;
      auto parsed = from_der(der);
      if (!parsed.ok()) bug("a certificate of ours cannot be read");
      native = std::move(parsed->state_->native);
      key = std::move(parsed->state_->key);
    });
    return *this;
  }
};

Result<Certificate> Certificate::of_ours(Bytes der) {
  CHECK_OK(read_frame(der));
  auto state = std::make_shared<State>();
  state->der = std::move(der);
  return Certificate(std::move(state));
}

Bytes const& Certificate::der() const { return state_->der; }
PublicKey const& Certificate::key() const { return *state_->ask().key; }
X509* Certificate::native() const { return state_->ask().native.get(); }

Result<Certificate> Certificate::from_native(X509* certificate) {
  if (certificate == nullptr) return bad_certificate("is missing");
  ossl::check(X509_up_ref(certificate) == 1, "X509_up_ref");
  ossl::X509Ptr native(certificate);
  ossl::QuietErrors const quiet;
  bool const has_key = X509_get_X509_PUBKEY(certificate) != nullptr;
  auto key = has_key ? PublicKey::from_spki(ossl::to_der(X509_get_X509_PUBKEY(certificate), i2d_X509_PUBKEY))
                     : Result<PublicKey>(bad_certificate("has no key"));
  if (!key.ok()) return bad_certificate("cannot be used: " + key.error().detail());
  if (!to_time(X509_get0_notBefore(certificate)) || !to_time(X509_get0_notAfter(certificate))) {
    return bad_certificate("has a time that cannot be read");
  }
  // Constraints that we cannot read must not look like none.
  TRY(auto constraints, extension(certificate, NID_name_constraints));
  if (constraints) CHECK_OK(NameConstraints::from_der(*constraints));
  TRY(auto names, extension(certificate, NID_subject_alt_name));
  static_cast<void>(names);
  // Has OpenSSL read the extensions now, once, while errors are quiet; later questions find its notes in the X509.
  static_cast<void>(X509_get_extension_flags(certificate));
  auto state = std::make_shared<State>();
  state->der = ossl::to_der(certificate, i2d_X509);
  state->native = std::move(native);
  state->key = std::move(key).value();
  return Certificate(std::move(state));
}

Result<Certificate> Certificate::from_der(ByteView der) {
  // The outer frame ourselves: OpenSSL takes BER there and leaves trailing octets to the caller.
  der::Reader reader(der, Errc::malformed, "the certificate");
  TRY(auto outer, reader.enter(der::kSequence, "frame"));
  CHECK_OK(reader.end());
  TRY(auto tbs, outer.next(der::kSequence, "to-be-signed part"));
  static_cast<void>(tbs);
  ossl::QuietErrors const quiet;
  unsigned char const* in = der.data();
  ossl::X509Ptr const native(d2i_X509(nullptr, &in, static_cast<long>(der.size())));
  if (!native) return bad_certificate("is not an X.509 certificate in DER");
  TRY(auto certificate, from_native(native.get()));
  if (!std::ranges::equal(der, certificate.der())) {
    return bad_certificate("is not in DER: written again it differs");
  }
  return certificate;
}

std::string Certificate::pem() const { return pem_block("CERTIFICATE", der()); }

Sha256 Certificate::fingerprint() const { return sha256(der()); }

Bytes Certificate::serial() const {
  if (auto const frame = read_frame(der()); frame.ok() && !frame->serial.empty()) return to_bytes(frame->serial);
  auto const* number = X509_get0_serialNumber(native());  // somebody else's: negative, zero, or of version 1
  return {number->data, number->data + number->length};
}

std::string Certificate::serial_hex() const { return to_hex(serial()); }

namespace {

std::string name_text(X509_NAME const* name) {
  ossl::BioPtr const bio(BIO_new(BIO_s_mem()));
  ossl::check(bio != nullptr, "BIO_new");
  ossl::QuietErrors const quiet;
  // Fails for a string that is not what its type says, as somebody else's certificate may hold.
  if (X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return "(unreadable name)";
  char* text = nullptr;
  long const size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

std::string Certificate::subject() const { return name_text(X509_get_subject_name(native())); }
std::string Certificate::issuer() const { return name_text(X509_get_issuer_name(native())); }

std::string Certificate::common_name() const {
  auto const* subject = X509_get_subject_name(native());
  int const at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* utf8 = nullptr;
  ossl::QuietErrors const quiet;
  int const size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return {};
  std::string out(reinterpret_cast<char const*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return out;
}

Time Certificate::not_before() const {
  if (auto const frame = read_frame(der()); frame.ok()) return frame->not_before;
  return *to_time(X509_get0_notBefore(native()));
}
Time Certificate::not_after() const {
  if (auto const frame = read_frame(der()); frame.ok()) return frame->not_after;
  return *to_time(X509_get0_notAfter(native()));
}

NameSet Certificate::names() const {
  NameSet out;
  auto const value = extension(native(), NID_subject_alt_name);
  if (!value.ok() || !*value) return out;
  der::Reader reader(**value, Errc::malformed, "subjectAltName");
  auto list = reader.enter(der::kSequence, "names");
  while (list.ok() && !list->at_end()) {
    auto const name = list->next();
    if (!name.ok()) break;
    if (name->tag == der::context(2)) {
      auto dns = DnsName::parse(as_text(name->content));
      if (dns.ok()) out.dns.insert(std::move(dns).value());
    } else if (name->tag == der::context(7)) {
      auto address = IpAddress::from_octets(name->content);
      if (address.ok()) out.ip.insert(std::move(address).value());
    }
  }
  return out;
}

bool Certificate::is_ca() const { return (X509_get_extension_flags(native()) & EXFLAG_CA) != 0; }

bool Certificate::is_self_issued() const {
  return X509_NAME_cmp(X509_get_subject_name(native()), X509_get_issuer_name(native())) == 0;
}

namespace {

Bytes octets_of(ASN1_OCTET_STRING const* string) {
  if (string == nullptr) return {};
  auto const* begin = ASN1_STRING_get0_data(string);
  return {begin, begin + ASN1_STRING_length(string)};
}

}  // namespace

Bytes Certificate::subject_key_id() const { return octets_of(X509_get0_subject_key_id(native())); }
Bytes Certificate::authority_key_id() const { return octets_of(X509_get0_authority_key_id(native())); }
Bytes Certificate::subject_der() const { return ossl::to_der(X509_get_subject_name(native()), i2d_X509_NAME); }

std::optional<NameConstraints> Certificate::name_constraints() const {
  auto const value = extension(native(), NID_name_constraints).value();  // read once already
  if (!value) return std::nullopt;
  return NameConstraints::from_der(*value).value();
}

Bytes Certificate::tbs() const {
  der::Reader reader(der(), Errc::malformed, "own certificate");
  auto outer = reader.enter(der::kSequence, "frame").value();
  return to_bytes(outer.next(der::kSequence, "to-be-signed part").value().whole);
}

bool Certificate::is_signed_by(PublicKey const& issuer) const {
  ossl::QuietErrors const quiet;
  return X509_verify(native(), issuer.native()) == 1;
}

// --- PEM -------------------------------------------------------------------------------------------------------------

std::string pem_block(std::string_view label, ByteView der) {
  std::string out = "-----BEGIN " + std::string(label) + "-----\n";
  std::string const digits = to_base64(der);
  for (std::size_t i = 0; i < digits.size(); i += 64) {
    out.append(digits, i, 64);
    out += '\n';
  }
  return out + "-----END " + std::string(label) + "-----\n";
}

// One pass over the lines. Text outside blocks is skipped (RFC 7468 section 2), another kind of block is refused.
Result<std::vector<Certificate>> parse_pem_certificates(std::string_view pem, std::size_t certificates_max) {
  if (pem.size() > kPemOctetsMax) return Error(Errc::malformed, "the PEM file is larger than 64 KiB");
  std::vector<Certificate> out;
  bool inside = false;
  std::string digits;
  while (!pem.empty()) {
    std::size_t const newline = pem.find('\n');
    auto line = pem.substr(0, newline);
    pem.remove_prefix(newline == std::string_view::npos ? pem.size() : newline + 1);
    while (line.ends_with('\r') || line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
    if (!inside) {
      if (line == kPemBegin) {
        inside = true;
        digits.clear();
      } else if (line.find("-----") != std::string_view::npos) {
        // A private key in such a file is a trap or a leak: 8555-11.4-1.
        return Error(Errc::malformed, "the PEM file has something else than CERTIFICATE blocks; nothing of it is used");
      }
    } else if (line == kPemEnd) {
      inside = false;
      if (out.size() == certificates_max) {
        return Error(Errc::malformed,
                     "the PEM file has more than " + std::to_string(certificates_max) + " certificates");
      }
      auto der = from_base64(digits);
      if (!der.ok()) return Error(Errc::malformed, "a CERTIFICATE block in the PEM file is not base64");
      TRY(auto certificate, Certificate::from_der(*der));
      out.push_back(std::move(certificate));
    } else {
      digits += line;
    }
  }
  if (inside) return Error(Errc::malformed, "the PEM file ends inside a CERTIFICATE block");
  if (out.empty()) return Error(Errc::malformed, "the PEM file has no certificate");
  return out;
}

Result<std::vector<Certificate>> parse_pem_chain(std::string_view pem) {
  return parse_pem_certificates(pem, kChainCertificatesMax);
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
  TRY(auto chain, parse_pem_chain(pem));
  if (chain.size() != 1) {
    return Error(Errc::malformed, "one certificate was expected, the PEM file has " + std::to_string(chain.size()));
  }
  return Certificate(std::move(chain.front()));
}

std::string to_pem(std::vector<Certificate> const& chain) {
  std::string out;
  for (auto const& certificate : chain) out += certificate.pem();
  return out;
}

// --- chain and names -------------------------------------------------------------------------------------------------

namespace {

// Borrows its members.
void free_stack(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using StackPtr = ossl::Ptr<STACK_OF(X509), free_stack>;

// Level 2 of SSL_CTX_set_security_level: 112 bits, so RSA of 2048 bits and no SHA-1 in the chain.
constexpr int kAuthLevel = 2;

}  // namespace

Result<> verify_chain(Certificate const& leaf, std::vector<Certificate> const& intermediates,
                      std::vector<Certificate> const& roots, Time now) {
  ossl::QuietErrors const quiet;
  ossl::X509StorePtr const store(X509_STORE_new());
  StackPtr const untrusted(sk_X509_new_null());
  ossl::X509StoreCtxPtr const context(X509_STORE_CTX_new());
  ossl::check(store && untrusted && context, "X509_STORE");
  for (auto const& root : roots)
    ossl::check(X509_STORE_add_cert(store.get(), root.native()) == 1, "X509_STORE_add_cert");
  for (auto const& certificate : intermediates) {
    ossl::check(sk_X509_push(untrusted.get(), certificate.native()) > 0, "sk_X509_push");
  }
  ossl::check(X509_STORE_CTX_init(context.get(), store.get(), leaf.native(), untrusted.get()) == 1,
              "X509_STORE_CTX_init");
  auto* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, static_cast<time_t>(to_unix(now)));
  X509_VERIFY_PARAM_set_auth_level(param, kAuthLevel);
  ossl::check(X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) == 1, "X509_VERIFY_PARAM_set_purpose");
  bool const good = X509_verify_cert(context.get()) == 1;
  int const code = X509_STORE_CTX_get_error(context.get());
  int const depth = X509_STORE_CTX_get_error_depth(context.get());
  if (good) return {};
  return Error(Errc::tls, "the certificate chain is not trusted: " + std::string(X509_verify_cert_error_string(code)) +
                              " (certificate " + std::to_string(depth) + " of the chain, counted from 0)");
}

bool covers(Certificate const& certificate, DnsName const& host) {
  auto const names = certificate.names();
  if (names.dns.contains(host)) return true;
  if (host.is_wildcard()) return false;
  std::size_t const dot = host.text().find('.');
  if (dot == std::string::npos) return false;
  std::string const parent = host.text().substr(dot + 1);
  // As OpenSSL and the browsers: a wildcard needs two labels below it, so that "*.lan" names nobody.
  if (parent.find('.') == std::string::npos) return false;
  auto const wildcard = DnsName::parse("*." + parent);
  return wildcard.ok() && names.dns.contains(*wildcard);
}

bool covers(Certificate const& certificate, IpAddress const& address) {
  return certificate.names().ip.contains(address);
}

}  // namespace lenscap::x509
