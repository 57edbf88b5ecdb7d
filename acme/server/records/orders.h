// Orders as records, and the indexes that find them: by account, by what they wait for, by what they replace.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/flow/account_rules.h"
#include "acme/flow/authz_rules.h"
#include "acme/flow/order_rules.h"
#include "acme/flow/settle.h"
#include "store/store.h"

namespace lenscap::acme {

std::optional<Order> load_order(store::ReadTxn& txn, std::string_view id);
Result<Order> load_order(store::ReadTxn& txn, std::string_view id, std::string_view account);
// The order, its new authorizations, and all indexes.
void create_order(store::WriteTxn& txn, NewOrder const& made);
// The latest order that was to replace the certificate of this identifier (RFC 9773), in whatever state. The newest
// counts: an earlier one was invalid when it was made.
std::optional<Order> load_replacing_order(store::ReadTxn& txn, std::string_view certificate_id);
// A later state; with a final one it counts as open no more.
void save_order(store::WriteTxn& txn, Order const& order);
// Those that are there: one that has expired may have been removed, also a moment before the order itself is expired.
std::vector<Authorization> load_authorizations(store::ReadTxn& txn, Order const& order);
OrderContext load_order_context(store::ReadTxn& txn, Account const& account, Scope const& scope,
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
// How many of the account's orders are pending, ready or processing.
std::size_t count_open_orders(store::ReadTxn& txn, std::string_view account);
// These orders, oldest first: of one account, or of all (empty), for which all are looked at.
std::vector<Order> load_open_orders(store::ReadTxn& txn, std::string_view account);
bool has_orders(store::ReadTxn& txn, std::string_view account);  // in whatever state
// A final order, with its rows in all indexes; not its authorizations.
void remove_order(store::WriteTxn& txn, Order const& order);
// The account's valid authorizations for these identifiers as far as they are found: what was proved or made by
// newAuthz, and what was granted with an order within the last hour, of the newest thousand orders.
std::vector<Authorization> load_held(store::ReadTxn& txn, std::string_view account,
                                     std::vector<Identifier> const& identifiers, Time now);
// Pending orders that wait for it, each with all its authorizations.
std::vector<WaitingOrder> load_waiting(store::ReadTxn& txn, Authorization const& authorization);
// All open orders of its account that use it, pending or ready: for deactivation.
std::vector<WaitingOrder> load_users(store::ReadTxn& txn, Authorization const& authorization);
void save_recorded(store::WriteTxn& txn, Recorded const& recorded);

}  // namespace lenscap::acme
