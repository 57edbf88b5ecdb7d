// The list of an account's orders, in pages (RFC 8555 7.1.2.1).
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/records.h"
#include "acme/server/respond.h"
#include "acme/wire/account.h"
#include "acme/wire/names.h"

namespace lenscap::acme {

constexpr std::size_t kOrdersPerPage = 100;

net::Awaitable<Result<net::Response>> orders(App& app, SignedRequest const& request) {
  auto const& id = request.account().id;
  if (request.params.at("account") != id) co_return not_found();
  if (!request.is_post_as_get())
    co_return Error(Errc::malformed, "the list of orders takes no payload: send an empty one");

  constexpr std::string_view kFrom = "from=";  // the first order of a page
  std::string from;
  if (request.query.starts_with(kFrom)) from = request.query.substr(kFrom.size());
  if (from.size() > 64) co_return not_found();
  auto load = [&](store::ReadTxn& txn) { return list_orders(txn, id, from, kOrdersPerPage + 1); };
  auto ids = co_await app.db.read(load);

  std::optional<std::string> next;
  if (ids.size() > kOrdersPerPage) {
    next = app.settings.urls.orders(id) + "?" + std::string(kFrom) + ids.back();
    ids.pop_back();
  }
  std::vector<std::string> urls;
  urls.reserve(ids.size());
  for (auto const& order_id : ids) urls.push_back(app.settings.urls.order(order_id));
  auto response = json_response(200, orders_list_to_json(urls));
  if (next) add_link(response, *next, names::kRelNext);
  co_return response;
}

}  // namespace lenscap::acme
