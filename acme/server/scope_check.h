// Does a scope fit the CA? A scope whose names can never stand in a certificate would only disappoint later.
#pragma once

#include "acme/flow/policy.h"
#include "ca/issuer_choice.h"

namespace lenscap::acme {

// Errc::rejected_identifier, naming the suffix or network that one of the limits excludes.
Result<> check_names(Scope const& scope, std::vector<ca::NameLimit> const& limits);

// Of a scope that names an issuer: is there one, will it sign again, does it serve one of the scope's profiles (where
// it names none, the one that it then has), and may it name something of each suffix and network? `offered`: the
// settings' profiles, in their order. Errc::usage, or rejected_identifier as above.
Result<> check_issuer(Scope const& scope, std::vector<ca::IssuerRule> const& issuers,
                      std::vector<ca::Profile> const& offered, Time now);

}  // namespace lenscap::acme
