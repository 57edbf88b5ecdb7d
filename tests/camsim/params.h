// The parameter tree as param.cgi shows it: fixed values of the generation, values that were set, and live ones that
// mirror the state (HTTPS, host name, policies).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/camsim/device.h"

namespace lenscap::camsim {

using Parameter = std::pair<std::string, std::string>;  // name without "root.", value
std::vector<Parameter> parameters_of(Device const& device);

enum class Update { done, restart, refused };
// Sets one parameter; `restart` when the web server has to take the change up.
Update update_parameter(Device& device, std::string const& name, std::string const& value);

}  // namespace lenscap::camsim
