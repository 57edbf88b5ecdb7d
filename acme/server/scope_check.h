// Does a scope fit the CA? A scope whose names can never stand in a certificate would only disappoint later.
#pragma once

#include "acme/flow/policy.h"
#include "ca/name_limits.h"

namespace lenscap::acme {

// Errc::rejected_identifier, naming the suffix or network that one of the limits excludes.
Result<> check_names(Scope const& scope, std::vector<ca::NameLimit> const& limits);

}  // namespace lenscap::acme
