// Axis devices from firmware 5.70 on by the certificate service at /vapix/services: RSA-2048 keys of the device's own
// choice, a CSR with a common name and no alternative names (the CA takes the names from the order).
#pragma once

#include "agent/devices/shared/axis_driver.h"

namespace lenscap::agent {

// nullptr: the device does not answer this way; `connection` is then as it was. Otherwise it is taken.
net::Awaitable<DeviceResult<std::unique_ptr<Driver>>> open_axis_soap(std::unique_ptr<Connection>& connection,
                                                                     Identity const& identity);

}  // namespace lenscap::agent
