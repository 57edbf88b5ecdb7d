#include "acme/server/account_operations.h"

#include "acme/flow/terms_rules.h"
#include "acme/server/account_records.h"
#include "acme/server/db.h"
#include "acme/server/records.h"

namespace lenscap::acme {

using json::Object;
using json::Value;

namespace {

constexpr std::size_t kListMost = 100'000;

Error usage(std::string text) { return Error(Errc::usage, std::move(text)); }

Object account_to_json(Account const& account) {
  Object object;
  object.set("account", account.id);
  object.set("status", to_string(account.status));
  object.set("key", x509::to_string(account.key.type()));
  object.set("eab", account.eab_kid);
  object.set("contact", Value::strings(account.contact));
  if (account.terms_of_service_agreed) object.set("terms", account.terms_of_service);
  object.set("created", to_rfc3339(account.created));
  if (!account.trusts.empty()) object.set("trusts", Value::strings(account.trusts));
  if (account.trusts_at) object.set("trusts_at", to_rfc3339(*account.trusts_at));
  return object;
}

}  // namespace

Result<Object> list_accounts(OperationContext const& context, Object const&) {
  json::Array accounts;
  context.store.read([&](store::ReadTxn& txn) {
    accounts.clear();
    visit_accounts(txn, [&](Account const& account) {
      accounts.emplace_back(account_to_json(account));
      return accounts.size() < kListMost;
    });
  });
  return Object{{"accounts", std::move(accounts)}};
}

namespace {

// The account that is meant: by its id, or by its URL as clients and logs of others show it.
Result<Account> find_account(OperationContext const& context, store::ReadTxn& txn, std::string_view named) {
  auto const by_url = context.settings.urls.parse_account(named);
  auto const id = by_url ? *by_url : std::string(named);
  auto account = id.empty() || id.size() > 64 ? std::nullopt : load_account(txn, id);
  if (!account) return Error(Errc::not_found, "there is no account " + id + "; see `lenscap-ca account list`");
  return *std::move(account);
}

}  // namespace

Result<Object> deactivate_account(OperationContext const& context, Object const& arguments) {
  TRY(auto const named, json::need_string(arguments, "account"));
  auto end = [&](store::WriteTxn& txn) -> Result<Account> {
    TRY(auto account, find_account(context, txn, named));
    auto ended = revoke_account(std::move(account));
    save_ended_account(txn, ended, Error(Errc::unauthorized, "the operator of the server has ended this account"));
    note_operation(txn, context, ca::AuditEvent::account_changed, ended.id, "deactivated");
    return ended;
  };
  TRY(auto const ended, Db(context.store).write_blocking(end));
  return account_to_json(ended);
}

Result<Object> agree_for_account(OperationContext const& context, Object const& arguments) {
  TRY(auto const named, json::need_string(arguments, "account"));
  if (context.settings.terms_of_service.empty())
    return usage("there are no terms of service to agree to (acme.terms_of_service in ca.toml)");
  Policy policy;
  policy.terms_of_service = context.settings.terms_of_service;
  auto change = [&](store::WriteTxn& txn) -> Result<Account> {
    TRY(auto account, find_account(context, txn, named));
    CHECK_OK(check_valid(account));
    auto agreed = agree(std::move(account), policy);
    save_account(txn, agreed);
    note_operation(txn, context, ca::AuditEvent::account_changed, agreed.id, "agreed to " + agreed.terms_of_service);
    return agreed;
  };
  TRY(auto const agreed, Db(context.store).write_blocking(change));
  return account_to_json(agreed);
}

}  // namespace lenscap::acme
