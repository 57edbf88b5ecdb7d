// Makes certificates for tests with OpenSSL's X509 interface alone, so that what is tested is not judged by itself.
#pragma once

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <optional>
#include <string>
#include <vector>

#include "base/x509/certificate.h"

namespace lenscap::x509::testing {

struct Extension {
  int nid = 0;
  bool critical = false;
  Bytes value;
};

struct Spec {
  std::string common_name = {};  // empty: empty subject
  Bytes subject = {};            // a Name instead of the common name
  bool ca = false;
  Time not_before = from_unix(1'700'000'000);
  Time not_after = from_unix(1'900'000'000);
  std::vector<Extension> extensions = {};  // beside basicConstraints, key usage and key identifiers of a CA
  long serial = 1;
  std::optional<std::string> extended_key_usage = "serverAuth";  // of a leaf
};

inline Time const kNow = from_unix(1'800'000'000);

inline ossl::X509Ptr build(Spec const& spec, EVP_PKEY* key, EVP_PKEY* issuer_key, X509* issuer,
                           EVP_MD const* hash = EVP_sha256()) {
  ossl::X509Ptr out(X509_new());
  X509* x = out.get();
  ossl::check(X509_set_version(x, 2) == 1, "version");
  ossl::check(ASN1_INTEGER_set(X509_get_serialNumber(x), spec.serial) == 1, "serial");
  ASN1_TIME_set(X509_getm_notBefore(x), static_cast<time_t>(to_unix(spec.not_before)));
  ASN1_TIME_set(X509_getm_notAfter(x), static_cast<time_t>(to_unix(spec.not_after)));
  if (!spec.common_name.empty()) {
    ossl::check(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                           reinterpret_cast<unsigned char const*>(spec.common_name.data()),
                                           static_cast<int>(spec.common_name.size()), -1, 0) == 1,
                "CN");
  }
  if (!spec.subject.empty()) {
    unsigned char const* at = spec.subject.data();
    ossl::X509NamePtr const subject(d2i_X509_NAME(nullptr, &at, static_cast<long>(spec.subject.size())));
    ossl::check(subject && X509_set_subject_name(x, subject.get()) == 1, "subject");
  }
  ossl::check(X509_set_issuer_name(x, X509_get_subject_name(issuer != nullptr ? issuer : x)) == 1, "issuer");
  ossl::check(X509_set_pubkey(x, key) == 1, "key");
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer != nullptr ? issuer : x, x, nullptr, nullptr, 0);
  auto add_text = [&](int nid, char const* value) {
    ossl::X509ExtensionPtr const extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    ossl::check(extension && X509_add_ext(x, extension.get(), -1) == 1, "extension");
  };
  if (spec.ca) {
    add_text(NID_basic_constraints, "critical,CA:TRUE");
    add_text(NID_key_usage, "critical,keyCertSign,cRLSign");
    add_text(NID_subject_key_identifier, "hash");
  } else {
    if (spec.extended_key_usage) add_text(NID_ext_key_usage, spec.extended_key_usage->c_str());
  }
  if (issuer != nullptr && X509_get0_subject_key_id(issuer) != nullptr) {
    add_text(NID_authority_key_identifier, "keyid:always");
  }
  for (auto const& e : spec.extensions) {
    ossl::Asn1OctetStringPtr const value(ASN1_OCTET_STRING_new());
    ASN1_OCTET_STRING_set(value.get(), e.value.data(), static_cast<int>(e.value.size()));
    // NID_undef stands for an extension that nobody knows.
    ossl::Asn1ObjectPtr const unknown(OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1));
    ASN1_OBJECT const* id = e.nid == NID_undef ? unknown.get() : OBJ_nid2obj(e.nid);
    ossl::X509ExtensionPtr const extension(X509_EXTENSION_create_by_OBJ(nullptr, id, e.critical ? 1 : 0, value.get()));
    ossl::check(extension && X509_add_ext(x, extension.get(), -1) == 1, "extension");
  }
  bool const has_hash = EVP_PKEY_get_base_id(issuer_key) != EVP_PKEY_ED25519;
  ossl::check(X509_sign(x, issuer_key, has_hash ? hash : nullptr) > 0, "X509_sign");
  return out;
}

// The value of a subjectAltName as OpenSSL writes it. Raw, so that names we would never make can be made.
inline Extension subject_alt_name(std::vector<std::string> const& dns, std::vector<Bytes> const& ip,
                                  bool critical = true) {
  ossl::Ptr<GENERAL_NAMES, GENERAL_NAMES_free> const names(GENERAL_NAMES_new());
  auto add = [&](int type, void const* octets, std::size_t size) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_STRING* text = ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);
    ASN1_STRING_set(text, octets, static_cast<int>(size));
    GENERAL_NAME_set0_value(name, type, text);
    sk_GENERAL_NAME_push(names.get(), name);
  };
  for (auto const& text : dns) add(GEN_DNS, text.data(), text.size());
  for (auto const& octets : ip) add(GEN_IPADD, octets.data(), octets.size());
  return {NID_subject_alt_name, critical, ossl::to_der(names.get(), i2d_GENERAL_NAMES)};
}

inline Certificate to_certificate(ossl::X509Ptr const& x) { return Certificate::from_native(x.get()).value(); }

// A root, an issuing CA and their keys. Constraints, if any, stand in the issuing CA.
struct Authority {
  explicit Authority(std::vector<Extension> issuing_extensions = {}, std::vector<Extension> root_extensions = {}) {
    root = build({.common_name = "Test Root", .ca = true, .extensions = std::move(root_extensions)}, root_key.native(),
                 root_key.native(), nullptr);
    issuing = build({.common_name = "Test Issuing CA", .ca = true, .extensions = std::move(issuing_extensions)},
                    issuing_key.native(), root_key.native(), root.get());
  }
  Certificate leaf(Spec const& spec) const {
    return to_certificate(build(spec, leaf_key.native(), issuing_key.native(), issuing.get()));
  }
  std::vector<Certificate> roots() const { return {to_certificate(root)}; }
  std::vector<Certificate> intermediates() const { return {to_certificate(issuing)}; }

  PrivateKey root_key = PrivateKey::generate(KeyType::ec_p256);
  PrivateKey issuing_key = PrivateKey::generate(KeyType::ec_p256);
  PrivateKey leaf_key = PrivateKey::generate(KeyType::ec_p256);
  ossl::X509Ptr root, issuing;
};

}  // namespace lenscap::x509::testing
