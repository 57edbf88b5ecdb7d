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
  if ((from.empty() && !request.query.empty()) || from.size() > 64) co_return not_found();  // no URL of ours
  auto load = [&](store::ReadTxn& txn) { return list_orders(txn, id, from, kOrdersPerPage, request.now); };
  auto const page = co_await app.db.read(load);

  auto const& urls = app.settings.urls;
  std::vector<std::string> orders;
  orders.reserve(page.orders.size());
  for (auto const& order : page.orders) orders.push_back(urls.order(order));
  auto response = json_response(200, orders_list_to_json(orders));
  if (page.next) add_link(response, urls.orders(id) + "?" + std::string(kFrom) + *page.next, names::kRelNext);
  co_return response;
}

}  // namespace lenscap::acme
