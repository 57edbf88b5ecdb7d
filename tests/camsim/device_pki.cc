#include "tests/camsim/device_pki.h"

#include "base/random.h"
#include "tests/camsim/certificates.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

// Device identities never end: RFC 5280 section 4.1.2.5.
constexpr char const* kForever = "99991231235959Z";
constexpr char const* kPkiStart = "20200101000000Z";
constexpr char const* kHardwareModuleName = "1.3.6.1.5.5.7.8.4";  // RFC 4108
constexpr char const* kHardwareType = "1.3.6.1.4.1.28137.1.1";

struct Issue {
  Dn subject;
  EVP_PKEY* subject_key;
  X509_NAME const* issuer;  // null: self-signed
  EVP_PKEY* issuer_key;
  X509* issuer_certificate;
  std::vector<std::pair<int, std::string>> extensions;
};

// SEQUENCE { OID hwType, OCTET STRING hwSerialNum } inside an otherName.
ossl::X509ExtensionPtr hardware_name(std::string const& serial) {
  Bytes number = to_bytes(lower(serial));
  number.resize(18, 0);
  ossl::Asn1ObjectPtr const type(OBJ_txt2obj(kHardwareType, 1));
  Bytes const type_der = ossl::to_der(type.get(), i2d_ASN1_OBJECT);
  Bytes sequence{0x30, static_cast<std::uint8_t>(type_der.size() + 2 + number.size())};
  sequence.insert(sequence.end(), type_der.begin(), type_der.end());
  sequence.push_back(0x04);
  sequence.push_back(static_cast<std::uint8_t>(number.size()));
  sequence.insert(sequence.end(), number.begin(), number.end());

  ossl::Ptr<GENERAL_NAMES, GENERAL_NAMES_free> const names(GENERAL_NAMES_new());
  GENERAL_NAME* name = GENERAL_NAME_new();
  unsigned char const* at = sequence.data();
  ASN1_TYPE* value = d2i_ASN1_TYPE(nullptr, &at, static_cast<long>(sequence.size()));
  ossl::check(value != nullptr, "hardwareModuleName");
  GENERAL_NAME_set0_othername(name, OBJ_txt2obj(kHardwareModuleName, 1), value);  // takes both
  sk_GENERAL_NAME_push(names.get(), name);                                        // takes name
  return ossl::X509ExtensionPtr(X509V3_EXT_i2d(NID_subject_alt_name, 0, names.get()));
}

ossl::X509Ptr build(Issue const& what, std::string const& hardware_serial) {
  ossl::X509Ptr certificate(X509_new());
  X509* x = certificate.get();
  X509_set_version(x, X509_VERSION_3);
  Bytes octets = random_bytes(16);
  octets[0] = static_cast<std::uint8_t>((octets[0] & 0x7f) | 0x40);
  ossl::BnPtr const number(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x));
  ossl::X509NamePtr const subject = to_name(what.subject);
  X509_set_subject_name(x, subject.get());
  X509_set_issuer_name(x, what.issuer != nullptr ? what.issuer : subject.get());
  ASN1_TIME_set_string(X509_getm_notBefore(x), kPkiStart);
  ASN1_TIME_set_string(X509_getm_notAfter(x), kForever);
  X509_set_pubkey(x, what.subject_key);
  X509V3_CTX context;
  X509V3_set_ctx(&context, what.issuer_certificate != nullptr ? what.issuer_certificate : x, x, nullptr, nullptr, 0);
  if (!hardware_serial.empty()) {
    ossl::X509ExtensionPtr const name = hardware_name(hardware_serial);
    X509_add_ext(x, name.get(), -1);
  }
  for (auto const& [nid, value] : what.extensions) {
    ossl::X509ExtensionPtr const extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    ossl::check(extension != nullptr && X509_add_ext(x, extension.get(), -1) == 1, "extension");
  }
  ossl::check(X509_sign(x, what.issuer_key, EVP_sha256()) > 0, "sign");
  return certificate;
}

KeyRef make_ec_key() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  ossl::check(key != nullptr, "EC key");
  return {key, EVP_PKEY_free};
}

std::vector<std::pair<int, std::string>> authority_extensions(bool root) {
  std::vector<std::pair<int, std::string>> list{
      {NID_basic_constraints, root ? "critical,CA:TRUE" : "critical,CA:TRUE,pathlen:0"},
      {NID_key_usage, "critical,keyCertSign,cRLSign"},
      {NID_subject_key_identifier, "hash"}};
  if (!root) list.emplace_back(NID_authority_key_identifier, "keyid:always");
  return list;
}

std::string family_of(std::string_view key_type) { return key_type.starts_with("EC") ? "ECC" : "RSA"; }

}  // namespace

std::string DevicePki::alias_of(std::string_view key_type) {
  std::string const type = key_type.starts_with("EC") ? "ECC" + std::string(key_type.substr(2)) : std::string(key_type);
  return "Axis device ID " + type + " (802.1AR)";
}

Bytes const& DevicePki::root() {
  if (root_.key) return root_.der;
  root_.key = make_ec_key();
  ossl::X509Ptr const certificate =
      build({.subject = {{"O", "Axis Communications AB"}, {"CN", "Axis device ID Root CA ECC (TEST)"}},
             .subject_key = root_.key.get(),
             .issuer = nullptr,
             .issuer_key = root_.key.get(),
             .issuer_certificate = nullptr,
             .extensions = authority_extensions(true)},
            "");
  root_.der = ossl::to_der(certificate.get(), i2d_X509);
  return root_.der;
}

DevicePki::Authority const& DevicePki::intermediate(std::string const& family) {
  Authority& authority = intermediates_[family];
  if (authority.key) return authority;
  ossl::X509Ptr const issuer = parse_certificate(root());
  authority.key = make_ec_key();
  ossl::X509Ptr const certificate = build(
      {.subject = {{"O", "Axis Communications AB"}, {"CN", "Axis device ID Intermediate CA " + family + " 2 (TEST)"}},
       .subject_key = authority.key.get(),
       .issuer = X509_get_subject_name(issuer.get()),
       .issuer_key = root_.key.get(),
       .issuer_certificate = issuer.get(),
       .extensions = authority_extensions(false)},
      "");
  authority.der = ossl::to_der(certificate.get(), i2d_X509);
  return authority;
}

std::vector<Bytes> DevicePki::issue(std::string const& serial, std::string const& key_type, EVP_PKEY* key) {
  Authority const& authority = intermediate(family_of(key_type));
  ossl::X509Ptr const issuer = parse_certificate(authority.der);
  std::string const suffix = lower(replace_all(key_type, "EC-P", "eccp"));
  Dn const subject{{"C", "SE"},
                   {"L", "Lund"},
                   {"O", "Axis Communications AB"},
                   {"CN", "axis-" + lower(serial) + "-" + replace_all(suffix, "-", "") + "-1"},
                   {"serialNumber", lower(serial)}};
  ossl::X509Ptr const certificate = build({.subject = subject,
                                           .subject_key = key,
                                           .issuer = X509_get_subject_name(issuer.get()),
                                           .issuer_key = authority.key.get(),
                                           .issuer_certificate = issuer.get(),
                                           .extensions = {{NID_authority_key_identifier, "keyid:always"}}},
                                          serial);
  return {ossl::to_der(certificate.get(), i2d_X509), authority.der};
}

std::vector<Bytes> DevicePki::authorities() { return {root(), intermediate("ECC").der, intermediate("RSA").der}; }

std::string DevicePki::pem() {
  std::string text;
  for (Bytes const& der : authorities()) text += to_pem("CERTIFICATE", der);
  return text;
}

}  // namespace lenscap::camsim
