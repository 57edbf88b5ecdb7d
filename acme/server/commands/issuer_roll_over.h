#pragma once

#include "acme/server/commands/commands.h"

namespace lenscap::acme {

// Adds `issuer roll-over` to `issuer`.
void add_issuer_roll_over(CLI::App& issuer, CommandLine& line);

}  // namespace lenscap::acme
