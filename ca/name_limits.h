// Who says what this CA may name: every certificate of its chain that has name constraints, and the settings where no
// root of our own carries them. A name has to pass them all. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/x509/certificate.h"
#include "ca/profile.h"

namespace lenscap::ca {

struct NameLimit {
  std::string whose;  // for people: "the certificate of CN=Corporate Root", "ca.permit_dns and ca.permit_ip of ca.toml"
  x509::NameConstraints constraints;
};

// Of the issuing certificate first, then of those above it.
std::vector<NameLimit> limits_of(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above);

// May every name stand in a certificate under these? Errc::rejected_identifier with one sub-error for each that may
// not.
Result<> test_names(std::vector<NameLimit> const& limits, x509::NameSet const& names);

// What all of them together leave of DNS names and addresses: what each permits, without what any excludes. Nothing
// when there are none.
std::optional<x509::NameConstraints> narrowed(std::vector<NameLimit> const& limits);

// RFC 5280 6.1.3: each CA certificate of a chain has to obey those above it by its own subject and names, unless it is
// self-issued. Errc::settings, naming both certificates.
Result<> check_chain_names(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above);
// The same of a CA whose certificate is still to be made, and holds no names but its subject.
Result<> check_subject(Bytes const& subject, std::vector<x509::Certificate> const& above);

// The first certificate whose extended key usage does not have `usage`, and so forbids it below; nullptr when none
// does. A root counts as well: OpenSSL looks at it, others do not. anyExtendedKeyUsage stands for nothing: in a CA
// certificate neither OpenSSL nor GnuTLS takes it for serverAuth or clientAuth.
x509::Certificate const* who_forbids(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above,
                                     ExtendedKeyUsage usage);

// One that forbids a name, and by which rule.
struct Forbidden {
  std::string whose;
  std::string why;
};
std::vector<Forbidden> who_forbids(std::vector<NameLimit> const& limits, x509::DnsName const& name);
std::vector<Forbidden> who_forbids(std::vector<NameLimit> const& limits, x509::IpAddress const& address);

}  // namespace lenscap::ca
