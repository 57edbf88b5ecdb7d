// External account keys as records: what each may bind, and what it has bound.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "acme/flow/account_rules.h"
#include "base/json.h"
#include "store/store.h"

namespace lenscap::acme {

struct EabRecord {
  EabKey key;
  std::string sealed_mac;  // see base/seal.h; the context is the kid
};
std::optional<EabRecord> load_eab(store::ReadTxn& txn, std::string_view kid);
void save_eab(store::WriteTxn& txn, EabRecord const& record);
void visit_eab(store::ReadTxn& txn, std::function<bool(EabRecord const&)> const& visit);  // in order of kid
// An account that the key bound, beside the key's record: one key may bind a hundred thousand.
void save_eab_account(store::WriteTxn& txn, std::string_view kid, std::string_view account);
std::vector<std::string> list_eab_accounts(store::ReadTxn& txn, std::string_view kid,
                                           std::size_t count);  // oldest first
json::Object scope_to_json(Scope const& scope);

// The scope that counts for the account now (scope_for), as a value.
Result<Scope> load_scope(store::ReadTxn& txn, Account const& account, Policy const& policy);

}  // namespace lenscap::acme
