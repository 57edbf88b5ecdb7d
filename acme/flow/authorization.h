// Authorizations and their challenges as the server keeps them (RFC 8555 7.1.4, 7.1.5). Values only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/wire/identifier.h"
#include "acme/wire/status.h"
#include "base/time.h"

namespace lenscap::acme {

struct Challenge {
  std::string id = {};  // unique within its authorization
  std::string type = {};
  std::string token = {};
  ChallengeStatus status = ChallengeStatus::pending;
  std::optional<Time> validated = {};
  std::optional<Error> error = {};  // of the last attempt, also while it is retried (8555-8.2-1)
  int attempts = 0;                 // that failed

  bool operator==(Challenge const&) const = default;
};

struct Authorization {
  std::string id = {};
  std::string account_id = {};
  Identifier identifier;  // never a wildcard
  bool wildcard = false;
  AuthorizationStatus status = AuthorizationStatus::pending;
  Time created{};
  Time expires{};
  std::vector<Challenge> challenges = {};
  std::string granted = {};  // for the record: why it was born valid; empty when it is to be proved

  bool operator==(Authorization const&) const = default;
};

// An authorization that an order made is named after it: the order's id, a full stop and a number from 1. So it is
// found beside its order, and belongs to no other as long as it is pending. One that newAuthz made has an id alone.
std::string authorization_id(std::string_view order_id, std::size_t number);
std::string_view order_of(std::string_view authorization_id);  // empty when newAuthz made it

// The identifier as an order names it: with "*." for a wildcard.
Identifier ordered_identifier(Authorization const& authorization);

Challenge const* find_challenge(Authorization const& authorization, std::string_view challenge_id);

}  // namespace lenscap::acme
