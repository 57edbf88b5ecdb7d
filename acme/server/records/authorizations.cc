#include "acme/server/records/authorizations.h"

#include <algorithm>
#include <set>

#include "acme/server/records.h"
#include "acme/server/records/due.h"
#include "acme/server/records/fields.h"
#include "acme/wire/problem.h"

namespace lenscap::acme {
namespace {

using json::Object;
using store::ReadTxn;
using store::Table;
using store::WriteTxn;

using namespace records;

}  // namespace

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

namespace {

Table home_of(std::string_view id) { return order_of(id).empty() ? kAuthorizations : kOrders; }

}  // namespace

std::optional<Authorization> load_authorization(ReadTxn& txn, std::string_view id) {
  auto record = txn.get(home_of(id), id);
  if (!record) return std::nullopt;
  return read_authorization(id, *record);
}

Result<Authorization> load_authorization(ReadTxn& txn, std::string_view id, std::string_view account) {
  auto authorization = load_authorization(txn, id);
  if (!authorization || authorization->account_id != account) return not_found();
  return *std::move(authorization);
}

namespace {

void put_reusable(WriteTxn& txn, Authorization const& authorization) {
  txn.put(kReusable, joined(authorization.account_id, tagged(ordered_identifier(authorization))), authorization.id);
}

}  // namespace

std::optional<Authorization> load_reusable(ReadTxn& txn, std::string_view account, Identifier const& identifier) {
  auto const id = txn.get(kReusable, joined(account, tagged(identifier)));
  return id ? load_authorization(txn, *id) : std::nullopt;
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
  txn.put(home_of(authorization.id), authorization.id, json::write(object));
  if (authorization.status == AuthorizationStatus::pending) return;
  if (order_of(authorization.id).empty())
    txn.erase(kPreAuthorizations, joined(authorization.account_id, authorization.id));
  // What an order's names were granted is cheaper made anew than found again.
  bool const is_proved = authorization.status == AuthorizationStatus::valid && authorization.granted.empty();
  if (is_proved) put_reusable(txn, authorization);
}

void create_authorization(WriteTxn& txn, Authorization const& authorization) {
  save_authorization(txn, authorization);
  put_due(txn, {authorization.expires, DueKind::authorization, authorization.id});
  if (authorization.status == AuthorizationStatus::pending)
    txn.put(kPreAuthorizations, joined(authorization.account_id, authorization.id), "");
  else
    put_reusable(txn, authorization);
}

void remove_authorization(WriteTxn& txn, Authorization const& authorization) {
  txn.erase(home_of(authorization.id), authorization.id);
  txn.erase(kPreAuthorizations, joined(authorization.account_id, authorization.id));
  auto const reusable = joined(authorization.account_id, tagged(ordered_identifier(authorization)));
  if (txn.get(kReusable, reusable) == authorization.id) txn.erase(kReusable, reusable);
}

bool has_authorizations(ReadTxn& txn, std::string_view account) {
  bool found = false;
  for (auto const table : {kReusable, kPreAuthorizations})
    store::scan_prefix(txn, table, joined(account, ""), [&](std::string_view, std::string_view) {
      found = true;
      return false;
    });
  return found;
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

}  // namespace lenscap::acme
