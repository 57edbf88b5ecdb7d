#include "acme/server/objects.h"

#include <algorithm>

#include "acme/server/respond.h"
#include "acme/server/validation.h"
#include "acme/wire/names.h"

namespace lenscap::acme {
namespace {

// A validation takes some milliseconds, or until a deadline of ten seconds; a signature less.
constexpr Seconds kAskAgain{2};

bool is_running(Challenge const& challenge) { return challenge.status == ChallengeStatus::processing; }

// Beyond the next attempt, when one has failed: the status will not change before (8555-8.2-1).
Seconds ask_again(Challenge const& challenge) {
  return challenge.error ? Validation::kRetryPause + kAskAgain : kAskAgain;
}

}  // namespace

AccountObject account_object(Urls const& urls, Account const& account) {
  AccountObject object;
  object.status = account.status;
  object.contact = account.contact;
  object.terms_of_service_agreed = account.terms_of_service_agreed;
  object.external_account_binding = account.external_account_binding;
  object.orders = urls.orders(account.id);
  return object;
}

OrderObject order_object(Urls const& urls, Order const& order) {
  OrderObject object;
  object.status = order.status;
  object.expires = order.expires;
  object.identifiers = order.identifiers;
  object.not_before = order.validity.not_before;
  object.not_after = order.validity.not_after;
  object.profile = order.profile;
  object.replaces = order.replaces;
  object.error = order.error;
  for (auto const& id : order.authorizations) object.authorizations.push_back(urls.authorization(id));
  object.finalize = urls.finalize(order.id);
  if (order.status == OrderStatus::valid) object.certificate = urls.certificate(order.certificate);
  return object;
}

ChallengeObject challenge_object(Urls const& urls, Authorization const& authorization, Challenge const& challenge) {
  ChallengeObject object;
  object.type = challenge.type;
  object.url = urls.challenge(authorization.id, challenge.id);
  object.status = challenge.status;
  object.token = challenge.token;
  object.validated = challenge.validated;
  object.error = challenge.error;
  return object;
}

AuthorizationObject authorization_object(Urls const& urls, Authorization const& authorization) {
  AuthorizationObject object{.identifier = authorization.identifier, .expires = std::nullopt, .challenges = {}};
  object.status = authorization.status;
  object.expires = authorization.expires;
  object.wildcard = authorization.wildcard;
  // All that are offered while pending, afterwards the one that decided (8555-7.1.4-4).
  auto const decisive = authorization.status == AuthorizationStatus::valid     ? ChallengeStatus::valid
                        : authorization.status == AuthorizationStatus::invalid ? ChallengeStatus::invalid
                                                                               : ChallengeStatus::pending;
  for (auto const& challenge : authorization.challenges)
    if (decisive == ChallengeStatus::pending || challenge.status == decisive)
      object.challenges.push_back(challenge_object(urls, authorization, challenge));
  return object;
}

net::Response order_response(Urls const& urls, Order const& order) {
  auto response = json_response(200, to_json(order_object(urls, order)));
  if (order.status == OrderStatus::processing) add_retry_after(response, kAskAgain);
  return response;
}

Authorization show_running(Validation& validation, Authorization authorization) {
  if (authorization.status != AuthorizationStatus::pending) return authorization;
  for (auto& challenge : authorization.challenges)
    if (challenge.status == ChallengeStatus::pending && validation.is_running(authorization.id, challenge.id))
      challenge.status = ChallengeStatus::processing;
  return authorization;
}

net::Response authorization_response(Urls const& urls, Authorization const& authorization) {
  auto response = json_response(200, to_json(authorization_object(urls, authorization)));
  auto const running = std::find_if(authorization.challenges.begin(), authorization.challenges.end(), is_running);
  if (running != authorization.challenges.end()) add_retry_after(response, ask_again(*running));
  return response;
}

net::Response challenge_response(Urls const& urls, Authorization const& authorization, Challenge const& challenge) {
  auto response = json_response(200, to_json(challenge_object(urls, authorization, challenge)));
  add_link(response, urls.authorization(authorization.id), names::kRelUp);  // 8555-7.5.1-3
  if (is_running(challenge)) add_retry_after(response, ask_again(challenge));
  return response;
}

}  // namespace lenscap::acme
