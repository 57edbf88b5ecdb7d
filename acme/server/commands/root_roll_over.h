// The commands below `lenscap-ca root` for a root that follows another: roll-over, status.
#pragma once

#include "acme/server/commands/commands.h"

namespace lenscap::acme {

void add_root_roll_over(CLI::App& root, CommandLine& line);

}  // namespace lenscap::acme
