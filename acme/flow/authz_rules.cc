#include "acme/flow/authz_rules.h"

#include <algorithm>

namespace lenscap::acme {
namespace {

Error no_such_challenge() { return Error(Errc::not_found, "there is no such challenge"); }

Challenge* find_in(Authorization& authorization, std::string_view challenge_id) {
  auto const it = std::find_if(authorization.challenges.begin(), authorization.challenges.end(),
                               [&](auto const& challenge) { return challenge.id == challenge_id; });
  return it != authorization.challenges.end() ? &*it : nullptr;
}

// 8555-7.1.4-4: once it is decided, an authorization shows the challenge that decided it.
void keep_only(Authorization& authorization, std::string_view challenge_id) {
  std::string const kept(challenge_id);  // the view may look into a challenge that moves
  std::erase_if(authorization.challenges, [&](auto const& challenge) { return challenge.id != kept; });
}

// Those of the waiting orders that another status of this authorization changes.
std::vector<Order> carry_over(Authorization const& authorization, std::vector<WaitingOrder> const& waiting, Time now) {
  std::vector<Order> changed;
  for (auto const& [order, authorizations] : waiting) {
    std::vector<Authorization> current = authorizations;
    for (auto& candidate : current) {
      if (candidate.id == authorization.id) candidate = authorization;
    }
    auto next = update_readiness(order, current, now);
    if (next != order) changed.push_back(std::move(next));
  }
  return changed;
}

Recorded recorded(Authorization authorization, std::vector<WaitingOrder> const& waiting, Time now) {
  auto orders = carry_over(authorization, waiting, now);
  return {std::move(authorization), std::move(orders), false};
}

}  // namespace

Result<Accepted> accept_challenge(Authorization authorization, std::string_view challenge_id, Time now) {
  auto* challenge = find_in(authorization, challenge_id);
  if (challenge == nullptr) return no_such_challenge();
  if (authorization.status != AuthorizationStatus::pending || challenge->status != ChallengeStatus::pending) {
    return Accepted{std::move(authorization), false};  // 8555-7.5.1-3
  }
  if (now >= authorization.expires) {
    return Error(Errc::not_found, "the authorization has expired; make a new order");
  }
  challenge->status = ChallengeStatus::processing;
  return Accepted{std::move(authorization), true};
}

Result<Recorded> record_outcome(Authorization authorization, std::string_view challenge_id, Result<> const& outcome,
                                std::vector<WaitingOrder> const& waiting, Policy const& policy, Time now) {
  auto* challenge = find_in(authorization, challenge_id);
  if (challenge == nullptr) return no_such_challenge();
  bool const waits = authorization.status == AuthorizationStatus::pending && now < authorization.expires &&
                     challenge->status == ChallengeStatus::processing;
  if (!waits) return Recorded{std::move(authorization), {}, false};

  if (outcome.ok()) {
    challenge->status = ChallengeStatus::valid;
    challenge->validated = now;  // 8555-8-1
    challenge->error.reset();
    authorization.status = AuthorizationStatus::valid;
    authorization.expires = now + policy.proved_lifetime;  // 8555-7.5.1-4
    keep_only(authorization, challenge_id);
    return recorded(std::move(authorization), waiting, now);
  }
  challenge->error = outcome.error();  // 8555-8.2-1
  ++challenge->attempts;
  if (challenge->attempts < policy.validation_attempts) return Recorded{std::move(authorization), {}, true};
  challenge->status = ChallengeStatus::invalid;
  authorization.status = AuthorizationStatus::invalid;
  keep_only(authorization, challenge_id);  // 8555-7.5.1-5
  return recorded(std::move(authorization), waiting, now);
}

Result<Recorded> deactivate_authorization(Authorization authorization, std::vector<WaitingOrder> const& waiting,
                                          Time now) {
  switch (authorization.status) {
    case AuthorizationStatus::deactivated:
      return Recorded{std::move(authorization), {}, false};
    case AuthorizationStatus::pending:
    case AuthorizationStatus::valid:
      authorization.status = AuthorizationStatus::deactivated;
      return recorded(std::move(authorization), waiting, now);
    case AuthorizationStatus::invalid:
    case AuthorizationStatus::expired:
    case AuthorizationStatus::revoked:
      break;
  }
  return Error(Errc::malformed, "the authorization is " + std::string(to_string(authorization.status)) +
                                    " and cannot be deactivated any more");
}

Recorded revoke_authorization(Authorization authorization, std::vector<WaitingOrder> const& waiting, Time now) {
  if (authorization.status != AuthorizationStatus::valid) return {std::move(authorization), {}, false};
  authorization.status = AuthorizationStatus::revoked;
  return recorded(std::move(authorization), waiting, now);
}

Authorization expire_authorization(Authorization authorization, Time now) {
  bool const is_open =
      authorization.status == AuthorizationStatus::pending || authorization.status == AuthorizationStatus::valid;
  if (is_open && now >= authorization.expires) authorization.status = AuthorizationStatus::expired;
  return authorization;
}

}  // namespace lenscap::acme
