// What is asked of an RSA modulus once, because it takes some milliseconds, while check_key() (key.h) is asked of a key
// each time: is it a product of large primes at all?
#pragma once

#include "base/result.h"
#include "base/x509/key.h"

namespace lenscap::x509 {

// Neither a prime nor the power of one (Baseline Requirements 6.1.6), and without a factor below 65536. Of a key that
// passes check_key(); of another type than RSA nothing is asked. It does NOT tell how many primes there are. Refusal:
// Errc::bad_public_key, saying why.
Result<> check_modulus(PublicKey const& key);

}  // namespace lenscap::x509
