// A device as the control API shows it.
#pragma once

#include "base/json.h"
#include "tests/camsim/device.h"

namespace lenscap::camsim {

json::Object summary(Device const& device);     // who and where it is, and what TLS clients see
json::Object full_state(Device const& device);  // everything but passwords and private keys

}  // namespace lenscap::camsim
