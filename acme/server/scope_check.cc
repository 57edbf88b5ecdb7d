#include "acme/server/scope_check.h"

#include <algorithm>

namespace lenscap::acme {

namespace {

bool meets(x509::NameConstraints const& constraints, x509::IpBlock const& block) {
  auto const overlaps = [&](x509::IpBlock const& permitted) {
    return permitted.contains(block) || block.contains(permitted);
  };
  auto const holds = [&](x509::IpBlock const& excluded) { return excluded.contains(block); };
  return (constraints.permitted_ip.empty() || std::ranges::any_of(constraints.permitted_ip, overlaps)) &&
         std::ranges::none_of(constraints.excluded_ip, holds);
}

Result<> check_blocks(Scope const& scope, x509::NameConstraints const& constraints, std::string const& who) {
  for (auto const* list : {&scope.grant_ip, &scope.prove_ip})
    for (auto const& block : *list)
      if (!meets(constraints, block))
        return Error(Errc::rejected_identifier,
                     who + " cannot name addresses of " + block.text() + "; it permits " + constraints.text());
  return {};
}

Result<> check_one(Scope const& scope, x509::NameConstraints const& constraints) {
  for (auto const* list : {&scope.grant_dns, &scope.prove_dns})
    for (auto const& name : *list)
      if (auto fits = constraints.test(name); !fits)
        return Error(Errc::rejected_identifier, "this CA cannot name " + name.text() + ": " + fits.error().detail());
  return check_blocks(scope, constraints, "this CA");
}

}  // namespace

Result<> check_names(Scope const& scope, std::vector<ca::NameLimit> const& limits) {
  for (auto const& limit : limits) CHECK_OK(check_one(scope, limit.constraints));
  return {};
}

namespace {

Result<> check_profiles(Scope const& scope, ca::IssuerRule const& issuer, std::vector<ca::Profile> const& offered) {
  std::vector<std::string> names = scope.profiles;
  if (names.empty()) {
    auto const first = std::ranges::find(offered, false, &ca::Profile::names_from_order);
    if (first != offered.end()) names.push_back(first->name);
  }
  std::optional<Error> why;
  for (auto const& profile : offered) {
    if (std::ranges::find(names, profile.name) == names.end()) continue;
    auto const fits = ca::check_fits(issuer, profile);
    if (fits.ok()) return {};
    if (!why) why = fits.error();
  }
  return Error(Errc::usage, why ? why->detail() : "the scope has no profile that this CA offers");
}

// A suffix may be wider than a site: what is outside is refused name by name.
Result<> check_suffixes(Scope const& scope, x509::NameConstraints const& constraints, std::string const& who) {
  for (auto const* list : {&scope.grant_dns, &scope.prove_dns})
    for (auto const& suffix : *list) {
      auto const lies_in_it = [&](x509::DnsSubtree const& permitted) {
        return permitted.name().is_within(suffix) && constraints.test(permitted.name()).ok();
      };
      auto const whole = constraints.test(suffix);
      if (!whole && std::ranges::none_of(constraints.permitted_dns, lies_in_it))
        return Error(Errc::rejected_identifier, who + " cannot name " + suffix.text() + ": " + whole.error().detail());
    }
  return {};
}

}  // namespace

Result<> check_issuer(Scope const& scope, std::vector<ca::IssuerRule> const& issuers,
                      std::vector<ca::Profile> const& offered, Time now) {
  if (scope.issuer.empty()) return {};
  auto const heir = ca::find_heir(issuers, scope.issuer, now);
  if (!heir) {
    std::string known;
    for (auto const& each : issuers) known += (known.empty() ? "" : ", ") + each.name;
    return Error(Errc::usage, "there is no issuer \"" + scope.issuer + "\"; there is: " + known +
                                  " (a server that runs knows those that were there at its start or last reload)");
  }
  auto const& issuer = issuers[*heir];
  if (state_at(issuer, now) == ca::IssuerState::ended)
    return Error(Errc::usage, "the issuer " + issuer.name + " ended at " + to_rfc3339(issuer.ends) +
                                  ", and nothing has taken its place");
  CHECK_OK(check_profiles(scope, issuer, offered));
  auto const who = "the issuer " + issuer.name;
  for (auto const& limit : issuer.limits) {
    CHECK_OK(check_suffixes(scope, limit.constraints, who));
    CHECK_OK(check_blocks(scope, limit.constraints, who));
  }
  return {};
}

}  // namespace lenscap::acme
