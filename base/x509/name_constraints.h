// The name constraints extension (RFC 5280 4.2.1.10) for DNS names and IP addresses: what an issuer may name.
// Other name types are carried as what they are in a certificate we read, and make `test` refuse when they matter.
#pragma once

#include <vector>

#include "base/x509/name.h"

namespace lenscap::x509 {

struct NameConstraints {
  std::vector<DnsName> permitted_dns = {};
  std::vector<IpBlock> permitted_ip = {};
  std::vector<DnsName> excluded_dns = {};
  std::vector<IpBlock> excluded_ip = {};
  // A type that is to be excluded as a whole: DNS by the empty name, IP by 0.0.0.0/0 and ::/0.
  bool excludes_all_dns = false;
  bool has_other_types = false;  // read from a certificate: subtrees of mail, URI or directory names exist
  bool operator==(NameConstraints const&) const = default;

  // What `init` writes. Nothing is left unlimited: DNS without a permitted name, IPv4 without a permitted block and
  // IPv6 without a permitted block are each excluded as a whole. The two IP versions apart, because GnuTLS (unlike RFC
  // 5280's text and OpenSSL) does not let permitted blocks of one version limit addresses of the other.
  static NameConstraints permit_only(std::vector<DnsName> dns, std::vector<IpBlock> ip);

  Bytes to_der() const;  // the extension's value
  static Result<NameConstraints> from_der(ByteView der);

  // May a certificate below this issuer carry the name? The refusal (Errc::rejected_identifier) says which rule forbids
  // it. A wildcard is tested as its base, and is refused when an excluded subtree lies below that base.
  Result<> test(DnsName const& name) const;
  Result<> test(IpAddress const& address) const;
  Result<> test(NameSet const& names) const;
  std::string text() const;  // for people: "DNS cams.example; IP 10.20.0.0/15; no IPv6 addresses"
};

}  // namespace lenscap::x509
