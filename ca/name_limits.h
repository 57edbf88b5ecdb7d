// Who says what this CA may name: every certificate of its chain that has name constraints, and the settings where no
// root of our own carries them. A name has to pass them all. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/x509/certificate.h"

namespace lenscap::ca {

struct NameLimit {
  std::string whose;  // for people: "the certificate of CN=Corporate Root", "ca.permit_dns and ca.permit_ip of ca.toml"
  x509::NameConstraints constraints;
};

// Of the issuing certificate first, then of those above it.
std::vector<NameLimit> limits_of(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above);

// One that forbids a name, and by which rule.
struct Forbidden {
  std::string whose;
  std::string why;
};
std::vector<Forbidden> who_forbids(std::vector<NameLimit> const& limits, x509::DnsName const& name);
std::vector<Forbidden> who_forbids(std::vector<NameLimit> const& limits, x509::IpAddress const& address);

}  // namespace lenscap::ca
