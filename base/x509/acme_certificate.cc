#include "base/x509/acme_certificate.h"

#include <algorithm>
#include <array>

#include "base/x509/certificate.h"
#include "base/x509/der.h"

namespace lenscap::x509 {
namespace {

constexpr auto kCode = Errc::incorrect_response;
constexpr auto kAcmeIdentifier = std::to_array<std::uint8_t>({0x2b, 6, 1, 5, 5, 7, 1, 31});  // 1.3.6.1.5.5.7.1.31
constexpr auto kSubjectAltName = std::to_array<std::uint8_t>({0x55, 29, 17});                // 2.5.29.17
constexpr auto kVersion = der::context_constructed(0);
constexpr auto kExtensions = der::context_constructed(3);
constexpr auto kDnsName = der::context(2);
constexpr auto kIpAddress = der::context(7);

Error refuse(std::string_view why) { return {kCode, "the certificate " + std::string(why)}; }

struct Extension {
  bool critical = false;
  ByteView value;
};

struct Extensions {
  std::optional<Extension> subject_alt_name, acme_identifier;
};

// The extensions are the last part of the to-be-signed part.
Result<der::Reader> find_extensions(ByteView certificate) {
  der::Reader reader(certificate, kCode, "the certificate");
  TRY(auto outer, reader.enter(der::kSequence, "frame"));
  TRY(auto tbs, outer.enter(der::kSequence, "to-be-signed part"));
  bool first = true;
  while (!tbs.at_end()) {
    if (first && !tbs.next_is(kVersion)) return refuse("is of version 1, which has no extensions");
    first = false;
    if (tbs.next_is(kExtensions)) {
      TRY(auto extensions, tbs.enter(kExtensions, "extensions"));
      CHECK_OK(tbs.end());
      TRY(auto list, extensions.enter(der::kSequence, "list of extensions"));
      CHECK_OK(extensions.end());
      return list;
    }
    CHECK_OK(tbs.next());
  }
  return refuse("has no extensions");
}

Result<Extensions> read_extensions(ByteView certificate) {
  TRY(auto list, find_extensions(certificate));
  Extensions found;
  while (!list.at_end()) {
    TRY(auto one, list.enter(der::kSequence, "extension"));
    TRY(auto const id, one.next(der::kOid, "extension's identifier"));
    Extension extension;
    if (one.next_is(der::kBoolean)) {
      TRY(extension.critical, one.boolean("extension's criticality"));
    }
    TRY(auto const value, one.next(der::kOctetString, "extension's value"));
    CHECK_OK(one.end());
    extension.value = value.content;
    auto const is = [&](auto const& oid) {
      return std::equal(oid.begin(), oid.end(), id.content.begin(), id.content.end());
    };
    auto* const slot = is(kSubjectAltName)   ? &found.subject_alt_name
                       : is(kAcmeIdentifier) ? &found.acme_identifier
                                             : nullptr;
    if (slot == nullptr) continue;
    if (*slot) return refuse("has an extension twice");
    *slot = extension;
  }
  return found;
}

Result<> read_name(Extension const& extension, AcmeCertificate& certificate) {
  der::Reader reader(extension.value, kCode, "the certificate's subjectAltName");
  TRY(auto names, reader.enter(der::kSequence, "list of names"));
  CHECK_OK(reader.end());
  TRY(auto const name, names.next());
  if (!names.at_end()) return refuse("has more than one name in its subjectAltName");
  if (name.tag == kDnsName)
    certificate.dns_name = as_text(name.content);
  else if (name.tag == kIpAddress)
    certificate.ip_address = to_bytes(name.content);
  else
    return refuse("has a subjectAltName that is neither a DNS name nor an address");
  return {};
}

Result<> read_digest(Extension const& extension, AcmeCertificate& certificate) {
  if (!extension.critical) return refuse("has an acmeIdentifier that is not critical");
  der::Reader reader(extension.value, kCode, "the certificate's acmeIdentifier");
  TRY(auto const digest, reader.next(der::kOctetString, "OCTET STRING"));
  CHECK_OK(reader.end());
  if (digest.content.size() != certificate.acme_identifier.size()) {
    return refuse("has an acmeIdentifier of " + std::to_string(digest.content.size()) + " octets instead of 32");
  }
  std::copy(digest.content.begin(), digest.content.end(), certificate.acme_identifier.begin());
  return {};
}

Result<> check_self_signed(ByteView der) {
  auto const certificate = Certificate::from_der(der);
  if (!certificate) return refuse("cannot be read, or has a key of an unknown kind");
  if (!certificate->is_self_issued() || !certificate->is_signed_by(certificate->key())) {
    return refuse("is not signed by its own key");
  }
  return {};
}

}  // namespace

Result<AcmeCertificate> parse_acme_certificate(ByteView der) {
  TRY(auto const extensions, read_extensions(der));
  if (!extensions.acme_identifier) return refuse("has no acmeIdentifier: is it the host's ordinary one?");
  if (!extensions.subject_alt_name) return refuse("has no subjectAltName");
  AcmeCertificate certificate;
  CHECK_OK(read_digest(*extensions.acme_identifier, certificate));
  CHECK_OK(read_name(*extensions.subject_alt_name, certificate));
  CHECK_OK(check_self_signed(der));
  return certificate;
}

}  // namespace lenscap::x509
