// The frame around commands that change issuers, roots, lists of roots and keys beside the server: who ran them is in
// the audit trail.
#pragma once

#include <functional>
#include <string>

#include "acme/server/audit_changes.h"
#include "acme/server/commands/commands.h"

namespace lenscap::acme {

// Runs it, and leaves an entry of what is not as it was before, also when it was refused half-way. What is done stays
// done where the trail cannot be written: a warning says so, and the exit code (attention). Where there is no
// store yet none is made, and the first entries of the server tell of everything.
// `command`: "issuer create". `otherwise`: asked afterwards, where nothing can be seen here, what to tell all the same,
// as of a root's key that lies on a medium.
Result<ExitCode> on_record(CommandLine const& line, std::string const& command,
                           std::function<Result<ExitCode>()> const& run,
                           std::function<Inventory()> const& otherwise = {});

}  // namespace lenscap::acme
