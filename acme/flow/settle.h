// How an identifier gets its authorization: granted (born valid), reused, to be proved by a challenge, or refused.
// newOrder settles its names one by one with it (RFC 8555 7.4), newAuthz the single name of a pre-authorization
// (7.4.1). It does NOT follow what becomes of an authorization later; authz_rules.h does.
#pragma once

#include <span>
#include <vector>

#include "acme/flow/account_rules.h"
#include "acme/flow/authorization.h"

namespace lenscap::acme {

struct Settled {
  Authorization authorization;
  bool is_new = true;  // to be saved; otherwise it is one of those that were there
};

// Of an order, wildcards among them. `known` are authorizations of the account for this name; unfit ones are skipped.
// A proved one is reused as long as it lives for another hour. A granted one, which only newAuthz leaves behind, is
// reused as long as the same key still grants the name.
//   Errc::rejected_identifier  outside the scope, the issuer's name constraints, or what the server can validate
Result<Settled> settle(Account const& account, Scope const& scope, Identifier const& identifier,
                       std::span<Authorization const> known, Policy const& policy, IssuerReach const& issuer, Time now);

// What the store and the CA know that newAuthz needs.
struct AuthzContext {
  std::vector<Authorization> known = {};   // of the account for this name, also pending ones that newAuthz made
  std::size_t open = 0;                    // of the account: pending ones that newAuthz made
  std::optional<IssuerReach> issuer = {};  // of the scope's issuer, where it names one
};

// newAuthz. Whether we would issue is decided first (8555-7.4.1-1). An authorization that is there already and still of
// use, also a pending one, is given again: who asks twice has not two things to prove.
//   Errc::rejected_identifier  as settle, and for every wildcard: its authorization would name the base (8555-7.4.1-2)
//   Errc::rate_limited         too many are pending (8555-10.3-1)
//   Errc::unauthorized, account_deactivated
Result<Settled> new_authz(Account const& account, Scope const& scope, Identifier const& identifier,
                          AuthzContext const& context, Policy const& policy, Time now);

// Has the time of the account's external account key not passed? Errc::unauthorized.
Result<> check_issue_until(Scope const& scope, Time now);

// Errc::rate_limited with Retry-After (8555-6.6-2).
Error rate_limited(std::string detail);

}  // namespace lenscap::acme
