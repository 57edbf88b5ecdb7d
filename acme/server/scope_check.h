// Does a scope fit the CA? A scope whose names can never stand in a certificate would only disappoint later.
#pragma once

#include "acme/flow/policy.h"
#include "base/x509/certificate.h"

namespace lenscap::acme {

// Errc::rejected_identifier, naming the suffix or network that the issuing certificate excludes.
Result<> check_names(Scope const& scope, x509::Certificate const& issuing);

}  // namespace lenscap::acme
