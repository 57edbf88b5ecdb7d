// Axis devices from AXIS OS 11.6 on by the Device Configuration API: key type and keystore of our choice, names in the
// CSR, and a certificate that replaces only one of the same key. The web server's certificate is still chosen by SOAP.
#pragma once

#include "agent/devices/shared/axis_driver.h"

namespace lenscap::agent {

// nullptr: the device does not answer this way; `connection` is then as it was. Otherwise it is taken.
net::Awaitable<DeviceResult<std::unique_ptr<Driver>>> open_axis_rest(std::unique_ptr<Connection>& connection,
                                                                     Identity const& identity);

}  // namespace lenscap::agent
