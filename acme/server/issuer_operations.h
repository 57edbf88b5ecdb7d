// What commands do with the store where they changed an issuer beside it.
#pragma once

#include "acme/server/operations.h"

namespace lenscap::acme {

// {"issuer": NAME}: an entry of the audit trail, that the operator has put it on its root's list, which says so
// already. Errc::conflict when it does not. {"serial": ..., "revoked_at": ...}
Result<json::Object> note_issuer_revocation(OperationContext const& context, json::Object const& arguments);

}  // namespace lenscap::acme
