#include "tests/camsim/certificates.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include <array>
#include <ctime>

#include "base/digest.h"
#include "base/random.h"

namespace lenscap::camsim {
namespace {

constexpr std::size_t kSerialOctets = 16;

using AltNames = ossl::Ptr<GENERAL_NAMES, GENERAL_NAMES_free>;

ossl::Asn1IntegerPtr random_serial() {
  Bytes octets = random_bytes(kSerialOctets);
  octets[0] = static_cast<std::uint8_t>((octets[0] & 0x7f) | 0x40);  // positive, full length
  ossl::BnPtr const number(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
  return ossl::Asn1IntegerPtr(BN_to_ASN1_INTEGER(number.get(), nullptr));
}

ossl::X509ExtensionPtr alt_name_extension(std::vector<std::string> const& names) {
  std::string text;
  for (std::string const& name : names) text += (text.empty() ? "" : ",") + name;
  return ossl::X509ExtensionPtr(X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, text.c_str()));
}

long long to_unix(ASN1_TIME const* time) {
  std::tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return timegm(&parts);
}

}  // namespace

Bytes make_self_signed(EVP_PKEY* key, SelfSigned const& what) {
  ossl::X509Ptr const certificate(X509_new());
  X509* x = certificate.get();
  ossl::check(X509_set_version(x, X509_VERSION_3) == 1, "version");
  ossl::Asn1IntegerPtr const serial = random_serial();
  ossl::check(X509_set_serialNumber(x, serial.get()) == 1, "serial");
  ossl::X509NamePtr const name = to_name(what.subject);
  ossl::check(name != nullptr, "subject");
  ossl::check(X509_set_subject_name(x, name.get()) == 1 && X509_set_issuer_name(x, name.get()) == 1, "names");
  ossl::Asn1TimePtr const from(ASN1_TIME_set(nullptr, what.not_before));
  ossl::Asn1TimePtr const until(ASN1_TIME_set(nullptr, what.not_after));
  ossl::check(X509_set1_notBefore(x, from.get()) == 1 && X509_set1_notAfter(x, until.get()) == 1, "validity");
  ossl::check(X509_set_pubkey(x, key) == 1, "public key");
  if (!what.subject_alt_names.empty()) {
    ossl::X509ExtensionPtr const names = alt_name_extension(what.subject_alt_names);
    ossl::check(names != nullptr && X509_add_ext(x, names.get(), -1) == 1, "subjectAltName");
  }
  ossl::check(X509_sign(x, key, EVP_sha256()) > 0, "sign");
  return ossl::to_der(x, i2d_X509);
}

Bytes make_csr(EVP_PKEY* key, CsrContents const& what) {
  ossl::X509ReqPtr const request(X509_REQ_new());
  X509_REQ* r = request.get();
  ossl::check(X509_REQ_set_subject_name(r, what.subject.get()) == 1, "subject");
  ossl::check(X509_REQ_set_pubkey(r, key) == 1, "public key");
  if (!what.subject_alt_names.empty()) {
    ossl::X509ExtensionPtr names = alt_name_extension(what.subject_alt_names);
    ossl::check(names != nullptr, "subjectAltName");
    ossl::Ptr<STACK_OF(X509_EXTENSION), [](STACK_OF(X509_EXTENSION) * s) { sk_X509_EXTENSION_free(s); }> const list(
        sk_X509_EXTENSION_new_null());
    sk_X509_EXTENSION_push(list.get(), names.get());
    ossl::check(X509_REQ_add_extensions(r, list.get()) == 1, "extensionRequest");
  }
  ossl::check(X509_REQ_sign(r, key, what.sha1 ? EVP_sha1() : EVP_sha256()) > 0, "sign");
  return ossl::to_der(r, i2d_X509_REQ);
}

ossl::X509NamePtr to_name(Dn const& dn) {
  ossl::X509NamePtr name(X509_NAME_new());
  for (auto const& [type, value] : dn) {
    auto const* octets = reinterpret_cast<unsigned char const*>(value.data());
    if (X509_NAME_add_entry_by_txt(name.get(), type.c_str(), MBSTRING_UTF8, octets, static_cast<int>(value.size()), -1,
                                   0) != 1) {
      ossl::take_errors();
      return nullptr;
    }
  }
  return name;
}

std::optional<Dn> parse_rfc4514(std::string_view text) {
  Dn dn;
  std::size_t at = 0;
  while (at < text.size()) {
    auto const equals = text.find('=', at);
    if (equals == std::string_view::npos) return std::nullopt;
    std::string type(text.substr(at, equals - at));
    while (!type.empty() && type.front() == ' ') type.erase(0, 1);
    if (type.empty()) return std::nullopt;
    std::string value;
    for (at = equals + 1; at < text.size() && text[at] != ','; ++at) {
      if (text[at] != '\\') {
        value += text[at];
        continue;
      }
      if (at + 1 >= text.size()) return std::nullopt;
      auto const hex = at + 2 < text.size() ? from_hex(text.substr(at + 1, 2)) : Result<Bytes>(Bytes());
      if (hex.ok() && hex->size() == 1) {
        value += static_cast<char>((*hex)[0]);
        at += 2;
      } else {
        value += text[++at];
      }
    }
    if (at < text.size() && ++at == text.size()) return std::nullopt;  // ends in a comma
    dn.insert(dn.begin(), {std::move(type), std::move(value)});        // the text runs from the leaf of the tree
  }
  return dn;
}

ossl::X509NamePtr subject_of(X509* certificate) {
  return ossl::X509NamePtr(X509_NAME_dup(X509_get_subject_name(certificate)));
}

std::vector<std::string> subject_alt_names_of(X509* certificate) {
  std::vector<std::string> names;
  AltNames const list(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; list != nullptr && i < sk_GENERAL_NAME_num(list.get()); ++i) {
    GENERAL_NAME const* name = sk_GENERAL_NAME_value(list.get(), i);
    int type = 0;
    auto const* value = static_cast<ASN1_STRING const*>(GENERAL_NAME_get0_value(name, &type));
    if (type == GEN_DNS) {
      names.push_back("DNS:" + std::string(reinterpret_cast<char const*>(ASN1_STRING_get0_data(value)),
                                           static_cast<std::size_t>(ASN1_STRING_length(value))));
    } else if (type == GEN_IPADD) {
      std::string text = "IP:";
      int const size = ASN1_STRING_length(value);
      unsigned char const* octets = ASN1_STRING_get0_data(value);
      std::array<char, 8> part = {};
      for (int o = 0; o < size; o += size == 4 ? 1 : 2) {
        if (size == 4)
          snprintf(part.data(), part.size(), o == 0 ? "%u" : ".%u", octets[o]);
        else
          snprintf(part.data(), part.size(), o == 0 ? "%x" : ":%x", octets[o] * 256U + octets[o + 1]);
        text += part.data();
      }
      names.push_back(text);
    }
  }
  return names;
}

bool is_usable_alt_name(std::string_view name) {
  if (!name.starts_with("DNS:") && !name.starts_with("IP:")) return false;
  if (name.find(',') != std::string_view::npos || name.ends_with(':')) return false;
  bool const usable = alt_name_extension({std::string(name)}) != nullptr;
  ossl::take_errors();
  return usable;
}

ossl::X509Ptr parse_certificate(ByteView der) {
  unsigned char const* at = der.data();
  ossl::X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (certificate == nullptr || at != der.data() + der.size()) {
    ossl::take_errors();
    return nullptr;
  }
  return certificate;
}
ossl::X509Ptr parse_certificate(Bytes const& der) { return parse_certificate(ByteView(der)); }

std::vector<Bytes> parse_pem_chain(std::string_view pem) {
  std::vector<Bytes> chain;
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  for (auto at = pem.find(kBegin); at != std::string_view::npos; at = pem.find(kBegin, at)) {
    at += kBegin.size();
    auto const end = pem.find(kEnd, at);
    if (end == std::string_view::npos) return {};
    auto der = from_base64(pem.substr(at, end - at));
    if (!der.ok() || parse_certificate(*der) == nullptr) return {};
    chain.push_back(std::move(der).value());
  }
  return chain;
}

KeyRef parse_private_key_der(ByteView der) {
  unsigned char const* at = der.data();
  EVP_PKEY* key = d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size()));
  ossl::take_errors();
  return key == nullptr ? KeyRef() : KeyRef(key, EVP_PKEY_free);
}

KeyRef parse_private_key_pem(std::string_view pem) {
  ossl::BioPtr const in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // The empty passphrase keeps OpenSSL from asking at the terminal.
  EVP_PKEY* key = PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, const_cast<char*>(""));
  ossl::take_errors();
  return key == nullptr ? KeyRef() : KeyRef(key, EVP_PKEY_free);
}

KeyRef public_key_of(X509* certificate) {
  EVP_PKEY* key = X509_get_pubkey(certificate);
  ossl::take_errors();
  return key == nullptr ? KeyRef() : KeyRef(key, EVP_PKEY_free);
}

std::optional<Pkcs12> open_pkcs12(ByteView der, std::string const& passphrase) {
  unsigned char const* at = der.data();
  ossl::Ptr<PKCS12, PKCS12_free> const box(d2i_PKCS12(nullptr, &at, static_cast<long>(der.size())));
  EVP_PKEY* key = nullptr;
  X509* leaf = nullptr;
  STACK_OF(X509)* extra = nullptr;
  bool const opened = box != nullptr && PKCS12_parse(box.get(), passphrase.c_str(), &key, &leaf, &extra) == 1;
  ossl::take_errors();
  KeyRef const key_owner(key, EVP_PKEY_free);
  ossl::X509Ptr const leaf_owner(leaf);
  ossl::Ptr<STACK_OF(X509), [](STACK_OF(X509) * s) { sk_X509_pop_free(s, X509_free); }> const extra_owner(extra);
  if (!opened || key == nullptr || leaf == nullptr) return std::nullopt;
  Pkcs12 contents{key_owner, {ossl::to_der(leaf, i2d_X509)}};
  for (int i = 0; extra != nullptr && i < sk_X509_num(extra); ++i)
    contents.chain.push_back(ossl::to_der(sk_X509_value(extra, i), i2d_X509));
  return contents;
}

std::string to_pem(std::string_view label, ByteView der) {
  std::string const body = to_base64(der);
  std::string text = "-----BEGIN " + std::string(label) + "-----\n";
  for (std::size_t at = 0; at < body.size(); at += 64) text += body.substr(at, 64) + "\n";
  return text + "-----END " + std::string(label) + "-----\n";
}

std::string dn_text(X509_NAME const* name) {
  ossl::BioPtr const out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  long const size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string serial_hex(X509* certificate) {
  ossl::BnPtr const number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  ossl::Ptr<char, [](char* p) { OPENSSL_free(p); }> const text(BN_bn2hex(number.get()));
  return text.get();
}

long long not_before_of(X509* certificate) { return to_unix(X509_get0_notBefore(certificate)); }
long long not_after_of(X509* certificate) { return to_unix(X509_get0_notAfter(certificate)); }
std::string sha256_hex(ByteView data) { return to_hex(sha256(data)); }

}  // namespace lenscap::camsim
