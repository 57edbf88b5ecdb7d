// Where a validator may connect. Contacted is only an address that was looked at first, so a name cannot change its
// mind between the check and the connection (8555-10.4-1).
#pragma once

#include <vector>

#include "acme/server/resolver.h"
#include "acme/server/validator.h"

namespace lenscap::acme {

// The addresses of a host that may be contacted, IPv6 first (8555-8.3-1), at most kTargets; never empty. An address
// stands for itself, without DNS (8738-4-1). Errc::dns, or Errc::connection when there is none that may be contacted.
constexpr std::size_t kTargets = 4;
net::Awaitable<Result<std::vector<x509::IpAddress>>> find_targets(ValidationTools& tools, Identifier host,
                                                                  Resolver::Deadline deadline);

// What is left, at least a millisecond, and never more than `most`.
std::chrono::milliseconds time_left(Resolver::Deadline deadline, std::chrono::milliseconds most);

// When an address gives no connection in this time, the next gets its turn.
constexpr std::chrono::milliseconds kConnectTimeout{4000};

}  // namespace lenscap::acme
