#include "acme/server/scope_issuer.h"

#include <algorithm>

namespace lenscap::acme {

namespace {

IssuerReach reach_of_line(std::vector<ca::IssuerRule> const& rules, std::size_t now_signs) {
  IssuerReach reach;
  auto const* at = &rules[now_signs];
  for (auto const& limit : at->limits) reach.constraints.push_back(limit.constraints);
  for (std::size_t steps = 0; at != nullptr && steps < rules.size(); ++steps) {
    reach.begins = std::max(reach.begins, at->begins);
    reach.ends = std::min(reach.ends, at->ends);
    auto const next = std::ranges::find(rules, at->name, &ca::IssuerRule::replaces);
    at = next == rules.end() ? nullptr : &*next;
  }
  return reach;
}

// Somebody has to put a folder back, or a day has to come: sooner it is of no use to ask.
constexpr Seconds kAskAgain{600};

}  // namespace

Result<std::optional<IssuerReach>> reach_of(Scope const& scope, ca::Authority const& authority, Time now) {
  if (scope.issuer.empty()) {
    auto const signs = ca::default_at(authority.rules(), now);
    return signs == 0 ? std::optional<IssuerReach>() : std::optional(reach_of_line(authority.rules(), signs));
  }
  auto const heir = ca::heir_at(authority.rules(), scope.issuer, now);
  if (!heir) {
    auto later = heir.error();
    later.retry_after = kAskAgain;
    return later;
  }
  auto reach = reach_of_line(authority.rules(), *heir);
  reach.only = scope.issuer;
  return std::optional(std::move(reach));
}

Result<> check_scope_issuer(Scope const& scope, std::string_view profile, std::vector<Identifier> const& names,
                            ca::Authority const& authority, Time now) {
  if (scope.issuer.empty()) return {};
  TRY([[maybe_unused]] auto const* by, authority.choose(profile, to_name_set(names), now, scope.issuer));
  return {};
}

}  // namespace lenscap::acme
