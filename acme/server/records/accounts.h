// Accounts as records, and which key is whose (8555-11.1-1).
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "acme/flow/account_rules.h"
#include "store/store.h"

namespace lenscap::acme {

std::optional<Account> load_account(store::ReadTxn& txn, std::string_view id);
std::optional<Account> find_account_by_key(store::ReadTxn& txn, x509::PublicKey const& key);  // 8555-11.1-1
// A new one: time may take it away again, unless somebody vouches for it with a key.
void create_account(store::WriteTxn& txn, Account const& account);
void save_account(store::WriteTxn& txn, Account const& account);
// With a new key; the old one is nobody's from then on (8555-7.3.5-6).
void save_account_key(store::WriteTxn& txn, Account const& account, x509::PublicKey const& old_key);
// Errc::bad_public_key when a certificate has this key, or one that is about to be signed. Asked in the transaction
// that gives the key to an account, as finalize asks the other way round in the one that claims the order: so no key is
// ever both (8555-11.1-1).
Result<> check_account_key(store::ReadTxn& txn, x509::PublicKey const& key);
using AccountVisitor = std::function<bool(Account const&)>;
void visit_accounts(store::ReadTxn& txn, AccountVisitor const& visit);  // oldest first
// The account; its key is nobody's from then on.
void remove_account(store::WriteTxn& txn, Account const& account);

}  // namespace lenscap::acme
