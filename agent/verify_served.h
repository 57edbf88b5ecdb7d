// What does a device serve, and is it what we expect? Fresh TLS connections, by our own eyes: key, chain, names, time,
// and then the serial number over exactly that trust.
#pragma once

#include "agent/device.h"
#include "base/net/http_client.h"

namespace lenscap::agent {

// One handshake's certificates against the expectation: everything but the serial number. Pure.
Served judge_served(ServedExpectation const& expected, std::vector<x509::Certificate> chain, Time now);

// See DeviceAccess::verify_served. `driver` reads the serial; nullptr: the serial is not read, and an expectation with
// one is then not met.
net::Awaitable<DeviceResult<Served>> verify_served(net::HttpClient& http, Clock const& clock, Endpoint endpoint,
                                                   ServedExpectation expected, Driver* driver);

}  // namespace lenscap::agent
