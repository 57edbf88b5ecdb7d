#include "acme/flow/settle.h"

#include <algorithm>

#include "acme/flow/terms_rules.h"
#include "acme/wire/names.h"
#include "base/random.h"

namespace lenscap::acme {
namespace {

// A reused authorization lives at least this much longer, so that the order is not over before its client is. A granted
// one lives for an hour in all, and nothing has to be proved under it.
constexpr Seconds kReuseMargin = kHour;
constexpr Seconds kGrantedReuseMargin = kHour / 2;

// Clients give up, some of them, when they are told to wait longer than this.
constexpr Seconds kRetryAfterMax{600};

std::vector<Challenge> offered_challenges(Identifier const& identifier, Policy const& policy) {
  std::vector<Challenge> challenges;
  for (auto const& offer : policy.offers) {
    // A table row for dns-01 never says `ip` (8738-7-1).
    bool const fits = identifier.is_wildcard() ? offer.wildcard : identifier.dns() != nullptr ? offer.dns : offer.ip;
    if (!fits) continue;
    // 8555-11.3-1: 128 random bits; each challenge has its own token.
    challenges.push_back({.id = std::to_string(challenges.size() + 1),
                          .type = offer.type,
                          .token = random_token(),
                          .status = ChallengeStatus::pending,
                          .validated = {},
                          .error = {},
                          .attempts = 0});
  }
  return challenges;
}

// Stock clients do not accept a valid authorization without the challenge that made it so; they get the type that every
// one of them knows.
std::vector<Challenge> granted_challenge(Identifier const& identifier, Time now) {
  return {{.id = "1",
           .type = std::string(identifier.is_wildcard() ? names::kDns01 : names::kHttp01),
           .token = random_token(),
           .status = ChallengeStatus::valid,
           .validated = now,
           .error = {},
           .attempts = 0}};
}

Authorization make_authorization(Account const& account, Identifier const& identifier, Time now) {
  return {.id = new_id(now),
          .account_id = account.id,
          .identifier = identifier.base(),
          .wildcard = identifier.is_wildcard(),
          .status = AuthorizationStatus::pending,
          .created = now,
          .expires = now,
          .challenges = {},
          .granted = {}};
}

std::string why_granted(Account const& account) {
  return account.eab_kid.empty() ? "granted to every account by the server's settings"
                                 : "granted by external account key " + account.eab_kid;
}

// `granted` is why it would be granted now, or empty when it has to be proved: what was granted may have changed since.
Authorization const* find_reusable(std::span<Authorization const> known, Account const& account,
                                   Identifier const& identifier, std::string const& granted, ReusePolicy reuse,
                                   Time now) {
  if (reuse == ReusePolicy::never) return nullptr;
  Seconds const margin = reuse == ReusePolicy::always ? Seconds(1)
                         : granted.empty()            ? kReuseMargin
                                                      : kGrantedReuseMargin;
  auto const fits = [&](Authorization const& candidate) {
    return candidate.account_id == account.id && candidate.status == AuthorizationStatus::valid &&
           candidate.granted == granted && candidate.expires >= now + margin &&
           ordered_identifier(candidate) == identifier;
  };
  auto const it = std::find_if(known.begin(), known.end(), fits);
  return it != known.end() ? &*it : nullptr;
}

Result<> check_constraints(Identifier const& identifier, IssuerReach const& issuer) {
  for (auto const& constraints : issuer.constraints) {
    auto verdict =
        identifier.dns() != nullptr ? constraints.test(*identifier.dns()) : constraints.test(*identifier.ip());
    if (verdict.ok()) continue;
    if (issuer.only.empty()) return verdict;
    return std::move(verdict).error().with_context("only the issuer " + issuer.only + " may sign this: ");
  }
  return {};
}

}  // namespace

Result<> check_issue_until(Scope const& scope, Time now) {
  if (!scope.issue_until || now < *scope.issue_until) return {};
  return Error(Errc::unauthorized, "this account's external account key allowed certificates until " +
                                       to_rfc3339(*scope.issue_until) + "; ask for a new key");
}

Error rate_limited(std::string detail) {
  Error error(Errc::rate_limited, std::move(detail));
  error.retry_after = kRetryAfterMax;  // 8555-6.6-2
  return error;
}

Result<Settled> settle(Account const& account, Scope const& scope, Identifier const& identifier,
                       std::span<Authorization const> known, Policy const& policy, IssuerReach const& issuer,
                       Time now) {
  if (identifier.is_wildcard() && !policy.allow_wildcards) {
    return Error(Errc::rejected_identifier, "wildcard names are not issued here; name each host");
  }
  auto const allowed = access(scope, identifier);
  if (allowed == Access::refuse) {
    return Error(Errc::rejected_identifier, "this account may not ask for this name");
  }
  CHECK_OK(check_constraints(identifier, issuer));
  std::string const granted = allowed == Access::grant ? why_granted(account) : std::string();
  if (auto const* reusable = find_reusable(known, account, identifier, granted, policy.reuse, now))
    return Settled{*reusable, false};

  auto authorization = make_authorization(account, identifier, now);
  if (allowed == Access::grant) {  // 8555-7.4.1-3: out-of-band knowledge
    authorization.status = AuthorizationStatus::valid;
    authorization.expires = now + policy.granted_lifetime;
    authorization.challenges = granted_challenge(identifier, now);
    authorization.granted = granted;
    return Settled{std::move(authorization)};
  }
  authorization.expires = now + policy.pending_lifetime;
  authorization.challenges = offered_challenges(identifier, policy);
  if (authorization.challenges.empty()) {
    return Error(Errc::rejected_identifier, "no challenge type of this server can prove this name");
  }
  return Settled{std::move(authorization)};
}

Result<Settled> new_authz(Account const& account, Scope const& scope, Identifier const& identifier,
                          AuthzContext const& context, Policy const& policy, Time now) {
  CHECK_OK(check_valid(account));
  CHECK_OK(check_agreed(account, policy));
  CHECK_OK(check_issue_until(scope, now));
  auto const refuse = [&](Error const& why) {
    return refuse_identifiers(
        {{why.code(), why.detail(), std::string(to_string(identifier.type())), identifier.value()}});
  };
  if (identifier.is_wildcard()) {  // 8555-7.4.1-2
    return refuse(Error(Errc::rejected_identifier, "a wildcard cannot be authorized beforehand; order it"));
  }
  auto settled =
      settle(account, scope, identifier, context.known, policy, reach_for(scope, context.issuer, policy), now);
  if (!settled.ok()) return refuse(settled.error());
  if (!settled->is_new || settled->authorization.status != AuthorizationStatus::pending) return settled;

  auto const is_waiting = [&](Authorization const& candidate) {
    return candidate.account_id == account.id && candidate.status == AuthorizationStatus::pending &&
           candidate.expires >= now + kReuseMargin && candidate.identifier == identifier && !candidate.wildcard;
  };
  auto const waiting = std::find_if(context.known.begin(), context.known.end(), is_waiting);
  if (waiting != context.known.end()) return Settled{*waiting, false};
  if (context.open >= policy.pending_orders_max) {  // 8555-10.3-1
    return rate_limited("this account has " + std::to_string(context.open) +
                        " pending authorizations; complete them, deactivate them or let them expire");
  }
  return settled;
}

}  // namespace lenscap::acme
