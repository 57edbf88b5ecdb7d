// The key that signs heads of the audit trail (ca/audit_head.h): one of its own, so that who has the issuing key alone
// cannot sign for a trail that he wrote anew. It lies in the store, sealed.
#pragma once

#include "base/seal.h"
#include "base/x509/key.h"
#include "store/store.h"

namespace lenscap::acme {

// Makes the key at the first call. Errc::wrong_passphrase when it was sealed under another one. Blocks.
Result<x509::PrivateKey> open_audit_key(store::Store& store, Sealer const& sealer);
// The public half; nothing as long as no head was signed.
std::optional<x509::PublicKey> find_audit_key(store::ReadTxn& txn);

}  // namespace lenscap::acme
