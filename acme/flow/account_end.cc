#include "acme/flow/account_end.h"

namespace lenscap::acme {

EndedOrder end_order(Order order, std::vector<Authorization> authorizations, Error why) {
  if (order.status != OrderStatus::pending && order.status != OrderStatus::ready) return {std::move(order), {}};
  EndedOrder ended{std::move(order), {}};
  ended.order.status = OrderStatus::invalid;
  ended.order.error = std::move(why);
  for (auto& authorization : authorizations) {
    if (authorization.status != AuthorizationStatus::pending) continue;
    authorization.status = AuthorizationStatus::deactivated;
    ended.authorizations.push_back(std::move(authorization));
  }
  return ended;
}

}  // namespace lenscap::acme
