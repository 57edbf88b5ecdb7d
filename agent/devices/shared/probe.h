// Who is there? Without login (hints for a person), and with login (what the inventory believes).
#pragma once

#include "agent/devices/shared/axis_text.h"
#include "agent/devices/shared/connection.h"

namespace lenscap::agent {

// See DeviceAccess::look.
net::Awaitable<DeviceResult<FirstLook>> look_at(net::HttpClient& http, Clock const& clock, Endpoint endpoint,
                                                std::chrono::milliseconds timeout);

// Logs in and reads who it is. needs_setup for factory state, busy_timeout while it boots, unsupported when it is no
// Axis device. When `expected_serial` is not empty, another one is wrong_device; over plain HTTP already its realm is
// compared, before the login.
net::Awaitable<DeviceResult<Identity>> read_identity(Connection& connection, std::string expected_serial);

// The serial number alone, with login.
net::Awaitable<DeviceResult<std::string>> read_serial_number(Connection& connection);

// param.cgi for groups "A,B".
net::Awaitable<DeviceResult<axis::Params>> read_params(Connection& connection, std::string groups);

}  // namespace lenscap::agent
