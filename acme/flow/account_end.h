// What ends together with an account (RFC 8555 7.3.6), whether its owner deactivates it or the server revokes it.
#pragma once

#include <vector>

#include "acme/flow/authorization.h"
#include "acme/flow/order_rules.h"

namespace lenscap::acme {

struct EndedOrder {
  Order order;
  std::vector<Authorization> authorizations = {};  // those that changed: they were pending
};

// An open order of an account that ends, with its authorizations: the order is invalid for the reason `why`, and
// nothing is validated for it any more (8555-7.3.6-3). An order that is `processing` stays: its serial number is on
// record, and its certificate is issued or not, but not forgotten. One that is final stays too. Certificates are not
// touched.
EndedOrder end_order(Order order, std::vector<Authorization> authorizations, Error why);

}  // namespace lenscap::acme
