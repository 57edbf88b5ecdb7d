// What seals the secrets of a store: MAC keys of accounts to come, the audit trail's key.
#pragma once

#include "base/seal.h"
#include "store/store.h"

namespace lenscap::acme {

// The passphrase, with a salt that lies in the store. Writes the salt into a new store. Errc::wrong_passphrase when the
// store was sealed under another one.
Result<Sealer> open_sealer(store::Store& store, SecretBytes const& passphrase);
// The same of a store that is only read. One that has nothing sealed yet takes any.
Result<> check_sealer(store::Store& store, SecretBytes const& passphrase);

}  // namespace lenscap::acme
