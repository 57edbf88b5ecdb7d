// Keys for external account binding, for the operator: which names and profiles one is good for, and who bound it.
#pragma once

#include "acme/server/operations.h"

namespace lenscap::acme {

// `eab.create`: the key id and the MAC key, once, and with `join` the word for an agent. Needs the sealer.
Result<json::Object> create_eab(OperationContext const& context, json::Object const& arguments);
// `eab.list`
Result<json::Object> list_eab(OperationContext const& context, json::Object const& arguments);
// `eab.revoke` `kid`: it binds nothing any more, and its accounts sign nothing.
Result<json::Object> revoke_eab(OperationContext const& context, json::Object const& arguments);

}  // namespace lenscap::acme
