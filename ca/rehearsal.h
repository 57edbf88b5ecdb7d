// Would a CA open by these settings and the files that they name? For a look before a change: gives what would issue,
// but that it signs nothing. Leaves everything as it is: no store is opened, and no ledger.
#pragma once

#include "ca/authority.h"

namespace lenscap::ca {

// All that open_issuing() refuses but for the keys, which are not looked at: no secret is needed. Blocks.
Result<Issuing> rehearse(AuthoritySettings const& settings);
// With the keys, opened in this process for the moment. Blocks: scrypt takes its time.
Result<Issuing> rehearse(AuthoritySettings const& settings, SecretBytes const& passphrase);
// With a signer that has the keys.
Result<Issuing> rehearse(AuthoritySettings const& settings, std::shared_ptr<Signer> const& signer);

}  // namespace lenscap::ca
