// newAuthz (RFC 8555 7.4.1): an authorization before there is an order for it.
#include "acme/flow/settle.h"
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/objects.h"
#include "acme/server/records.h"
#include "acme/server/respond.h"
#include "acme/server/scope_issuer.h"

namespace lenscap::acme {

net::Awaitable<Result<net::Response>> new_authz(App& app, SignedRequest const& request) {
  CO_TRY(auto const identifier, parse_new_authz(request.payload));
  CO_CHECK_OK(app.room.may_begin());
  auto const may_prove = app.limits.may_validate(request.account().id, identifier, request.now);
  auto create = [&](store::WriteTxn& txn) -> Result<Settled> {
    auto const account = load_account(txn, request.account().id);
    if (!account) return not_found();
    CHECK_OK(check_valid(*account));
    TRY(auto const scope, load_scope(txn, *account, app.policy));
    auto context = load_authz_context(txn, *account, identifier, request.now);
    TRY(context.issuer, reach_of(scope, *app.authority, request.now));
    TRY(auto settled, acme::new_authz(*account, scope, identifier, context, app.policy, request.now));
    if (settled.is_new && settled.authorization.status == AuthorizationStatus::pending) CHECK_OK(may_prove);
    if (settled.is_new) create_authorization(txn, settled.authorization);
    return settled;
  };
  CO_TRY(auto const settled, co_await app.db.write(create));
  auto const& authorization = settled.authorization;
  if (settled.is_new)
    app.log.info("authorization.created", {{"authorization", authorization.id},
                                           {"account", authorization.account_id},
                                           {"identifier", authorization.identifier.value()},
                                           {"status", to_string(authorization.status)}});
  // 201 also for one that was there already: stock clients take nothing else here.
  auto response = authorization_response(app.settings.urls, authorization);
  response.status = 201;
  add_location(response, app.settings.urls.authorization(authorization.id));  // 8555-7.4.1-4
  co_return response;
}

}  // namespace lenscap::acme
