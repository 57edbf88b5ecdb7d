// The issuer that a scope names: what it can put into certificates now, and whether it may make this one. Nothing here
// chooses another in its place; for scopes that name none, the CA chooses (ca/issuer_choice.h).
#pragma once

#include "acme/flow/policy.h"
#include "ca/authority.h"

namespace lenscap::acme {

// What the issuer can whose time it is, by a validity that whatever takes its place later, of those that are known
// now, can have as well: what is accepted for an order can then be had until the order ends. Where the scope names no
// issuer, that of the default's line; nothing: that is the first, for which the policy speaks. Errc::no_issuer when
// the one that is named signs nothing now, or is not there any more, with when to ask again.
Result<std::optional<IssuerReach>> reach_of(Scope const& scope, ca::Authority const& authority, Time now);

// May the scope's issuer make a certificate of this profile for these names now? Errors of ca::choose_heir(). Of a
// scope that names none nothing is asked.
Result<> check_scope_issuer(Scope const& scope, std::string_view profile, std::vector<Identifier> const& names,
                            ca::Authority const& authority, Time now);

}  // namespace lenscap::acme
