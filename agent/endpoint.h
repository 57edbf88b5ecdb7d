// Where a device answers. A hint, never an identity: that is its serial number.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace lenscap::agent {

struct Endpoint {
  std::string address;             // IP address or host name, without brackets
  std::uint16_t http_port = 80;    // 0: not used
  std::uint16_t https_port = 443;  // 0: not used
  bool operator==(Endpoint const&) const = default;
};

// "10.0.0.7", "10.0.0.7:8443", "fd00::7", "[fd00::7]:8443", "cam1.example:8443"; the port is that of HTTPS.
// Errc::usage.
Result<Endpoint> parse_endpoint(std::string_view text);

// "10.0.0.7:8443", "[fd00::7]:8443".
inline std::string with_port(std::string const& address, std::uint16_t port) {
  bool is_v6 = address.find(':') != std::string::npos;
  return (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

}  // namespace lenscap::agent
