#include "base/x509/certificate_names.h"

#include "base/x509/der.h"

namespace lenscap::x509 {
namespace {

// nullopt when there is none.
Result<std::optional<Bytes>> subject_alt_name(X509* certificate) {
  int const at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
  if (at < 0) return std::optional<Bytes>();
  if (X509_get_ext_by_NID(certificate, NID_subject_alt_name, at) >= 0)
    return Error(Errc::malformed, "the certificate has two subjectAltNames");
  auto const* value = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
  return std::optional(
      to_bytes(ByteView(ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value)))));
}

Result<> read_name(der::Element const& name, CertificateNames& out) {
  auto const text = std::string(as_text(name.content));
  switch (name.tag) {
    case der::context(1):
      out.mail.push_back(text);
      return {};
    case der::context(2):
      if (auto dns = DnsName::parse(text); dns.ok())
        out.hosts.dns.insert(*std::move(dns));
      else
        out.unreadable_dns.push_back(text);
      return {};
    case der::context_constructed(4): {
      TRY(auto directory, DirectoryName::from_der(name.content));
      out.directory.push_back(std::move(directory));
      return {};
    }
    case der::context(6):
      out.uri.push_back(text);
      return {};
    case der::context(7):
      if (auto address = IpAddress::from_octets(name.content); address.ok())
        out.hosts.ip.insert(*std::move(address));
      else
        out.unreadable_ip.push_back(to_hex(name.content));
      return {};
    default:
      return {};
  }
}

}  // namespace

Result<CertificateNames> names_of(Certificate const& certificate) {
  CertificateNames out;
  TRY(auto subject, DirectoryName::from_der(certificate.subject_der()));
  out.mail = subject.mail_addresses();
  if (!subject.empty()) out.directory.push_back(std::move(subject));
  TRY(auto const value, subject_alt_name(certificate.native()));
  if (!value) return out;
  der::Reader reader(*value, Errc::malformed, "subjectAltName");
  TRY(auto list, reader.enter(der::kSequence, "names"));
  CHECK_OK(reader.end());
  while (!list.at_end()) {
    TRY(auto const name, list.next());
    CHECK_OK(read_name(name, out));
  }
  return out;
}

}  // namespace lenscap::x509
