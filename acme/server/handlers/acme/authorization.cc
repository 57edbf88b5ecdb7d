// An authorization: read, or given up by its owner (RFC 8555 7.5, 7.5.2).
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/objects.h"
#include "acme/server/records.h"

namespace lenscap::acme {

net::Awaitable<Result<net::Response>> authorization(App& app, SignedRequest const& request) {
  auto const& id = request.params.at("authorization");
  auto const& owner = request.account().id;
  if (request.is_post_as_get()) {
    auto load = [&](store::ReadTxn& txn) { return load_authorization(txn, id, owner); };
    CO_TRY(auto current, co_await app.db.read(load));
    if (current.status == AuthorizationStatus::pending) {
      co_await app.validation.wait_for_outcome(id);
      CO_TRY(current, co_await app.db.read(load));
    }
    auto const shown = show_running(app.validation, expire_authorization(std::move(current), request.now));
    co_return authorization_response(app.settings.urls, shown);
  }

  CO_CHECK_OK(parse_deactivation(request.payload));
  auto deactivate = [&](store::WriteTxn& txn) -> Result<Recorded> {
    TRY(auto current, load_authorization(txn, id, owner));
    auto const users = load_users(txn, current);
    TRY(auto recorded, deactivate_authorization(std::move(current), users, request.now));
    save_recorded(txn, recorded);
    return recorded;
  };
  CO_TRY(auto const recorded, co_await app.db.write(deactivate));
  app.log.info("authorization.deactivated", {{"authorization", id}, {"account", owner}});
  co_return authorization_response(app.settings.urls, recorded.authorization);
}

}  // namespace lenscap::acme
