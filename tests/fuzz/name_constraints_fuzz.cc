// Constraints that the reader accepts can be written and read again without change; OpenSSL can read them too; and what
// they allow by our rules, OpenSSL allows as well (the other way round we are stricter in two places, see
// name_constraints.h).
#include <openssl/err.h>

#include <cstdint>

#include "base/ossl.h"
#include "base/x509/certificate_names.h"
#include "base/x509/name_constraints.h"

namespace {

using namespace lenscap;

// A certificate of one name, never signed: enough for NAME_CONSTRAINTS_check.
ossl::X509Ptr certificate_with(int type, ByteView octets) {
  ossl::X509Ptr out(X509_new());
  ossl::Ptr<GENERAL_NAMES, GENERAL_NAMES_free> const names(GENERAL_NAMES_new());
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_STRING* text = ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
  ASN1_STRING_set(text, octets.data(), static_cast<int>(octets.size()));
  GENERAL_NAME_set0_value(name, type, text);
  sk_GENERAL_NAME_push(names.get(), name);
  ossl::check(X509_add1_ext_i2d(out.get(), NID_subject_alt_name, names.get(), 1, 0) == 1, "subjectAltName");
  // NAME_CONSTRAINTS_check looks at what the certificate keeps of its extensions.
  static_cast<void>(X509_check_purpose(out.get(), -1, 0));
  return out;
}

struct Sample {
  x509::CertificateNames names;
  ossl::X509Ptr certificate;
};

std::vector<Sample> make_samples() {
  std::vector<Sample> out;
  for (auto const* text : {"a.b", "example", "cam1.cams.example", "*.cams.example", "x.xcams.example", "lan"}) {
    Sample sample{{}, certificate_with(GEN_DNS, as_bytes(text))};
    sample.names.hosts.dns.insert(*x509::DnsName::parse(text));
    out.push_back(std::move(sample));
  }
  for (auto const* text : {"10.20.0.1", "0.0.0.0", "255.255.255.255", "192.0.2.7", "::1", "fd00::1", "2001:db8::ff"}) {
    auto const address = x509::IpAddress::parse(text).value();
    Sample sample{{}, certificate_with(GEN_IPADD, address.octets())};
    sample.names.hosts.ip.insert(address);
    out.push_back(std::move(sample));
  }
  for (auto const* text : {"a@b.c", "info@example", "Info@EXAMPLE", "x@invalid", "a b@c", "none"}) {
    Sample sample{{}, certificate_with(GEN_EMAIL, as_bytes(text))};
    sample.names.mail.emplace_back(text);
    out.push_back(std::move(sample));
  }
  for (auto const* text : {"http://a.b/", "sip://example", "https://EXAMPLE:1/", "urn:a", "http://10.0.0.1/", "x://"}) {
    Sample sample{{}, certificate_with(GEN_URI, as_bytes(text))};
    sample.names.uri.emplace_back(text);
    out.push_back(std::move(sample));
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static auto const samples = make_samples();
  auto const constraints = x509::NameConstraints::from_der({data, size});
  if (!constraints.ok()) return 0;
  static_cast<void>(constraints->text());
  if (constraints->is_known() && *constraints != x509::NameConstraints{}) {
    auto const again = x509::NameConstraints::from_der(constraints->to_der());
    if (!again.ok() || *again != *constraints) bug("name constraints do not survive a round trip");
  }
  // Through an extension: the type's own d2i is not exported.
  ossl::Asn1OctetStringPtr const value(ASN1_OCTET_STRING_new());
  ossl::check(ASN1_OCTET_STRING_set(value.get(), data, static_cast<int>(size)) == 1, "ASN1_OCTET_STRING_set");
  ossl::X509ExtensionPtr const extension(X509_EXTENSION_create_by_NID(nullptr, NID_name_constraints, 1, value.get()));
  ossl::Ptr<NAME_CONSTRAINTS, NAME_CONSTRAINTS_free> const native(
      static_cast<NAME_CONSTRAINTS*>(X509V3_EXT_d2i(extension.get())));
  ERR_clear_error();
  if (!native) {
    // Names of other types may be wrong inside, where we do not look: they make us refuse every name.
    if (constraints->is_known()) bug("OpenSSL does not read what we accept");
    return 0;
  }
  for (auto const& sample : samples) {
    bool const ours = constraints->test(sample.names).ok();
    bool const theirs = NAME_CONSTRAINTS_check(sample.certificate.get(), native.get()) == X509_V_OK;
    if (ours && !theirs) bug("we allow what OpenSSL does not");
  }
  return 0;
}
