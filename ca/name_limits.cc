#include "ca/name_limits.h"

namespace lenscap::ca {

std::vector<NameLimit> limits_of(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above) {
  std::vector<NameLimit> limits;
  auto const add = [&](x509::Certificate const& certificate) {
    if (auto constraints = certificate.name_constraints())
      limits.push_back({"the certificate of " + certificate.subject(), *std::move(constraints)});
  };
  add(issuing);
  for (x509::Certificate const& each : above) add(each);
  return limits;
}

namespace {

template <class Name>
std::vector<Forbidden> test_all(std::vector<NameLimit> const& limits, Name const& name) {
  std::vector<Forbidden> found;
  for (NameLimit const& each : limits)
    if (auto const verdict = each.constraints.test(name); !verdict.ok())
      found.push_back({each.whose, verdict.error().detail()});
  return found;
}

}  // namespace

std::vector<Forbidden> who_forbids(std::vector<NameLimit> const& limits, x509::DnsName const& name) {
  return test_all(limits, name);
}
std::vector<Forbidden> who_forbids(std::vector<NameLimit> const& limits, x509::IpAddress const& address) {
  return test_all(limits, address);
}

}  // namespace lenscap::ca
