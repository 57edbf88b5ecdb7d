// Who trusts which root, for the operator who rolls one over.
#pragma once

#include "acme/server/operations.h"

namespace lenscap::acme {

// {"roots": [...], "accounts": N, "silent": N, "without_newest": N, "lacking": [...]}: of the accounts that may still
// sign; how many said what they trust, and it was not the newest, and the first 100 of these. Reads all accounts.
Result<json::Object> root_status(OperationContext const& context, json::Object const& arguments);

}  // namespace lenscap::acme
