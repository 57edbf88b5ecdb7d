// An order, read by its owner (RFC 8555 7.4).
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/objects.h"
#include "acme/server/records.h"

namespace lenscap::acme {

net::Awaitable<Result<net::Response>> order(App& app, SignedRequest const& request) {
  if (!request.is_post_as_get()) co_return Error(Errc::malformed, "an order takes no payload: send an empty one");
  auto load = [&](store::ReadTxn& txn) { return load_order(txn, request.params.at("order"), request.account().id); };
  CO_TRY(auto current, co_await app.db.read(load));
  // The sweeper writes it down later; nobody sees an order that is past its time (8555-7.4-3).
  co_return order_response(app.settings.urls, expire_order(std::move(current), request.now));
}

}  // namespace lenscap::acme
