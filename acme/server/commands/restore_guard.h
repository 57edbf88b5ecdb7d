// Commands that sign a certificate of a CA, or put an issuer in place, beside the server: the ledger, which refuses to
// issue after a restore that nobody has confirmed, does not see them, so they ask here. Revocation lists and revoking
// are for emergencies, and do not ask.
#pragma once

#include "acme/server/commands/commands.h"

namespace lenscap::acme {

// To be asked before anything is read or changed. Errc::unavailable while a restore waits to be confirmed (ca/gap.h),
// with what to do. Where there is no store yet nothing was restored.
Result<> check_restore_confirmed(CommandLine const& line);

}  // namespace lenscap::acme
