// Rules for authorizations and challenges (RFC 8555 7.1.6, 7.5, 8): a client's response, a validation's outcome, and
// what follows for the authorization and for every order that waits for it, as one value to be saved in one
// transaction.
//
//   challenge      pending -> processing -> valid | invalid
//   authorization  pending -> valid | invalid | deactivated | expired     valid -> deactivated | expired | revoked
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/flow/order_rules.h"

namespace lenscap::acme {

struct Accepted {
  Authorization authorization;
  bool start_validation = false;  // false: the challenge was running or done already; nothing changed
};

// The client says that a challenge can be checked. Doing so again is harmless, also when all is over (8555-7.5.1-3).
// Errc::not_found: no such challenge, or the authorization's time has passed.
Result<Accepted> accept_challenge(Authorization authorization, std::string_view challenge_id, Time now);

// An order that waits for an authorization, with all of its authorizations as they were before the outcome.
struct WaitingOrder {
  Order order;
  std::vector<Authorization> authorizations = {};
};

struct Recorded {
  Authorization authorization;
  std::vector<Order> orders = {};  // only those that changed
  bool try_again = false;          // the attempt failed, but not the challenge: another attempt is due
};

// What one attempt of validation said. Success: challenge valid, authorization valid until `now` + proved_lifetime, and
// orders ready as far as nothing else is missing (8555-7.5.1-7). Failure: the error is kept in the challenge (8555-8-1,
// 8555-8.2-1); after policy.validation_attempts of them challenge, authorization and orders are invalid.
// An outcome that comes too late (authorization or challenge not waiting any more) changes nothing.
// Errc::not_found: no such challenge.
Result<Recorded> record_outcome(Authorization authorization, std::string_view challenge_id, Result<> const& outcome,
                                std::vector<WaitingOrder> const& waiting, Policy const& policy, Time now);

// The owner gives it up (8555-7.5.2-1): from pending or valid; one that is deactivated stays so. Errc::malformed from
// any other status. Orders that are not claimed yet become invalid.
Result<Recorded> deactivate_authorization(Authorization authorization, std::vector<WaitingOrder> const& waiting,
                                          Time now);
// The server takes it back: valid -> revoked; any other stays.
Recorded revoke_authorization(Authorization authorization, std::vector<WaitingOrder> const& waiting, Time now);
// pending or valid, and past its time: expired; any other stays.
Authorization expire_authorization(Authorization authorization, Time now);

}  // namespace lenscap::acme
