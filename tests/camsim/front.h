// The front door of a device: the order of checks (listener allowed by policy, throttle, login, role, then the body),
// the faults of the wire, the common headers, and the journal.
#pragma once

#include <memory>

#include "tests/camsim/device.h"

namespace lenscap::camsim {

void serve_device(std::shared_ptr<Device> device, Request request, Reply reply);

}  // namespace lenscap::camsim
