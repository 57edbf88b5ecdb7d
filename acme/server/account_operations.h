// Accounts, for the operator: which there are, and what he may do to one.
#pragma once

#include "acme/server/operations.h"

namespace lenscap::acme {

// `account.list`
Result<json::Object> list_accounts(OperationContext const& context, json::Object const& arguments);
// `account.deactivate` `account`: for good.
Result<json::Object> deactivate_account(OperationContext const& context, json::Object const& arguments);
// `account.agree` `account`: to the terms of service, for somebody who told the operator so.
Result<json::Object> agree_for_account(OperationContext const& context, json::Object const& arguments);

}  // namespace lenscap::acme
