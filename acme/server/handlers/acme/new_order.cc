// newOrder (RFC 8555 7.4): load, decide and save in one transaction.
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/objects.h"
#include "acme/server/records.h"
#include "acme/server/renewals.h"
#include "acme/server/respond.h"

namespace lenscap::acme {

// A good one has 55 characters.
constexpr std::size_t kReplacesLogged = 128;

net::Awaitable<Result<net::Response>> new_order(App& app, SignedRequest const& request) {
  CO_TRY(auto const wish, parse_new_order(request.payload));
  auto create = [&](store::WriteTxn& txn) -> Result<NewOrder> {
    auto const account = load_account(txn, request.account().id);
    if (!account) return not_found();
    CHECK_OK(check_valid(*account));
    TRY(auto const scope, load_scope(txn, *account, app.policy));
    auto context = load_order_context(txn, *account, scope, wish.identifiers, request.now);
    if (wish.replaces) context.predecessor = load_predecessor(txn, *wish.replaces, request.now);
    TRY(auto made, acme::new_order(*account, scope, wish, context, app.policy, request.now));
    create_order(txn, made);
    return made;
  };
  CO_TRY(auto const made, co_await app.db.write(create));
  auto const& order = made.order;
  app.log.info("order.created", {{"order", order.id},
                                 {"account", order.account_id},
                                 {"names", to_name_set(order.identifiers).text()},
                                 {"status", to_string(order.status)}});
  if (!made.replaces_ignored.empty())
    app.log.info("order.replaces_ignored", {{"order", order.id},
                                            {"account", order.account_id},
                                            {"replaces", wish.replaces->substr(0, kReplacesLogged)},
                                            {"why", made.replaces_ignored}});
  auto response = order_response(app.settings.urls, order);
  response.status = 201;
  add_location(response, app.settings.urls.order(order.id));  // 8555-7.4-1
  co_return response;
}

}  // namespace lenscap::acme
