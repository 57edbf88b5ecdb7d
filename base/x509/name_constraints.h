// The name constraints extension (RFC 5280 4.2.1.10): what an issuer may name, by DNS names, IP addresses, mail
// addresses, URIs and directory names. Constraints of other types, and those that say nothing that can be kept, are
// only noted when they are read, and make `test` refuse.
#pragma once

#include <vector>

#include "base/x509/directory_name.h"
#include "base/x509/name.h"
#include "base/x509/subtree.h"

namespace lenscap::x509 {

struct CertificateNames;

struct NameConstraints {
  std::vector<DnsSubtree> permitted_dns = {};
  std::vector<IpBlock> permitted_ip = {};
  std::vector<DnsSubtree> excluded_dns = {};
  std::vector<IpBlock> excluded_ip = {};
  // A type that is to be excluded as a whole: DNS by the empty name, IP by 0.0.0.0/0 and ::/0.
  bool excludes_all_dns = false;
  // Mail and URIs have no name for all of them that every reader understands: they are excluded as a whole where only
  // kNobody is permitted. GnuTLS does not keep to permitted URIs, and refuses every URI where one is excluded: there,
  // kNobody is excluded as well.
  std::vector<MailSubtree> permitted_mail = {}, excluded_mail = {};
  std::vector<UriSubtree> permitted_uri = {}, excluded_uri = {};
  std::vector<DirectoryName> permitted_directory = {}, excluded_directory = {};
  bool excludes_all_mail = false, excludes_all_uri = false;  // read from a certificate: by an empty name
  bool has_other_types = false;                              // read from a certificate: subtrees of other names exist
  // Read from a certificate: why a subtree, the first such, cannot be read; empty when all can.
  std::string unreadable = {};
  bool operator==(NameConstraints const&) const = default;

  // Is all of it in these fields?
  bool is_known() const { return !has_other_types && unreadable.empty(); }

  // RFC 6761 6.4: no host has this name, ever.
  static constexpr std::string_view kNobody = "invalid";

  // What `init` writes. No name of a host is left unlimited: DNS without a permitted name, IPv4 without a permitted
  // block, IPv6 without a permitted block, mail and URIs are each excluded as a whole; why not directory names, says
  // docs/adr/0017. The two IP versions apart, because GnuTLS (unlike RFC 5280's text and OpenSSL) does not let
  // permitted blocks of one version limit addresses of the other.
  static NameConstraints permit_only(std::vector<DnsName> dns, std::vector<IpBlock> ip);

  Bytes to_der() const;                                   // the extension's value; bug() unless is_known()
  static Result<NameConstraints> from_der(ByteView der);  // Errc::malformed for what is no such extension at all

  // May a certificate below this issuer carry the name? The refusal (Errc::rejected_identifier) says which rule forbids
  // it. A wildcard is tested as its base, and is refused when an excluded subtree lies below that base.
  Result<> test(DnsName const& name) const;
  Result<> test(IpAddress const& address) const;
  Result<> test(NameSet const& names) const;
  Result<> test(DirectoryName const& name) const;  // with the mail addresses in it
  Result<> test_mail(std::string const& address) const;
  Result<> test_uri(std::string const& uri) const;
  Result<> test(CertificateNames const& names) const;  // the first refusal
  bool limits_directory() const { return !permitted_directory.empty() || !excluded_directory.empty(); }

  // For people: "DNS cams.example; IP 10.20.0.0/15; no IPv6 addresses, mail addresses or URIs".
  std::string text() const;
};

}  // namespace lenscap::x509
