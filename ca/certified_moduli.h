// The moduli of all RSA keys that were to be certified here, to find those that share a prime with another
// (base/x509/shared_prime.h). One row for each key, however often it is certified; none is ever removed, since a key
// whose certificates have ended still tells the prime. Not guaranteed: keys that were certified by a program which did
// not record them yet (moduli_since); they are recorded when they are certified again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "base/x509/key.h"
#include "store/store.h"

namespace lenscap::ca {

// Of a key that is recorded already, or that is not RSA, nothing is changed.
void record_modulus(store::WriteTxn& txn, x509::PublicKey const& key, Time now);

// Since when every RSA key is recorded; nothing where none was yet.
std::optional<Time> moduli_since(store::ReadTxn& txn);

std::uint64_t count_moduli(store::ReadTxn& txn);

struct PrimeComparison {
  std::uint64_t keys = 0;                       // that are recorded
  bool is_recorded = false;                     // this one is
  std::optional<std::string> shared_with = {};  // SHA-256, in hex, of the SubjectPublicKeyInfo of one of them
};

// Does this key share a prime with a recorded one, or its modulus with one of another exponent? Where it is recorded
// itself that was looked at then. `known`: only those are looked at that were recorded since there were so many. Reads
// every modulus, 0.16 s where there are 100,000: not for a thread that others wait for. The key's strength is to be
// checked before.
PrimeComparison compare_primes(store::ReadTxn& txn, x509::PublicKey const& key, std::uint64_t known = 0);

}  // namespace lenscap::ca
