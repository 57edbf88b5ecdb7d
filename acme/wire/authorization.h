// The authorization object (RFC 8555 7.1.4), the request for one beforehand (7.4.1), and its one update, deactivation
// (7.5.2).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/wire/challenge.h"
#include "acme/wire/identifier.h"

namespace lenscap::acme {

struct AuthorizationObject {
  Identifier identifier;  // never a wildcard (8555-7.1.4-3)
  AuthorizationStatus status = AuthorizationStatus::pending;
  std::optional<Time> expires = {};  // required when valid (8555-7.1.4-1)
  bool wildcard = false;             // written only when true
  std::vector<ChallengeObject> challenges =
      {};  // offered ones while pending, the decisive one afterwards (8555-7.1.4-4)
};
json::Object to_json(AuthorizationObject const& authorization);
Result<AuthorizationObject> parse_authorization(std::string_view body);

// newAuthz's payload {"identifier": {...}} (7.4.1). A type that we do not know, or a value that cannot be read, is
// named as in a refused order (8555-7.4-4).
Result<Identifier> parse_new_authz(std::string_view payload);
json::Object new_authz_to_json(Identifier const& identifier);

// {"status":"deactivated"}; anything else is Errc::malformed.
Result<> parse_deactivation(std::string_view payload);
json::Object deactivation_to_json();

}  // namespace lenscap::acme
