// The validity that a client may ask for (RFC 8555 7.4 notBefore, notAfter): inside what the profile would give anyway,
// never wider.
#pragma once

#include <optional>

#include "acme/flow/policy.h"

namespace lenscap::acme {

struct AskedValidity {
  std::optional<Time> not_before = {};
  std::optional<Time> not_after = {};

  bool operator==(AskedValidity const&) const = default;
};

// `ordered` is the moment of the newOrder request: what was accepted then holds until the order ends, although the
// profile's own window moves on. `now` is later when it is asked again at finalize.
//   Errc::malformed  saying what would be accepted (8555-7.4-2)
Result<> check_validity(AskedValidity const& asked, ProfileRule const& profile, IssuerReach const& issuer, Time ordered,
                        Time now);

}  // namespace lenscap::acme
