// The challenge object (RFC 8555 7.1.5, 8) and the answer that a client posts to it (7.5.1).
#pragma once

#include <optional>
#include <string>

#include "acme/wire/status.h"
#include "base/json.h"
#include "base/time.h"

namespace lenscap::acme {

struct ChallengeObject {
  std::string type = {};  // "http-01"; types that we do not know are kept as text
  std::string url = {};   // where the client posts its response
  ChallengeStatus status = ChallengeStatus::pending;
  std::string token = {};              // empty for types without one; NOT checked here: see is_token
  std::optional<Time> validated = {};  // required when valid (8555-8-1)
  std::optional<Error> error = {};     // the last failure (8555-8.2-1)
};
json::Object to_json(ChallengeObject const& challenge);
Result<ChallengeObject> read_challenge(json::Object const& object);
Result<ChallengeObject> parse_challenge(std::string_view body);

// The response to a challenge is an object; every member of it is ignored (8555-7.5.1-1). Anything else is
// Errc::malformed (8555-7.5.1-2).
Result<> parse_challenge_response(std::string_view payload);

}  // namespace lenscap::acme
