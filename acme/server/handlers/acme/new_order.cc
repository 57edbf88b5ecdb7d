// newOrder (RFC 8555 7.4): load, decide and save in one transaction.
#include <algorithm>

#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/objects.h"
#include "acme/server/records.h"
#include "acme/server/renewals.h"
#include "acme/server/respond.h"
#include "acme/server/scope_issuer.h"
#include "ca/audit_break.h"

namespace lenscap::acme {

// A good one has 55 characters.
constexpr std::size_t kReplacesLogged = 128;

namespace {

// What rate limits have against an order. Asked before its transaction, which may run more than once and looks at
// nothing but the store.
struct Held {
  std::optional<Error> order;                             // unless it is a renewal in its time
  std::vector<std::pair<Identifier, Error>> proofs = {};  // of these names: they may be granted or reused, not proved

  Error const* proof_of(Authorization const& authorization) const {
    if (authorization.status != AuthorizationStatus::pending) return nullptr;
    auto const it = std::ranges::find(proofs, authorization.identifier, &std::pair<Identifier, Error>::first);
    return it == proofs.end() ? nullptr : &it->second;
  }
};

Held find_held(App& app, std::string const& account, NewOrderRequest const& wish, Time now) {
  Held held;
  if (wish.identifiers.size() > app.policy.identifiers_max) return held;  // refused for that
  if (auto may = app.limits.may_order(account, wish.identifiers, now); !may) held.order = std::move(may).error();
  for (auto const& identifier : wish.identifiers)
    if (auto may = app.limits.may_validate(account, identifier, now); !may)
      held.proofs.emplace_back(identifier.base(), std::move(may).error());
  return held;
}

}  // namespace

net::Awaitable<Result<net::Response>> new_order(App& app, SignedRequest const& request) {
  CO_TRY(auto const wish, parse_new_order(request.payload));
  CO_CHECK_OK(app.room.may_begin());
  auto const& profile = wish.profile ? *wish.profile : app.authority->default_profile().name;
  CO_CHECK_OK(app.authority->check_not_revoked(profile, to_name_set(wish.identifiers), request.now));
  auto const held = find_held(app, request.account().id, wish, request.now);
  if (held.order && !wish.replaces) co_return *held.order;  // without troubling the store
  auto create = [&](store::WriteTxn& txn) -> Result<NewOrder> {
    CHECK_OK(ca::check_no_audit_break(txn));
    auto const account = load_account(txn, request.account().id);
    if (!account) return not_found();
    CHECK_OK(check_valid(*account));
    TRY(auto const scope, load_scope(txn, *account, app.policy));
    auto context = load_order_context(txn, *account, scope, wish.identifiers, request.now);
    TRY(context.issuer, reach_of(scope, *app.authority, request.now));
    if (wish.replaces) context.predecessor = load_predecessor(txn, *app.authority, *wish.replaces, request.now);
    TRY(auto made, acme::new_order(*account, scope, wish, context, app.policy, request.now));
    CHECK_OK(check_scope_issuer(scope, made.order.profile, made.order.identifiers, *app.authority, request.now));
    if (held.order && !made.is_timely_renewal) return *held.order;
    for (auto const& authorization : made.created)
      if (auto const* why = held.proof_of(authorization)) return *why;
    create_order(txn, made);
    return made;
  };
  auto const created = co_await app.db.write(create);
  if (!created) {
    if (auto const code = created.error().code(); code == Errc::unavailable || code == Errc::no_issuer)
      app.log.warning("order.put_off", {{"account", request.account().id}, {"error", created.error().detail()}});
    co_return created.error();
  }
  auto const& made = *created;
  auto const& order = made.order;
  if (!made.is_timely_renewal) app.limits.order_made(order.account_id, order.identifiers, request.now);
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
