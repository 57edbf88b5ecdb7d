// A request as a value, from octets that are whole.
#pragma once

#include <optional>
#include <string_view>

#include "base/net/framing.h"
#include "base/net/http.h"

namespace lenscap::net {

// `wire` is one request of which `gate` has seen every octet. Beast reads what the gate has let through; where the two
// do not see the same request, nobody knows what the client meant: nothing. Who asks (id, peer, TLS) is left to the
// caller.
std::optional<Request> parse_request(std::string_view wire, RequestGate const& gate, FramingLimits const& limits);

}  // namespace lenscap::net
