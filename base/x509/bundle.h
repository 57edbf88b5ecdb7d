// Certificates and private keys out of the files in which other people's programs hand them over: PEM with blocks in
// any order (PKCS#8, PKCS#1 and SEC1 keys, encrypted or not), a single certificate in DER, PKCS#7, PKCS#12. It does NOT
// judge what it finds: not whether they belong together, nor whether a key is good enough.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/x509/certificate.h"

namespace lenscap::x509 {

struct Bundle {
  std::vector<Certificate> certificates;  // in the order of the file; of PKCS#12 the key's own first
  std::vector<PrivateKey> keys;
};

// `ask` gives the passphrase; it is called at most once, and only when something is encrypted. What it refuses is the
// refusal. Errc::wrong_passphrase; Errc::file for anything that cannot be read, saying what was found instead.
Result<Bundle> read_bundle(std::string_view content, std::function<Result<SecretBytes>()> const& ask);

}  // namespace lenscap::x509
