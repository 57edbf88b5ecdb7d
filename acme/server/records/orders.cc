#include "acme/server/records/orders.h"

#include <algorithm>
#include <set>

#include "acme/server/records.h"
#include "acme/server/records/authorizations.h"
#include "acme/server/records/due.h"
#include "acme/server/records/fields.h"
#include "acme/server/records/live_names.h"
#include "acme/wire/problem.h"
#include "base/limits.h"
#include "base/random.h"

namespace lenscap::acme {
namespace {

using json::Value;
using store::ReadTxn;
using store::WriteTxn;

using namespace records;

}  // namespace

namespace {

Order read_order(std::string_view id, std::string_view record) {
  Fields f(kOrders, id, record);
  Order order;
  order.id = std::string(id);
  order.account_id = f.text("account");
  order.status = f.take(parse_order_status(f.text("status")));
  order.created = f.time("created");
  order.expires = f.time("expires");
  for (auto const& text : f.texts("identifiers")) order.identifiers.push_back(read_identifier_text(f, text));
  order.authorizations = f.texts("authorizations");
  order.profile = f.text_or_empty("profile");
  order.replaces = f.text_or_empty("replaces");
  order.validity = {f.maybe_time("not_before"), f.maybe_time("not_after")};
  if (auto error = f.object("error")) order.error = read_problem(*error);
  order.certificate = f.text_or_empty("certificate");
  return order;
}

void put_order(WriteTxn& txn, Order const& order) {
  auto object = new_record();
  json::Array identifiers;
  for (auto const& identifier : order.identifiers) identifiers.emplace_back(tagged(identifier));
  object.set("account", order.account_id);
  object.set("status", to_string(order.status));
  object.set("created", to_unix(order.created));
  object.set("expires", to_unix(order.expires));
  object.set("identifiers", std::move(identifiers));
  object.set("authorizations", Value::strings(order.authorizations));
  object.set("profile", order.profile);
  if (!order.replaces.empty()) object.set("replaces", order.replaces);
  set_time(object, "not_before", order.validity.not_before);
  set_time(object, "not_after", order.validity.not_after);
  if (order.error) object.set("error", to_problem(*order.error));
  if (!order.certificate.empty()) object.set("certificate", order.certificate);
  txn.put(kOrders, order.id, json::write(object));
}

}  // namespace

std::optional<Order> load_order(ReadTxn& txn, std::string_view id) {
  if (!order_of(id).empty()) return std::nullopt;  // the name of an authorization
  auto record = txn.get(kOrders, id);
  if (!record) return std::nullopt;
  return read_order(id, *record);
}

Result<Order> load_order(ReadTxn& txn, std::string_view id, std::string_view account) {
  auto order = load_order(txn, id);
  if (!order || order->account_id != account) return not_found();
  return *std::move(order);
}

std::size_t count_open_orders(ReadTxn& txn, std::string_view account) {
  auto const count = txn.get(kOpenOrders, account);
  return count ? std::stoul(*count) : 0;
}

namespace {

void put_open_count(WriteTxn& txn, std::string_view account, std::size_t count) {
  if (count == 0)
    txn.erase(kOpenOrders, account);
  else
    txn.put(kOpenOrders, account, std::to_string(count));
}

}  // namespace

void create_order(WriteTxn& txn, NewOrder const& made) {
  auto const& order = made.order;
  for (auto const& authorization : made.created) save_authorization(txn, authorization);
  put_order(txn, order);
  txn.put(kAccountOrders, joined(order.account_id, order.id), "");
  put_due(txn,
          {order.expires, order.status == OrderStatus::pending ? DueKind::pending_order : DueKind::order, order.id});
  if (!order.replaces.empty()) txn.put(kReplacements, order.replaces, order.id);
  put_open_count(txn, order.account_id, count_open_orders(txn, order.account_id) + 1);
}

std::optional<Order> load_replacing_order(ReadTxn& txn, std::string_view certificate_id) {
  auto const id = txn.get(kReplacements, certificate_id);
  return id ? load_order(txn, *id) : std::nullopt;
}

void save_order(WriteTxn& txn, Order const& order) {
  if (is_final(order.status)) {
    auto const before = load_order(txn, order.id);
    if (!before) broken(kOrders.name, order.id, "an order is saved that was never made");
    auto const open = count_open_orders(txn, order.account_id);
    if (!is_final(before->status) && open != 0) put_open_count(txn, order.account_id, open - 1);
  }
  put_order(txn, order);
}

std::vector<Authorization> load_authorizations(ReadTxn& txn, Order const& order) {
  std::vector<Authorization> authorizations;
  for (auto const& id : order.authorizations) {
    auto authorization = load_authorization(txn, id);
    if (authorization) authorizations.push_back(*std::move(authorization));
  }
  return authorizations;
}

OrderContext load_order_context(ReadTxn& txn, Account const& account, Scope const& scope,
                                std::vector<Identifier> const& identifiers, Time now) {
  OrderContext context;
  for (auto const& identifier : identifiers) {
    if (auto reusable = load_reusable(txn, account.id, identifier)) context.reusable.push_back(*std::move(reusable));
  }
  context.pending_orders = count_open_orders(txn, account.id);
  auto live = load_live_names(txn, account.id, scope, identifiers, now);
  context.live_names = live.count;
  context.already_live = std::move(live.wanted);
  return context;
}

OrdersPage list_orders(ReadTxn& txn, std::string_view account, std::string_view from, std::size_t count, Time now) {
  OrdersPage page;
  std::size_t seen = 0;
  auto const prefix = std::string(account) + "/";
  txn.scan(kAccountOrders, prefix + std::string(from), [&](std::string_view key, std::string_view) {
    if (!key.starts_with(prefix)) return false;
    auto id = after_slash(key);
    if (page.orders.size() == count || seen++ == 10 * count) {
      page.next = std::move(id);
      return false;
    }
    auto order = load_order(txn, id);
    if (order && expire_order(*std::move(order), now).status != OrderStatus::invalid)
      page.orders.push_back(std::move(id));
    return true;
  });
  return page;
}

std::vector<Order> load_open_orders(ReadTxn& txn, std::string_view account) {
  std::vector<Order> orders;
  auto const take = [&](std::string_view id) {
    auto order = load_order(txn, id);
    if (order && !is_final(order->status)) orders.push_back(*std::move(order));
  };
  std::vector<std::string> ids;
  if (account.empty()) {
    txn.scan(kOrders, "", [&](std::string_view id, std::string_view) {
      if (order_of(id).empty()) ids.emplace_back(id);
      return true;
    });
    for (auto const& id : ids) take(id);
    return orders;
  }
  auto const count = count_open_orders(txn, account);
  if (count == 0) return orders;
  store::scan_prefix(txn, kAccountOrders, joined(account, ""), [&](std::string_view key, std::string_view) {
    ids.push_back(after_slash(key));
    return true;
  });
  // They are among the newest, as a rule.
  for (auto id = ids.rbegin(); id != ids.rend() && orders.size() < count; ++id) take(*id);
  std::ranges::reverse(orders);
  return orders;
}

bool has_orders(ReadTxn& txn, std::string_view account) {
  bool found = false;
  store::scan_prefix(txn, kAccountOrders, joined(account, ""), [&](std::string_view, std::string_view) {
    found = true;
    return false;
  });
  return found;
}

void remove_order(WriteTxn& txn, Order const& order) {
  txn.erase(kOrders, order.id);
  txn.erase(kAccountOrders, joined(order.account_id, order.id));
  if (!order.replaces.empty() && txn.get(kReplacements, order.replaces) == order.id)
    txn.erase(kReplacements, order.replaces);
}

std::vector<Authorization> load_held(ReadTxn& txn, std::string_view account, std::vector<Identifier> const& identifiers,
                                     Time now) {
  auto const is_held = [&](Authorization const& authorization) {
    return authorization.status == AuthorizationStatus::valid && now < authorization.expires;
  };
  std::vector<Authorization> held;
  std::set<Identifier> missing;
  for (auto const& identifier : identifiers) {
    auto reusable = load_reusable(txn, account, identifier);
    if (reusable && is_held(*reusable))
      held.push_back(*std::move(reusable));
    else
      missing.insert(identifier);
  }
  if (missing.empty()) return held;

  // What was granted with an order is in no index. It lives for an hour, and ids begin with their time.
  constexpr std::size_t kOrdersMax = 1000;
  constexpr std::size_t kTimeCharacters = 9;  // of an id: 45 of its 48 bits of time
  auto const prefix = joined(account, "");
  auto const since = new_id(now - limits::kGrantedAuthorizationLifetime).substr(0, kTimeCharacters);
  std::vector<std::string> ids;
  txn.scan(kAccountOrders, prefix + since, [&](std::string_view key, std::string_view) {
    if (!key.starts_with(prefix)) return false;
    ids.push_back(after_slash(key));
    return true;
  });
  if (ids.size() > kOrdersMax) ids.erase(ids.begin(), ids.end() - kOrdersMax);
  for (auto id = ids.rbegin(); id != ids.rend() && !missing.empty(); ++id) {
    auto const order = load_order(txn, *id);
    if (!order) continue;
    for (std::size_t i = 0; i < order->identifiers.size(); ++i) {
      if (!missing.contains(order->identifiers[i])) continue;
      auto authorization = load_authorization(txn, order->authorizations.at(i));
      if (!authorization || !is_held(*authorization)) continue;
      missing.erase(order->identifiers[i]);
      held.push_back(*std::move(authorization));
    }
  }
  return held;
}

std::vector<WaitingOrder> load_waiting(ReadTxn& txn, Authorization const& authorization) {
  auto const id = order_of(authorization.id);
  auto order = id.empty() ? std::nullopt : load_order(txn, id);
  if (!order || order->status != OrderStatus::pending) return {};
  auto authorizations = load_authorizations(txn, *order);
  if (authorizations.size() != order->authorizations.size()) return {};  // past its time
  return {{*std::move(order), std::move(authorizations)}};
}

std::vector<WaitingOrder> load_users(ReadTxn& txn, Authorization const& authorization) {
  std::vector<WaitingOrder> users;
  for (auto& order : load_open_orders(txn, authorization.account_id)) {
    if (std::find(order.authorizations.begin(), order.authorizations.end(), authorization.id) ==
        order.authorizations.end())
      continue;
    auto authorizations = load_authorizations(txn, order);
    if (authorizations.size() != order.authorizations.size()) continue;  // past its time
    users.push_back({std::move(order), std::move(authorizations)});
  }
  return users;
}

void save_recorded(WriteTxn& txn, Recorded const& recorded) {
  save_authorization(txn, recorded.authorization);
  for (auto const& order : recorded.orders) save_order(txn, order);
}

}  // namespace lenscap::acme
