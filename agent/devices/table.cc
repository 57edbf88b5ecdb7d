#include "agent/devices/table.h"

#include "agent/devices/axis_rest.h"
#include "agent/devices/axis_soap.h"
#include "agent/devices/shared/probe.h"
#include "agent/verify_served.h"

namespace lenscap::agent {

namespace {

constexpr DriverRow kDrivers[] = {
    // name       asked by
    {"axis_rest", open_axis_rest},  // /config/discover; first, because it can do more and newer firmware speaks both
    {"axis_soap", open_axis_soap},  // GetWebServerTlsConfiguration
};

}  // namespace

std::span<DriverRow const> driver_rows() { return kDrivers; }

net::Awaitable<DeviceResult<std::unique_ptr<Driver>>> open_driver(std::unique_ptr<Connection> connection,
                                                                  Identity identity) {
  for (DriverRow const& row : kDrivers) {
    auto driver = co_await row.open(connection, identity);
    if (!driver.ok()) co_return std::move(driver).error();
    if (*driver != nullptr) co_return *std::move(driver);
  }
  co_return DeviceError(DeviceErrc::no_driver, "firmware " + identity.firmware +
                                                   " has no interface for certificates that we know (Axis devices "
                                                   "need 5.70 or newer)");
}

namespace {

class RealDeviceAccess final : public DeviceAccess {
 public:
  RealDeviceAccess(net::HttpClient& http, Clock const& clock, DeviceTimeouts timeouts)
      : http_(http), clock_(clock), timeouts_(timeouts) {}

  net::Awaitable<DeviceResult<FirstLook>> look(Endpoint endpoint) final {
    return look_at(http_, clock_, std::move(endpoint), timeouts_.look);
  }

  net::Awaitable<DeviceResult<Identity>> identify(Endpoint endpoint, Login& login, Trust trust) final {
    Connection connection(http_, clock_, std::move(endpoint), login, std::move(trust), timeouts_);
    std::string const any_serial;
    co_return co_await read_identity(connection, any_serial);
  }

  net::Awaitable<DeviceResult<std::unique_ptr<Driver>>> open(Endpoint endpoint, Login& login, Trust trust,
                                                             std::string expected_serial) final {
    auto connection =
        std::make_unique<Connection>(http_, clock_, std::move(endpoint), login, std::move(trust), timeouts_);
    CO_TRY(auto identity, co_await read_identity(*connection, std::move(expected_serial)));
    co_return co_await open_driver(std::move(connection), std::move(identity));
  }

  net::Awaitable<DeviceResult<Served>> verify_served(Endpoint endpoint, ServedExpectation expected,
                                                     Driver* driver) final {
    return agent::verify_served(http_, clock_, std::move(endpoint), std::move(expected), driver);
  }

 private:
  net::HttpClient& http_;
  Clock const& clock_;
  DeviceTimeouts timeouts_;
};

}  // namespace

std::unique_ptr<DeviceAccess> make_device_access(net::HttpClient& http, Clock const& clock, DeviceTimeouts timeouts) {
  return std::make_unique<RealDeviceAccess>(http, clock, timeouts);
}

}  // namespace lenscap::agent
