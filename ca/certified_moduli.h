// The moduli of all RSA keys that were ever to be certified here, to find those that share a prime with another
// (base/x509/shared_prime.h). One row for each key, however often it is certified; none is ever removed, since a key
// whose certificates have ended still tells the prime.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/x509/key.h"
#include "store/store.h"

namespace lenscap::ca {

// Of a key that is recorded already, or that is not RSA, nothing is changed.
void record_modulus(store::WriteTxn& txn, x509::PublicKey const& key);

std::uint64_t count_moduli(store::ReadTxn& txn);

// Another RSA key that has a prime in common with this one, as the SHA-256 of its SubjectPublicKeyInfo in hex; also one
// with the same modulus and another exponent. `known`: only among those that were recorded since there were so many.
// Reads every modulus: 0.16 s where there are 100,000. The key's strength is to be checked before.
std::optional<std::string> find_shared_prime(store::ReadTxn& txn, x509::PublicKey const& key, std::uint64_t known = 0);

}  // namespace lenscap::ca
