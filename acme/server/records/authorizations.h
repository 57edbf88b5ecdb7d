// Authorizations as records, and those that an account can use again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/flow/account_rules.h"
#include "acme/flow/settle.h"
#include "store/store.h"

namespace lenscap::acme {

// The last one that was proved or made by newAuthz for this identifier, in whatever state.
std::optional<Authorization> load_reusable(store::ReadTxn& txn, std::string_view account, Identifier const& identifier);
std::optional<Authorization> load_authorization(store::ReadTxn& txn, std::string_view id);
Result<Authorization> load_authorization(store::ReadTxn& txn, std::string_view id, std::string_view account);
// One that newAuthz made, so without an order.
void create_authorization(store::WriteTxn& txn, Authorization const& authorization);
// A new or later state. What was proved is found again by the account's later orders.
void save_authorization(store::WriteTxn& txn, Authorization const& authorization);
AuthzContext load_authz_context(store::ReadTxn& txn, Account const& account, Identifier const& identifier, Time now);
// The authorization with its rows in all indexes.
void remove_authorization(store::WriteTxn& txn, Authorization const& authorization);
// Does the account have any that its later orders might use, or that newAuthz made and that waits?
bool has_authorizations(store::ReadTxn& txn, std::string_view account);
// Pending ones that newAuthz made, past their time or not: of one account, or of all (empty).
std::vector<Authorization> load_pre_authorizations(store::ReadTxn& txn, std::string_view account);

}  // namespace lenscap::acme
