// The issuing key in a token with a PKCS#11 module (a hardware security module, a smart card, SoftHSM): it never is in
// this process, which asks the token for each signature.
#pragma once

#include "ca/key_holder.h"

namespace lenscap::ca {

// `rest` is what follows "pkcs11:" in a URI of RFC 7512 that names one token and one private key, such as
// "token=ca;object=issuing?module-path=/usr/lib/softhsm/libsofthsm2.so". Without module-path the modules that p11-kit
// knows are looked through, or the one of them that module-name says. `passphrase` is the PIN; one in the URI is
// refused. A token that has a single try of its PIN left is not tried: a service that starts again and again would lock
// it. A token that went away is sought anew at the next signature; until it is back, sign() says Errc::unavailable.
// There is NO limit to the time that a module takes. Errc::settings, Errc::wrong_passphrase.
Result<std::unique_ptr<KeyHolder>> open_pkcs11(std::string_view rest, std::string_view base_dir,
                                               SecretBytes const& passphrase);

}  // namespace lenscap::ca
