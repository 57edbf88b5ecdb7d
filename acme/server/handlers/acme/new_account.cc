// newAccount (RFC 8555 7.3), with external account binding (7.3.4).
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/objects.h"
#include "acme/server/records.h"
#include "acme/server/respond.h"
#include "ca/audit.h"

namespace lenscap::acme {
namespace {

// The EAB key with its MAC key opened; both live here while the rules look at them.
struct OpenedEab {
  EabRecord record;
  SecretBytes mac_key;
};

Result<std::optional<OpenedEab>> open_eab(store::ReadTxn& txn, NewAccountRequest const& request, Sealer const& sealer) {
  if (!request.external_account_binding) return std::optional<OpenedEab>();
  TRY(auto binding, read_eab(*request.external_account_binding));
  auto record = load_eab(txn, binding.kid);
  if (!record) return std::optional<OpenedEab>();  // the rules answer for a key that is not there
  auto mac_key = sealer.open(record->sealed_mac, binding.kid);
  if (!mac_key) throw std::runtime_error("the MAC key of EAB key " + binding.kid + " does not open");
  return std::optional<OpenedEab>({*std::move(record), *std::move(mac_key)});
}

// `unauthorized` is what the rules say to a binding, and to nothing else of newAccount.
void note_failed_binding(App& app, NewAccountRequest const& wish, SignedRequest const& request, Error const& refusal) {
  if (!wish.external_account_binding || refusal.code() != Errc::unauthorized) return;
  app.limits.binding_failed(request.peer, request.now);
  app.log.info("account.binding_failed", {{"peer", request.peer}, {"error", refusal.detail()}});
}

net::Response account_response(App& app, NewAccount const& result) {
  auto const& urls = app.settings.urls;
  auto response = json_response(result.created ? 201 : 200, to_json(account_object(urls, result.account)));
  add_location(response, urls.account(result.account.id));  // 8555-7.3-1, 8555-7.3.1-1
  return response;
}

}  // namespace

net::Awaitable<Result<net::Response>> new_account(App& app, SignedRequest const& request) {
  CO_TRY(auto const wish, parse_new_account(request.payload));
  auto const may_make = app.limits.may_make_account(request.peer, request.now);
  auto const has_room = app.room.may_begin();
  auto const may_bind = wish.external_account_binding ? app.limits.may_bind(request.peer, request.now) : Result<>();

  // Asked twice: first without the store's writer, for the many clients that only look up their account.
  auto decide = [&](store::ReadTxn& txn) -> Result<NewAccount> {
    auto existing = find_account_by_key(txn, request.key);
    bool const is_new = !existing && !wish.only_return_existing;
    if (is_new) CHECK_OK(has_room);
    if (is_new) CHECK_OK(may_make);  // an account that exists is found whatever others do
    if (is_new) CHECK_OK(may_bind);
    TRY(auto opened, open_eab(txn, wish, app.sealer));
    std::optional<FoundEabKey> found;
    if (opened) found = FoundEabKey{opened->record.key, &opened->mac_key};
    TRY(auto made, acme::new_account(std::move(existing), wish, request.key, request.url, found ? &*found : nullptr,
                                     app.policy, request.now));
    if (made.created) CHECK_OK(check_account_key(txn, request.key));
    return made;
  };
  auto const seen = co_await app.db.read(decide);
  if (!seen) {
    note_failed_binding(app, wish, request, seen.error());
    co_return seen.error();
  }
  if (!seen->created) co_return account_response(app, *seen);

  auto create = [&](store::WriteTxn& txn) -> Result<NewAccount> {
    TRY(auto made, decide(txn));
    if (!made.created) return made;  // somebody was quicker with the same key
    create_account(txn, made.account);
    ca::append_audit(txn, {.at = request.now,
                           .event = ca::AuditEvent::account_created,
                           .actor = request.peer,
                           .subject = made.account.id,
                           .rule = made.bound ? "EAB key " + made.bound->kid : "acme.open",
                           .detail = ""});
    if (made.bound) {
      auto record = load_eab(txn, made.bound->kid);
      record->key = *made.bound;
      save_eab(txn, *record);
      save_eab_account(txn, made.bound->kid, made.account.id);
    }
    return made;
  };
  CO_TRY(auto const made, co_await app.db.write(create));
  if (made.created) {
    app.limits.account_made(request.peer, request.now);
    app.log.info("account.created",
                 {{"account", made.account.id}, {"eab", made.account.eab_kid}, {"peer", request.peer}});
  }
  co_return account_response(app, made);
}

}  // namespace lenscap::acme
