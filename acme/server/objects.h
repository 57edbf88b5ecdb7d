// How orders, authorizations and accounts look to a client: the kept value joined with our URLs.
#pragma once

#include "acme/flow/order_rules.h"
#include "acme/server/urls.h"
#include "acme/wire/account.h"
#include "acme/wire/authorization.h"
#include "acme/wire/order.h"
#include "base/net/http.h"

namespace lenscap::acme {

class Validation;

AccountObject account_object(Urls const& urls, Account const& account);
OrderObject order_object(Urls const& urls, Order const& order);
ChallengeObject challenge_object(Urls const& urls, Authorization const& authorization, Challenge const& challenge);
AuthorizationObject authorization_object(Urls const& urls, Authorization const& authorization);

// As the client has to see it: a challenge whose validation has begun is `processing`, written down or not yet.
Authorization show_running(Validation& validation, Authorization authorization);

// 200 with the object; while something is being worked on, with Retry-After (8555-7.4-9, 8555-8.2-1).
net::Response order_response(Urls const& urls, Order const& order);
net::Response authorization_response(Urls const& urls, Authorization const& authorization);
net::Response challenge_response(Urls const& urls, Authorization const& authorization, Challenge const& challenge);

}  // namespace lenscap::acme
