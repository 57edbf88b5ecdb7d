// The request revokeCert (RFC 8555 7.6).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"

namespace lenscap::acme {

struct RevocationRequest {
  Bytes certificate = {};                   // DER, not looked into
  std::optional<std::int64_t> reason = {};  // as sent: which codes exist and which are taken is for others to say

  bool operator==(RevocationRequest const&) const = default;
};

// Unknown members are ignored. Errc::malformed: no `certificate` in base64url without padding, or a `reason` that is no
// whole number.
Result<RevocationRequest> parse_revocation(std::string_view payload);
json::Object to_json(RevocationRequest const& request);

}  // namespace lenscap::acme
