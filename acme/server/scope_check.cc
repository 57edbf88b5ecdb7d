#include "acme/server/scope_check.h"

#include <algorithm>

namespace lenscap::acme {

namespace {

Result<> check_one(Scope const& scope, x509::NameConstraints const& constraints) {
  for (auto const* list : {&scope.grant_dns, &scope.prove_dns})
    for (auto const& name : *list)
      if (auto fits = constraints.test(name); !fits)
        return Error(Errc::rejected_identifier, "this CA cannot name " + name.text() + ": " + fits.error().detail());
  auto const overlaps = [&](x509::IpBlock const& block) {
    auto const meets = [&](x509::IpBlock const& permitted) {
      return permitted.contains(block) || block.contains(permitted);
    };
    auto const holds = [&](x509::IpBlock const& excluded) { return excluded.contains(block); };
    return (constraints.permitted_ip.empty() || std::ranges::any_of(constraints.permitted_ip, meets)) &&
           std::ranges::none_of(constraints.excluded_ip, holds);
  };
  for (auto const* list : {&scope.grant_ip, &scope.prove_ip})
    for (auto const& block : *list)
      if (!overlaps(block))
        return Error(Errc::rejected_identifier,
                     "this CA cannot name addresses of " + block.text() + "; it permits " + constraints.text());
  return {};
}

}  // namespace

Result<> check_names(Scope const& scope, std::vector<ca::NameLimit> const& limits) {
  for (auto const& limit : limits) CHECK_OK(check_one(scope, limit.constraints));
  return {};
}

}  // namespace lenscap::acme
