// What the server does about RSA keys that share a prime (docs/adr/0030): it looks for them at finalize, and blocks
// both.
#pragma once

#include <string>

#include "base/net/awaitable.h"
#include "ca/certified_moduli.h"

namespace lenscap::acme {

struct App;

// ca::compare_primes with all keys on record, on the work pool; of a key that is not, also x509::check_modulus, which
// takes too long for anywhere else. Refuses what that refuses.
net::Awaitable<Result<ca::PrimeComparison>> compare_primes(App& app, x509::PublicKey key);

// Blocks this key and the other one (ca/blocked_keys.h), each once, so that they are refused from now on without being
// compared again; in the log and in the audit trail.
net::Awaitable<> block_shared_prime(App& app, std::string order_id, x509::PublicKey key, std::string other, Time now);

}  // namespace lenscap::acme
