// Who trusts which root, for the operator who rolls one over.
#pragma once

#include "acme/server/operations.h"

namespace lenscap::acme {

// {"roots": [...], "accounts": N, "silent": N, "lacking": [...]}: of the accounts that may still sign; at most 100 that
// said what they trust, and it was not the newest. Reads all accounts.
Result<json::Object> root_status(OperationContext const& context, json::Object const& arguments);

}  // namespace lenscap::acme
