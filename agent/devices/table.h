// The drivers there are, in the order in which they are tried. A new one: a file beside this, and a row in table.cc.
#pragma once

#include <span>

#include "agent/devices/shared/connection.h"

namespace lenscap::agent {

struct DriverRow {
  std::string_view name;
  // nullptr: the device does not speak this. On success the connection is taken.
  net::Awaitable<DeviceResult<std::unique_ptr<Driver>>> (*open)(std::unique_ptr<Connection>& connection,
                                                                Identity const& identity);
};

std::span<DriverRow const> driver_rows();

// The first row that answers; unsupported when none does.
net::Awaitable<DeviceResult<std::unique_ptr<Driver>>> open_driver(std::unique_ptr<Connection> connection,
                                                                  Identity identity);

// The door with the real drivers behind it. Both outlive it.
std::unique_ptr<DeviceAccess> make_device_access(net::HttpClient& http, Clock const& clock,
                                                 DeviceTimeouts timeouts = {});

}  // namespace lenscap::agent
