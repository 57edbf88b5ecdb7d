#include "ca/key_signer.h"

#include "ca/crl.h"
#include "ca/issuer.h"

namespace lenscap::ca {

Result<Bytes> KeySigner::sign(Draft const& draft, HashAlgorithm hash) { return key_->sign(hash, draft.tbs()); }
Result<Bytes> KeySigner::sign(CrlDraft const& draft, HashAlgorithm hash) { return key_->sign(hash, draft.tbs()); }

}  // namespace lenscap::ca
