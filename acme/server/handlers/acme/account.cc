// The account's own URL: read it, change contacts, deactivate (RFC 8555 7.3.2, 7.3.6).
#include "acme/server/account_records.h"
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/objects.h"
#include "acme/server/records.h"
#include "acme/server/respond.h"
#include "ca/audit.h"

namespace lenscap::acme {

net::Awaitable<Result<net::Response>> account(App& app, SignedRequest const& request) {
  if (request.params.at("account") != request.account().id) co_return not_found();
  auto const answer = [&app](Account const& shown) {
    return json_response(200, to_json(account_object(app.settings.urls, shown)));
  };
  if (request.is_post_as_get()) co_return answer(request.account());

  CO_TRY(auto const update, parse_account_update(request.payload));
  if (update == AccountUpdate{}) co_return answer(request.account());  // some clients post {} to look: no write
  if (!update.deactivate) CO_CHECK_OK(app.limits.may_change_account(request.account().id, request.now));
  auto change = [&](store::WriteTxn& txn) -> Result<Account> {
    auto current = load_account(txn, request.account().id);
    if (!current) return not_found();
    TRY(auto next, update_account(*std::move(current), update));
    if (update.deactivate)
      save_ended_account(txn, next, Error(Errc::unauthorized, "the account was deactivated"));
    else
      save_account(txn, next);
    ca::append_audit(txn, {.at = request.now,
                           .event = ca::AuditEvent::account_changed,
                           .actor = "account " + next.id,
                           .subject = next.id,
                           .rule = "",
                           .detail = update.deactivate ? "deactivated" : "contact"});
    return next;
  };
  CO_TRY(auto const changed, co_await app.db.write(change));
  app.limits.account_changed(changed.id, request.now);
  if (update.deactivate) app.log.info("account.deactivated", {{"account", changed.id}, {"peer", request.peer}});
  co_return answer(changed);
}

}  // namespace lenscap::acme
