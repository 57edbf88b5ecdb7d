// What a server that runs cannot take from settings that changed. Pure.
#pragma once

#include <string>
#include <vector>

#include "acme/server/settings.h"

namespace lenscap::acme {

// The names of what differs and is bound to what a reload leaves as it is: the sockets and their limits, the store, and
// where the signer is. In the order of ca.toml; empty: all that differs can be taken.
std::vector<std::string> fixed_until_restart(Settings const& now, Settings const& wanted);

}  // namespace lenscap::acme
