// Signatures of octets that somebody hashed already, because they were too many to be kept. The signature is the same
// as of the octets themselves (key.h). Not for Ed25519, which hashes in its own way, twice.
#pragma once

#include "base/x509/key.h"

namespace lenscap::x509 {

// Errc::internal for an Ed25519 key, and for a digest of another length than `hash` has.
Result<Bytes> sign_digest(PrivateKey const& key, HashAlgorithm hash, ByteView digest);
// False for an Ed25519 key, too.
bool verify_digest(PublicKey const& key, HashAlgorithm hash, ByteView digest, ByteView signature);

}  // namespace lenscap::x509
