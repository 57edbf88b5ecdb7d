// What does a device serve, and is it what we expect? Fresh TLS connections, by our own eyes: key, chain, names, time,
// and then the serial number over exactly that trust.
#pragma once

#include <chrono>

#include "agent/device.h"
#include "base/net/http_client.h"

namespace lenscap::agent {

// How long to go on looking: what answers may be wrong for `until` since it first answered, and nothing may answer for
// `until_away` in all. Pure.
class Patience {
 public:
  explicit Patience(ServedExpectation const& expected) : until_(expected.until), until_away_(expected.until_away) {}
  bool is_over(bool reached, std::chrono::milliseconds since_begun);

 private:
  Seconds until_;
  Seconds until_away_;
  std::optional<std::chrono::milliseconds> first_reached_;
};

// One handshake's certificates against the expectation: everything but the serial number. Pure.
Served judge_served(ServedExpectation const& expected, std::vector<x509::Certificate> chain, Time now);

// See DeviceAccess::verify_served. `driver` reads the serial; nullptr: the serial is not read, and an expectation with
// one is then not met.
net::Awaitable<DeviceResult<Served>> verify_served(net::HttpClient& http, Clock const& clock, Endpoint endpoint,
                                                   ServedExpectation expected, Driver* driver);

}  // namespace lenscap::agent
