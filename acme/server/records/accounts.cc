#include "acme/server/records/accounts.h"

#include "acme/server/records/due.h"
#include "acme/server/records/fields.h"
#include "acme/server/records/memo.h"
#include "acme/wire/jwk.h"
#include "ca/blocked_keys.h"
#include "ca/ledger.h"

namespace lenscap::acme {
namespace {

using json::Value;
using store::ReadTxn;
using store::WriteTxn;

using namespace records;

}  // namespace

namespace {

// A thousand accounts at work at once; each is some kilobytes.
constexpr std::size_t kAccountsRemembered = 1024;

Account read_account(std::string_view id, std::string_view record) {
  Fields f(kAccounts, id, record);
  return Account{.id = std::string(id),
                 .key = f.take(read_jwk(*f.object("key"))).key,
                 .status = f.take(parse_account_status(f.text("status"))),
                 .contact = f.texts("contact"),
                 .terms_of_service_agreed = f.flag("tos"),
                 .terms_of_service = f.text_or_empty("terms"),
                 .eab_kid = f.text_or_empty("eab_kid"),
                 .external_account_binding = f.object("eab"),
                 .created = f.time("created"),
                 .trusts = f.texts("trusts"),
                 .trusts_at = f.maybe_time("trusts_at")};
}

// For accounts at work; who looks at all of them reads each.
Account recall_account(std::string_view id, std::string_view record) {
  static Memo<Account> accounts(kAccountsRemembered);  // a function's memory, not a state: see memo.h
  return accounts.of(id, record, read_account);
}

}  // namespace

std::optional<Account> load_account(ReadTxn& txn, std::string_view id) {
  auto record = txn.get(kAccounts, id);
  if (!record) return std::nullopt;
  return recall_account(id, *record);
}

std::optional<Account> find_account_by_key(ReadTxn& txn, x509::PublicKey const& key) {
  auto id = txn.get(kAccountKeys, thumbprint(key));
  if (!id) return std::nullopt;
  auto account = load_account(txn, *id);
  if (!account) broken(kAccountKeys.name, *id, "no such account");
  return account;
}

void create_account(WriteTxn& txn, Account const& account) {
  save_account(txn, account);
  if (account.eab_kid.empty()) put_due(txn, {account.created + kDay, DueKind::account, account.id});
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
  if (!account.trusts.empty()) object.set("trusts", Value::strings(account.trusts));
  if (account.trusts_at) object.set("trusts_at", to_unix(*account.trusts_at));
  txn.put(kAccounts, account.id, json::write(object));
  txn.put(kAccountKeys, thumbprint(account.key), account.id);
}

void save_account_key(WriteTxn& txn, Account const& account, x509::PublicKey const& old_key) {
  txn.erase(kAccountKeys, thumbprint(old_key));
  save_account(txn, account);
}

Result<> check_account_key(ReadTxn& txn, x509::PublicKey const& key) {
  if (ca::is_blocked(txn, key))
    return Error(Errc::bad_public_key, "the operator of the server has blocked this key; make another one");
  if (!ca::is_certified(txn, key)) return {};
  return Error(Errc::bad_public_key, "this is the key of a certificate; an account needs a key of its own");
}

void visit_accounts(ReadTxn& txn, AccountVisitor const& visit) {
  txn.scan(kAccounts, "",
           [&](std::string_view id, std::string_view record) { return visit(read_account(id, record)); });
}

void remove_account(WriteTxn& txn, Account const& account) {
  txn.erase(kAccounts, account.id);
  auto const key = thumbprint(account.key);
  if (txn.get(kAccountKeys, key) == account.id) txn.erase(kAccountKeys, key);
}

}  // namespace lenscap::acme
