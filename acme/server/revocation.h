// What a revocation changes in the store, for revokeCert and for the administrator's command alike. Who may do it is
// asked before (acme/flow/revocation_rules.h).
#pragma once

#include <string_view>

#include "ca/ledger.h"

namespace lenscap::acme {

// Records it in the ledger, and frees the names that the account has no other live certificate for (live_names_max).
// The refusals of ca::record_revoked.
Result<ca::CertificateRecord> revoke(store::WriteTxn& txn, std::string_view serial_hex,
                                     ca::Revocation const& revocation);

// What nobody can have any more frees its names in the same way: a certificate that is revoked, an intent that was
// ruled out.
void free_names(store::WriteTxn& txn, ca::CertificateRecord const& record);

}  // namespace lenscap::acme
