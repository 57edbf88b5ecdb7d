// ACME objects as store records (JSON text with a `v` field), and the indexes that find them. Free functions over the
// store's transactions, so that a handler loads, decides and saves in one of them. No rule is made here.
//
// An object of another account and one that does not exist look alike: "not found" with one text (8555-6.3-5).
// A record of ours that cannot be read is a broken store: an exception.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "acme/flow/account_rules.h"
#include "acme/flow/authz_rules.h"
#include "acme/flow/order_rules.h"
#include "acme/flow/settle.h"
#include "store/store.h"

namespace lenscap::acme {

Error not_found();  // for every object that is absent or another account's

// --- accounts ---
std::optional<Account> load_account(store::ReadTxn& txn, std::string_view id);
std::optional<Account> find_account_by_key(store::ReadTxn& txn, x509::PublicKey const& key);  // 8555-11.1-1
void save_account(store::WriteTxn& txn, Account const& account);
// With a new key; the old one is nobody's from then on (8555-7.3.5-6).
void save_account_key(store::WriteTxn& txn, Account const& account, x509::PublicKey const& old_key);
// Errc::bad_public_key when a certificate has this key, or one that is about to be signed. Asked in the transaction
// that gives the key to an account, as finalize asks the other way round in the one that claims the order: so no key is
// ever both (8555-11.1-1).
Result<> check_account_key(store::ReadTxn& txn, x509::PublicKey const& key);
using AccountVisitor = std::function<bool(Account const&)>;
void visit_accounts(store::ReadTxn& txn, AccountVisitor const& visit);  // oldest first

// --- external account keys ---
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

// --- orders ---
std::optional<Order> load_order(store::ReadTxn& txn, std::string_view id);
Result<Order> load_order(store::ReadTxn& txn, std::string_view id, std::string_view account);
// The order, its new authorizations, and all indexes.
void create_order(store::WriteTxn& txn, NewOrder const& made);
// The latest order that was to replace the certificate of this identifier (RFC 9773), in whatever state. The newest
// counts: an earlier one was invalid when it was made.
std::optional<Order> load_replacing_order(store::ReadTxn& txn, std::string_view certificate_id);
// A later state; a final one leaves the indexes of open orders.
void save_order(store::WriteTxn& txn, Order const& order);
std::vector<Authorization> load_authorizations(store::ReadTxn& txn, Order const& order);
OrderContext load_order_context(store::ReadTxn& txn, Account const& account, Scope const& scope,
                                std::vector<Identifier> const& identifiers, Time now);
// The account's names with an unexpired certificate, counted only when the scope limits them.
struct LiveNames {
  std::size_t count = 0;
  x509::NameSet wanted;  // those of `identifiers` that are among them
};
LiveNames load_live_names(store::ReadTxn& txn, std::string_view account, Scope const& scope,
                          std::vector<Identifier> const& identifiers, Time now);
// Ids of the account's orders that are not invalid at `now`, oldest first, at most `count`, from the id `from` on
// (8555-7.1.2.1-1). A page looks at ten times as many orders and no more, so that an account with many failed ones
// costs no more than another; it may then be short, and `next` goes on.
struct OrdersPage {
  std::vector<std::string> orders = {};
  std::optional<std::string> next = {};  // `from` of the next page
};
OrdersPage list_orders(store::ReadTxn& txn, std::string_view account, std::string_view from, std::size_t count,
                       Time now);
// Orders that are pending, ready or processing: of one account, or of all (empty).
std::vector<Order> load_open_orders(store::ReadTxn& txn, std::string_view account);
// Names of a certificate that was issued to the account, for live_names_max.
void record_live_names(store::WriteTxn& txn, std::string_view account, x509::NameSet const& names, Time not_after);
// After a revocation: until when the account's name is live now, or nothing.
void replace_live_name(store::WriteTxn& txn, std::string_view account, Identifier const& identifier,
                       std::optional<Time> not_after);

// --- authorizations ---
std::optional<Authorization> load_authorization(store::ReadTxn& txn, std::string_view id);
Result<Authorization> load_authorization(store::ReadTxn& txn, std::string_view id, std::string_view account);
// One that newAuthz made, so without an order.
void create_authorization(store::WriteTxn& txn, Authorization const& authorization);
// A new or later state. What was proved is found again by the account's later orders.
void save_authorization(store::WriteTxn& txn, Authorization const& authorization);
AuthzContext load_authz_context(store::ReadTxn& txn, Account const& account, Identifier const& identifier, Time now);
// Pending ones that newAuthz made, past their time or not: of one account, or of all (empty).
std::vector<Authorization> load_pre_authorizations(store::ReadTxn& txn, std::string_view account);
// The account's valid authorizations for these identifiers as far as they are found: what was proved or made by
// newAuthz, and what was granted with an order within the last hour, of the newest thousand orders.
std::vector<Authorization> load_held(store::ReadTxn& txn, std::string_view account,
                                     std::vector<Identifier> const& identifiers, Time now);
// Pending orders that wait for it, each with all its authorizations.
std::vector<WaitingOrder> load_waiting(store::ReadTxn& txn, Authorization const& authorization);
// All open orders of its account that use it, pending or ready: for deactivation.
std::vector<WaitingOrder> load_users(store::ReadTxn& txn, Authorization const& authorization);
void save_recorded(store::WriteTxn& txn, Recorded const& recorded);

// --- the server itself ---
std::optional<std::string> load_meta(store::ReadTxn& txn, std::string_view key);
void save_meta(store::WriteTxn& txn, std::string_view key, std::string_view value);

}  // namespace lenscap::acme
