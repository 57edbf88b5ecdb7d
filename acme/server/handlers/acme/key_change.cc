// keyChange (RFC 8555 7.3.5): the account gets another key, and keeps all that it has.
#include "acme/flow/key_change_rules.h"
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/objects.h"
#include "acme/server/records.h"
#include "acme/server/respond.h"
#include "ca/audit.h"

namespace lenscap::acme {

net::Awaitable<Result<net::Response>> key_change(App& app, SignedRequest const& request) {
  CO_TRY(auto const wish, read_key_change(request.payload));
  CO_CHECK_OK(app.limits.may_change_account(request.account().id, request.now));
  auto const& urls = app.settings.urls;
  // Who has the new key, and which key the account has, are asked where the answer stays true (8555-7.3.5-6).
  auto change = [&](store::WriteTxn& txn) -> Result<Account> {
    auto current = load_account(txn, request.account().id);
    if (!current) return not_found();
    auto const holder = find_account_by_key(txn, wish.new_key);
    auto const old_key = current->key;
    TRY(auto next, change_key(*std::move(current), wish, request.url, urls.account(request.account().id),
                              holder ? urls.account(holder->id) : ""));
    CHECK_OK(check_account_key(txn, wish.new_key));
    save_account_key(txn, next, old_key);
    ca::append_audit(txn, {.at = request.now,
                           .event = ca::AuditEvent::account_changed,
                           .actor = "account " + next.id,
                           .subject = next.id,
                           .rule = "",
                           .detail = "key"});
    return next;
  };
  CO_TRY(auto const changed, co_await app.db.write(change));
  app.limits.account_changed(changed.id, request.now);
  app.log.info("account.key_changed", {{"account", changed.id}, {"peer", request.peer}});
  co_return json_response(200, to_json(account_object(urls, changed)));
}

}  // namespace lenscap::acme
