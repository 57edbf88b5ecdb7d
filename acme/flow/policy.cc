#include "acme/flow/policy.h"

#include <algorithm>

namespace lenscap::acme {
namespace {

bool holds(std::vector<x509::DnsName> const& suffixes, std::vector<x509::IpBlock> const& blocks,
           Identifier const& identifier) {
  if (auto const* name = identifier.dns()) {
    return std::any_of(suffixes.begin(), suffixes.end(), [&](auto const& suffix) { return name->is_within(suffix); });
  }
  return std::any_of(blocks.begin(), blocks.end(), [&](auto const& block) { return block.contains(*identifier.ip()); });
}

}  // namespace

Result<x509::DnsName> parse_suffix(std::string_view text) {
  TRY(auto name, x509::DnsName::parse(text));
  if (name.is_wildcard())
    return Error(Errc::malformed, "a suffix stands for every name below it; write " + name.base().text());
  return name;
}

Access access(Scope const& scope, Identifier const& identifier) {
  if (holds(scope.grant_dns, scope.grant_ip, identifier)) return Access::grant;
  if (holds(scope.prove_dns, scope.prove_ip, identifier)) return Access::prove;
  return Access::refuse;
}

ProfileRule const* Policy::find_profile(std::string_view name) const {
  auto const it = std::find_if(profiles.begin(), profiles.end(), [&](auto const& rule) { return rule.name == name; });
  return it != profiles.end() ? &*it : nullptr;
}

Result<Scope const*> scope_for(std::string const& eab_kid, EabKey const* key, Policy const& policy) {
  if (eab_kid.empty()) {
    if (!policy.eab_required && policy.open_scope) return &*policy.open_scope;
    return Error(
        Errc::unauthorized,
        "this account has no external account key, and the server asks for one; make a new account with a key");
  }
  if (key == nullptr || key->kid != eab_kid || key->revoked) {
    return Error(Errc::unauthorized, "the external account key of this account is revoked; ask for a new one");
  }
  return &key->scope;
}

IssuerReach const& reach_for(Scope const& scope, std::optional<IssuerReach> const& own, Policy const& policy) {
  if (scope.issuer.empty()) return own && own->only.empty() ? *own : policy.issuer;
  if (!own || own->only != scope.issuer) bug("a scope with an issuer of its own, and nobody looked what that can");
  return *own;
}

}  // namespace lenscap::acme
