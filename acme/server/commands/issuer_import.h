// lenscap-ca issuer import.
#pragma once

#include "acme/server/commands/commands.h"

namespace lenscap::acme {

void add_issuer_import(CLI::App& issuer, CommandLine& line);

}  // namespace lenscap::acme
