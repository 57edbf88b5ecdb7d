// The commands below `lenscap-ca issuer` for several issuers: create, list; roll-over is in issuer_roll_over.h.
#pragma once

#include "acme/server/commands/commands.h"

namespace lenscap::acme {

void add_issuers(CLI::App& issuer, CommandLine& line);

}  // namespace lenscap::acme
