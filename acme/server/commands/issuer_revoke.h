// lenscap-ca issuer revoke.
#pragma once

#include "acme/server/commands/commands.h"

namespace lenscap::acme {

void add_issuer_revoke(CLI::App& issuer, CommandLine& line);

}  // namespace lenscap::acme
