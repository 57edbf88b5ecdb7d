// What the signer signed, held against what the store knows: they agree unless there was a crash between two syncs, the
// store was restored from a back-up, or somebody had the front end in his hands.
#pragma once

#include <string>
#include <vector>

#include "ca/signing_ledger.h"
#include "store/store.h"

namespace lenscap::ca {

// Does the store know this certificate, by the octets that were signed, or by a revocation of one that it does not
// know? True of whatever is no certificate.
bool is_known(store::ReadTxn& txn, SignedEntry const& entry);

// Every certificate of the signer's ledger that the store does not know. Nothing where there is no such ledger.
// Errc::file when it cannot be read. Also beside a running service.
Result<std::vector<SignedEntry>> find_unknown(store::Store& store, std::string const& path);

}  // namespace lenscap::ca
