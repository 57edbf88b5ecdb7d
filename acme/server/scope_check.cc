#include "acme/server/scope_check.h"

#include <algorithm>

namespace lenscap::acme {

Result<> check_names(Scope const& scope, x509::Certificate const& issuing) {
  auto const constraints = issuing.name_constraints();
  if (!constraints) return {};
  for (auto const* list : {&scope.grant_dns, &scope.prove_dns})
    for (auto const& name : *list)
      if (auto fits = constraints->test(name); !fits)
        return Error(Errc::rejected_identifier, "this CA cannot name " + name.text() + ": " + fits.error().detail());
  auto const overlaps = [&](x509::IpBlock const& block) {
    return std::ranges::any_of(constraints->permitted_ip, [&](x509::IpBlock const& permitted) {
      return permitted.contains(block) || block.contains(permitted);
    });
  };
  for (auto const* list : {&scope.grant_ip, &scope.prove_ip})
    for (auto const& block : *list)
      if (!overlaps(block))
        return Error(Errc::rejected_identifier,
                     "this CA cannot name addresses of " + block.text() + "; it permits " + constraints->text());
  return {};
}

}  // namespace lenscap::acme
