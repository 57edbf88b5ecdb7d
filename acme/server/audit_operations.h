// The audit trail, for the operator: to sign a head of it, and to go on after it was changed.
#pragma once

#include "acme/server/operations.h"

namespace lenscap::acme {

// `audit.head`: a head of the trail as it is now. Errc::conflict when it is not as it was written.
Result<json::Object> sign_audit_head(OperationContext const& context, json::Object const& arguments);
// `audit.accept_break`: begins a new chain, and gives a head of it. Errc::conflict when nothing is broken.
Result<json::Object> accept_audit_break(OperationContext const& context, json::Object const& arguments);
// `audit.note_change`: an entry of what a command changed beside the server; see audit_changes.h. {"command": WORDS,
// "installed": {...}, "rules": {...}}. Errc::malformed.
Result<json::Object> note_change(OperationContext const& context, json::Object const& arguments);

}  // namespace lenscap::acme
