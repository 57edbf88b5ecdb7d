#include "acme/server/records.h"

#include <algorithm>
#include <array>
#include <set>

#include "acme/server/key_memo.h"
#include "acme/wire/jwk.h"
#include "acme/wire/problem.h"
#include "base/json.h"
#include "base/random.h"
#include "ca/ledger.h"

namespace lenscap::acme {
namespace {

using json::Object;
using json::Value;
using store::ReadTxn;
using store::Table;
using store::WriteTxn;

constexpr Table kAccounts{"accounts"};                 // account id -> account
constexpr Table kAccountKeys{"account_keys"};          // thumbprint of the key -> account id
constexpr Table kEabKeys{"eab_keys"};                  // kid -> key and sealed MAC key
constexpr Table kEabAccounts{"eab_accounts"};          // kid / account id -> "": bound by it
constexpr Table kOrders{"orders"};                     // order id -> order
constexpr Table kAccountOrders{"account_orders"};      // account id / order id -> ""
constexpr Table kOpenOrders{"open_orders"};            // account id / order id -> "": pending, ready, processing
constexpr Table kAuthorizations{"authorizations"};     // authorization id -> authorization
constexpr Table kReusable{"reusable_authorizations"};  // account id / type:identifier -> authorization id, last valid
constexpr Table kPreAuthorizations{"pre_authorizations"};  // account id / authorization id -> "": pending, by newAuthz
constexpr Table kWaitingOrders{"waiting_orders"};          // authorization id / order id -> "": pending orders
constexpr Table kLiveNames{"live_names"};       // account id / type:identifier -> end of the latest certificate
constexpr Table kReplacements{"replacements"};  // certificate id (RFC 9773) -> order that replaces it, the latest one
constexpr Table kMeta{"acme_meta"};

constexpr int kVersion = 1;

[[noreturn]] void broken(std::string_view table, std::string_view key, std::string_view why) {
  throw store::Broken("record " + std::string(table) + "/" + std::string(key) + " cannot be read: " + std::string(why));
}

// A record that we wrote: everything is there and of the right type.
class Fields {
 public:
  Fields(Table table, std::string_view key, std::string_view text) : table_(table.name), key_(key) {
    auto object = json::parse_object(text, {.bytes = store::kValueBytesMax, .depth = 16, .members = 100'000});
    if (!object) fail(object.error());
    object_ = *std::move(object);
    if (integer("v") != kVersion) broken(table_, key_, "unknown version");
  }
  Fields(Table table, std::string_view key, Object object)
      : table_(table.name), key_(key), object_(std::move(object)) {}

  std::string text(std::string_view name) const { return take(json::need_string(object_, name)); }
  std::string text_or_empty(std::string_view name) const { return take(json::get_string(object_, name)).value_or(""); }
  std::int64_t integer(std::string_view name) const { return take(json::need_int(object_, name)); }
  bool flag(std::string_view name) const { return take(json::get_bool(object_, name)).value_or(false); }
  Time time(std::string_view name) const { return from_unix(integer(name)); }
  std::optional<Time> maybe_time(std::string_view name) const {
    auto seconds = take(json::get_int(object_, name));
    return seconds ? std::optional(from_unix(*seconds)) : std::nullopt;
  }
  std::vector<std::string> texts(std::string_view name) const {
    return take(json::get_strings(object_, name)).value_or(std::vector<std::string>{});
  }
  std::optional<Object> object(std::string_view name) const { return take(json::get_object(object_, name)); }
  std::vector<Object> objects(std::string_view name) const {
    std::vector<Object> out;
    for (auto const& value : take(json::need_array(object_, name))) {
      if (value.as_object() == nullptr) broken(table_, key_, name);
      out.push_back(*value.as_object());
    }
    return out;
  }
  Fields inside(Object object) const { return Fields(Table{table_}, key_, std::move(object)); }

  template <class T>
  T take(Result<T> result) const {
    if (!result) fail(result.error());
    return *std::move(result);
  }

 private:
  [[noreturn]] void fail(Error const& error) const { broken(table_, key_, error.detail()); }
  std::string_view table_;
  std::string key_;
  Object object_;
};

Object new_record() {
  Object object;
  object.set("v", kVersion);
  return object;
}

std::string joined(std::string_view first, std::string_view second) {
  return std::string(first) + "/" + std::string(second);
}

std::string tagged(Identifier const& identifier) {
  return std::string(to_string(identifier.type())) + ":" + identifier.value();
}

std::string after_slash(std::string_view key) { return std::string(key.substr(key.find('/') + 1)); }

void set_time(Object& object, std::string_view name, std::optional<Time> const& time) {
  if (time) object.set(name, to_unix(*time));
}

template <class T>
Value texts_of(std::vector<T> const& values) {
  json::Array array;
  for (auto const& value : values) array.emplace_back(value.text());
  return array;
}

}  // namespace

Error not_found() { return Error(Errc::not_found, "there is no such object, or it belongs to another account"); }

// --- accounts ---

namespace {

// A thousand accounts at work at once; each key is some kilobytes.
constexpr std::size_t kKeysRemembered = 1024;

Account read_account(std::string_view id, std::string_view record) {
  static KeyMemo keys(kKeysRemembered);  // a function's memory, not a state: see key_memo.h
  Fields f(kAccounts, id, record);
  return Account{.id = std::string(id),
                 .key = f.take(keys.read(*f.object("key"))),
                 .status = f.take(parse_account_status(f.text("status"))),
                 .contact = f.texts("contact"),
                 .terms_of_service_agreed = f.flag("tos"),
                 .terms_of_service = f.text_or_empty("terms"),
                 .eab_kid = f.text_or_empty("eab_kid"),
                 .external_account_binding = f.object("eab"),
                 .created = f.time("created")};
}

}  // namespace

std::optional<Account> load_account(ReadTxn& txn, std::string_view id) {
  auto record = txn.get(kAccounts, id);
  if (!record) return std::nullopt;
  return read_account(id, *record);
}

std::optional<Account> find_account_by_key(ReadTxn& txn, x509::PublicKey const& key) {
  auto id = txn.get(kAccountKeys, thumbprint(key));
  if (!id) return std::nullopt;
  auto account = load_account(txn, *id);
  if (!account) broken(kAccountKeys.name, *id, "no such account");
  return account;
}

void save_account(WriteTxn& txn, Account const& account) {
  auto object = new_record();
  object.set("status", to_string(account.status));
  object.set("key", to_jwk(account.key));
  object.set("contact", Value::strings(account.contact));
  object.set("tos", account.terms_of_service_agreed);
  if (!account.terms_of_service.empty()) object.set("terms", account.terms_of_service);
  if (!account.eab_kid.empty()) object.set("eab_kid", account.eab_kid);
  if (account.external_account_binding) object.set("eab", *account.external_account_binding);
  object.set("created", to_unix(account.created));
  txn.put(kAccounts, account.id, json::write(object));
  txn.put(kAccountKeys, thumbprint(account.key), account.id);
}

void save_account_key(WriteTxn& txn, Account const& account, x509::PublicKey const& old_key) {
  txn.erase(kAccountKeys, thumbprint(old_key));
  save_account(txn, account);
}

Result<> check_account_key(ReadTxn& txn, x509::PublicKey const& key) {
  if (!ca::is_certified(txn, key)) return {};
  return Error(Errc::bad_public_key, "this is the key of a certificate; an account needs a key of its own");
}

void visit_accounts(ReadTxn& txn, AccountVisitor const& visit) {
  txn.scan(kAccounts, "",
           [&](std::string_view id, std::string_view record) { return visit(read_account(id, record)); });
}

// --- external account keys ---

Object scope_to_json(Scope const& scope) {
  Object object;
  object.set("grant_dns", texts_of(scope.grant_dns)).set("grant_ip", texts_of(scope.grant_ip));
  object.set("prove_dns", texts_of(scope.prove_dns)).set("prove_ip", texts_of(scope.prove_ip));
  object.set("profiles", Value::strings(scope.profiles));
  set_time(object, "issue_until", scope.issue_until);
  if (scope.live_names_max) object.set("live_names_max", *scope.live_names_max);
  return object;
}

namespace {

Scope read_scope(Fields const& f) {
  Scope scope;
  for (auto const& text : f.texts("grant_dns")) scope.grant_dns.push_back(f.take(x509::DnsName::parse(text)));
  for (auto const& text : f.texts("prove_dns")) scope.prove_dns.push_back(f.take(x509::DnsName::parse(text)));
  for (auto const& text : f.texts("grant_ip")) scope.grant_ip.push_back(f.take(x509::IpBlock::parse(text)));
  for (auto const& text : f.texts("prove_ip")) scope.prove_ip.push_back(f.take(x509::IpBlock::parse(text)));
  scope.profiles = f.texts("profiles");
  scope.issue_until = f.maybe_time("issue_until");
  if (auto most = f.maybe_time("live_names_max")) scope.live_names_max = static_cast<std::size_t>(to_unix(*most));
  return scope;
}

EabRecord read_eab_record(std::string_view kid, std::string_view record) {
  Fields f(kEabKeys, kid, record);
  EabRecord eab;
  eab.key.kid = std::string(kid);
  eab.key.scope = read_scope(f.inside(*f.object("scope")));
  eab.key.bind_by = f.maybe_time("bind_by");
  eab.key.use = f.text("use") == "single" ? EabUse::single : EabUse::many;
  eab.key.accounts = static_cast<std::size_t>(f.integer("accounts"));
  eab.key.revoked = f.flag("revoked");
  eab.key.created = f.time("created");
  eab.sealed_mac = f.text("mac");
  return eab;
}

}  // namespace

std::optional<EabRecord> load_eab(ReadTxn& txn, std::string_view kid) {
  if (kid.empty() || kid.size() > store::kKeyBytesMax) return std::nullopt;
  auto record = txn.get(kEabKeys, kid);
  if (!record) return std::nullopt;
  return read_eab_record(kid, *record);
}

void save_eab(WriteTxn& txn, EabRecord const& eab) {
  auto object = new_record();
  object.set("scope", scope_to_json(eab.key.scope));
  set_time(object, "bind_by", eab.key.bind_by);
  object.set("use", eab.key.use == EabUse::single ? "single" : "many");
  object.set("accounts", eab.key.accounts);
  object.set("revoked", eab.key.revoked);
  object.set("created", to_unix(eab.key.created));
  object.set("mac", eab.sealed_mac);
  txn.put(kEabKeys, eab.key.kid, json::write(object));
}

void visit_eab(ReadTxn& txn, std::function<bool(EabRecord const&)> const& visit) {
  txn.scan(kEabKeys, "",
           [&](std::string_view kid, std::string_view record) { return visit(read_eab_record(kid, record)); });
}

void save_eab_account(WriteTxn& txn, std::string_view kid, std::string_view account) {
  txn.put(kEabAccounts, joined(kid, account), "");
}

std::vector<std::string> list_eab_accounts(ReadTxn& txn, std::string_view kid, std::size_t count) {
  std::vector<std::string> ids;
  store::scan_prefix(txn, kEabAccounts, std::string(kid) + "/", [&](std::string_view key, std::string_view) {
    if (ids.size() >= count) return false;
    ids.push_back(after_slash(key));
    return true;
  });
  return ids;
}

Result<Scope> load_scope(ReadTxn& txn, Account const& account, Policy const& policy) {
  auto eab = account.eab_kid.empty() ? std::nullopt : load_eab(txn, account.eab_kid);
  TRY(auto const* scope, scope_for(account.eab_kid, eab ? &eab->key : nullptr, policy));
  return *scope;
}

// --- orders ---

namespace {

Identifier read_identifier_text(Fields const& f, std::string_view text) {
  auto const colon = text.find(':');
  if (colon == text.npos) f.take(Result<int>(Error(Errc::malformed, "identifier")));
  return f.take(Identifier::parse(text.substr(0, colon), text.substr(colon + 1)));
}

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
  auto record = txn.get(kOrders, id);
  if (!record) return std::nullopt;
  return read_order(id, *record);
}

Result<Order> load_order(ReadTxn& txn, std::string_view id, std::string_view account) {
  auto order = load_order(txn, id);
  if (!order || order->account_id != account) return not_found();
  return *std::move(order);
}

void create_order(WriteTxn& txn, NewOrder const& made) {
  auto const& order = made.order;
  for (auto const& authorization : made.created) save_authorization(txn, authorization);
  put_order(txn, order);
  txn.put(kAccountOrders, joined(order.account_id, order.id), "");
  txn.put(kOpenOrders, joined(order.account_id, order.id), "");
  if (!order.replaces.empty()) txn.put(kReplacements, order.replaces, order.id);
  if (order.status != OrderStatus::pending) return;
  for (auto const& id : order.authorizations) txn.put(kWaitingOrders, joined(id, order.id), "");
}

std::optional<Order> load_replacing_order(ReadTxn& txn, std::string_view certificate_id) {
  auto const id = txn.get(kReplacements, certificate_id);
  return id ? load_order(txn, *id) : std::nullopt;
}

void save_order(WriteTxn& txn, Order const& order) {
  put_order(txn, order);
  if (is_final(order.status)) txn.erase(kOpenOrders, joined(order.account_id, order.id));
  if (order.status == OrderStatus::pending) return;
  for (auto const& id : order.authorizations) txn.erase(kWaitingOrders, joined(id, order.id));
}

std::vector<Authorization> load_authorizations(ReadTxn& txn, Order const& order) {
  std::vector<Authorization> authorizations;
  for (auto const& id : order.authorizations) {
    auto authorization = load_authorization(txn, id);
    if (!authorization) broken(kOrders.name, order.id, "authorization " + id + " is missing");
    authorizations.push_back(*std::move(authorization));
  }
  return authorizations;
}

namespace {

void put_reusable(WriteTxn& txn, Authorization const& authorization) {
  txn.put(kReusable, joined(authorization.account_id, tagged(ordered_identifier(authorization))), authorization.id);
}

std::optional<Authorization> load_reusable(ReadTxn& txn, std::string_view account, Identifier const& identifier) {
  auto const id = txn.get(kReusable, joined(account, tagged(identifier)));
  return id ? load_authorization(txn, *id) : std::nullopt;
}

}  // namespace

LiveNames load_live_names(ReadTxn& txn, std::string_view account, Scope const& scope,
                          std::vector<Identifier> const& identifiers, Time now) {
  LiveNames live;
  if (!scope.live_names_max) return live;

  std::set<std::string> wanted;
  for (auto const& identifier : identifiers) wanted.insert(tagged(identifier));
  store::scan_prefix(txn, kLiveNames, std::string(account) + "/", [&](std::string_view key, std::string_view until) {
    if (std::stoll(std::string(until)) <= to_unix(now)) return true;
    ++live.count;
    auto const name = after_slash(key);
    if (!wanted.contains(name)) return true;
    auto const colon = name.find(':');
    if (auto identifier = Identifier::parse(name.substr(0, colon), name.substr(colon + 1))) {
      if (identifier->dns() != nullptr) live.wanted.dns.insert(*identifier->dns());
      if (identifier->ip() != nullptr) live.wanted.ip.insert(*identifier->ip());
    }
    return true;
  });
  return live;
}

OrderContext load_order_context(ReadTxn& txn, Account const& account, Scope const& scope,
                                std::vector<Identifier> const& identifiers, Time now) {
  OrderContext context;
  for (auto const& identifier : identifiers) {
    if (auto reusable = load_reusable(txn, account.id, identifier)) context.reusable.push_back(*std::move(reusable));
  }
  store::scan_prefix(txn, kOpenOrders, account.id + "/", [&](std::string_view, std::string_view) {
    ++context.pending_orders;
    return true;
  });
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
  std::vector<std::string> ids;
  auto const prefix = account.empty() ? std::string() : std::string(account) + "/";
  store::scan_prefix(txn, kOpenOrders, prefix, [&](std::string_view key, std::string_view) {
    ids.push_back(after_slash(key));
    return true;
  });
  std::vector<Order> orders;
  for (auto const& id : ids) {
    auto order = load_order(txn, id);
    if (!order) broken(kOpenOrders.name, id, "no such order");
    orders.push_back(*std::move(order));
  }
  return orders;
}

void record_live_names(WriteTxn& txn, std::string_view account, x509::NameSet const& names, Time not_after) {
  for (auto const& identifier : to_identifiers(names)) {
    auto const key = joined(account, tagged(identifier));
    auto const before = txn.get(kLiveNames, key);
    if (before && std::stoll(*before) >= to_unix(not_after)) continue;
    txn.put(kLiveNames, key, std::to_string(to_unix(not_after)));
  }
}

void replace_live_name(WriteTxn& txn, std::string_view account, Identifier const& identifier,
                       std::optional<Time> not_after) {
  auto const key = joined(account, tagged(identifier));
  if (not_after)
    txn.put(kLiveNames, key, std::to_string(to_unix(*not_after)));
  else
    txn.erase(kLiveNames, key);
}

// --- authorizations ---

namespace {

Authorization read_authorization(std::string_view id, std::string_view record) {
  Fields f(kAuthorizations, id, record);
  Authorization authorization{.id = std::string(id),
                              .account_id = f.text("account"),
                              .identifier = read_identifier_text(f, f.text("identifier")),
                              .wildcard = f.flag("wildcard"),
                              .status = f.take(parse_authorization_status(f.text("status"))),
                              .created = f.time("created"),
                              .expires = f.time("expires"),
                              .challenges = {},
                              .granted = f.text_or_empty("granted")};
  for (auto& object : f.objects("challenges")) {
    auto const c = f.inside(std::move(object));
    Challenge challenge;
    challenge.id = c.text("id");
    challenge.type = c.text("type");
    challenge.token = c.text_or_empty("token");
    challenge.status = c.take(parse_challenge_status(c.text("status")));
    challenge.validated = c.maybe_time("validated");
    if (auto error = c.object("error")) challenge.error = read_problem(*error);
    challenge.attempts = static_cast<int>(c.integer("attempts"));
    authorization.challenges.push_back(std::move(challenge));
  }
  return authorization;
}

}  // namespace

std::optional<Authorization> load_authorization(ReadTxn& txn, std::string_view id) {
  auto record = txn.get(kAuthorizations, id);
  if (!record) return std::nullopt;
  return read_authorization(id, *record);
}

Result<Authorization> load_authorization(ReadTxn& txn, std::string_view id, std::string_view account) {
  auto authorization = load_authorization(txn, id);
  if (!authorization || authorization->account_id != account) return not_found();
  return *std::move(authorization);
}

void save_authorization(WriteTxn& txn, Authorization const& authorization) {
  auto object = new_record();
  object.set("account", authorization.account_id);
  object.set("identifier", tagged(authorization.identifier));
  object.set("wildcard", authorization.wildcard);
  object.set("status", to_string(authorization.status));
  object.set("created", to_unix(authorization.created));
  object.set("expires", to_unix(authorization.expires));
  json::Array challenges;
  for (auto const& challenge : authorization.challenges) {
    Object c;
    c.set("id", challenge.id).set("type", challenge.type).set("token", challenge.token);
    c.set("status", to_string(challenge.status));
    set_time(c, "validated", challenge.validated);
    if (challenge.error) c.set("error", to_problem(*challenge.error));
    c.set("attempts", challenge.attempts);
    challenges.emplace_back(std::move(c));
  }
  object.set("challenges", std::move(challenges));
  if (!authorization.granted.empty()) object.set("granted", authorization.granted);
  txn.put(kAuthorizations, authorization.id, json::write(object));
  if (authorization.status == AuthorizationStatus::pending) return;
  txn.erase(kPreAuthorizations, joined(authorization.account_id, authorization.id));
  // What an order's names were granted is cheaper made anew than found again.
  bool const is_proved = authorization.status == AuthorizationStatus::valid && authorization.granted.empty();
  if (is_proved) put_reusable(txn, authorization);
}

void create_authorization(WriteTxn& txn, Authorization const& authorization) {
  save_authorization(txn, authorization);
  if (authorization.status == AuthorizationStatus::pending)
    txn.put(kPreAuthorizations, joined(authorization.account_id, authorization.id), "");
  else
    put_reusable(txn, authorization);
}

std::vector<Authorization> load_pre_authorizations(ReadTxn& txn, std::string_view account) {
  std::vector<std::string> ids;
  auto const prefix = account.empty() ? std::string() : std::string(account) + "/";
  store::scan_prefix(txn, kPreAuthorizations, prefix, [&](std::string_view key, std::string_view) {
    ids.push_back(after_slash(key));
    return true;
  });
  std::vector<Authorization> authorizations;
  for (auto const& id : ids) {
    auto authorization = load_authorization(txn, id);
    if (!authorization) broken(kPreAuthorizations.name, id, "no such authorization");
    authorizations.push_back(*std::move(authorization));
  }
  return authorizations;
}

AuthzContext load_authz_context(ReadTxn& txn, Account const& account, Identifier const& identifier, Time now) {
  AuthzContext context;
  if (auto reusable = load_reusable(txn, account.id, identifier)) context.known.push_back(*std::move(reusable));
  for (auto& authorization : load_pre_authorizations(txn, account.id)) {
    if (now >= authorization.expires) continue;  // the sweeper takes it away
    ++context.open;
    if (authorization.identifier == identifier) context.known.push_back(std::move(authorization));
  }
  return context;
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
  std::vector<std::string> ids;
  store::scan_prefix(txn, kWaitingOrders, authorization.id + "/", [&](std::string_view key, std::string_view) {
    ids.push_back(after_slash(key));
    return true;
  });
  std::vector<WaitingOrder> waiting;
  for (auto const& id : ids) {
    auto order = load_order(txn, id);
    if (!order) broken(kWaitingOrders.name, id, "no such order");
    auto authorizations = load_authorizations(txn, *order);
    waiting.push_back({*std::move(order), std::move(authorizations)});
  }
  return waiting;
}

std::vector<WaitingOrder> load_users(ReadTxn& txn, Authorization const& authorization) {
  std::vector<WaitingOrder> users;
  for (auto& order : load_open_orders(txn, authorization.account_id)) {
    if (std::find(order.authorizations.begin(), order.authorizations.end(), authorization.id) ==
        order.authorizations.end())
      continue;
    auto authorizations = load_authorizations(txn, order);
    users.push_back({std::move(order), std::move(authorizations)});
  }
  return users;
}

void save_recorded(WriteTxn& txn, Recorded const& recorded) {
  save_authorization(txn, recorded.authorization);
  for (auto const& order : recorded.orders) save_order(txn, order);
}

// --- the server itself ---

std::optional<std::string> load_meta(ReadTxn& txn, std::string_view key) { return txn.get(kMeta, key); }
void save_meta(WriteTxn& txn, std::string_view key, std::string_view value) { txn.put(kMeta, key, value); }

}  // namespace lenscap::acme
