// The account's own URL: read it, change contacts, deactivate (RFC 8555 7.3.2, 7.3.6).
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/objects.h"
#include "acme/server/records.h"
#include "acme/server/respond.h"

namespace lenscap::acme {

net::Awaitable<Result<net::Response>> account(App& app, SignedRequest const& request) {
  if (request.params.at("account") != request.account().id) co_return not_found();
  if (request.is_post_as_get())
    co_return json_response(200, to_json(account_object(app.settings.urls, request.account())));

  CO_TRY(auto const update, parse_account_update(request.payload));
  auto change = [&](store::WriteTxn& txn) -> Result<Account> {
    auto current = load_account(txn, request.account().id);
    if (!current) return not_found();
    TRY(auto next, update_account(*std::move(current), update));
    save_account(txn, next);
    if (!update.deactivate) return next;
    // 8555-7.3.6-3: what is not being issued at this moment is cancelled.
    for (auto& order : load_open_orders(txn, next.id)) {
      if (order.status == OrderStatus::processing) continue;
      TRY(auto failed, fail_order(std::move(order), Error(Errc::unauthorized, "the account was deactivated")));
      save_order(txn, failed);
    }
    return next;
  };
  CO_TRY(auto const changed, co_await app.db.write(change));
  if (update.deactivate) app.log.info("account.deactivated", {{"account", changed.id}});
  co_return json_response(200, to_json(account_object(app.settings.urls, changed)));
}

}  // namespace lenscap::acme
