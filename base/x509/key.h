// Public and private keys, and which of them are good enough.
#pragma once

#include <memory>

#include "base/digest.h"
#include "base/ossl.h"
#include "base/secret.h"

namespace lenscap::x509 {

enum class KeyType { ec_p256, ec_p384, ec_p521, rsa, ed25519 };

std::string_view to_string(KeyType type);  // "EC-P256", "RSA", ...

// A copyable handle on an immutable key: copies share it. Safe from any thread.
class PublicKey {
 public:
  // Refuses (Errc::bad_public_key) trailing octets, explicit curve parameters, unknown types and points off the curve.
  static Result<PublicKey> from_spki(ByteView der);
  static Result<PublicKey> from_rsa(ByteView modulus, ByteView exponent);   // big-endian, no leading zero
  static Result<PublicKey> from_ec(KeyType curve, ByteView x, ByteView y);  // full length coordinates
  static Result<PublicKey> from_ed25519(ByteView octets);
  static Result<PublicKey> from_evp(EVP_PKEY* key);  // borrows: takes a reference of its own

  KeyType type() const;
  int bits() const;
  Bytes const& spki() const;  // DER SubjectPublicKeyInfo
  Sha256 spki_hash() const;   // SHA-256 of spki()
  EVP_PKEY* native() const;   // borrowed
  bool operator==(PublicKey const& other) const { return spki() == other.spki(); }

  // RSA: PKCS#1 v1.5; EC: DER ECDSA-Sig; Ed25519 ignores the hash. True only for a good signature.
  bool verify(HashAlgorithm hash, ByteView data, ByteView signature) const;

  struct EcPoint {
    Bytes x, y;
  };
  EcPoint ec_point() const;  // bug unless EC; full length coordinates
  struct RsaNumbers {
    Bytes modulus, exponent;
  };
  RsaNumbers rsa_numbers() const;  // bug unless RSA; no leading zeros
  Bytes ed25519_octets() const;    // bug unless Ed25519

 private:
  struct Shared;
  PublicKey(ossl::PkeyPtr key, KeyType type, Bytes spki);
  std::shared_ptr<Shared const> shared_;
};

// RSA of 2048, 3072 or 4096 bits with an odd exponent 65537..2^256, no small factor, no primes close to each other, not
// of ROCA's form and without a pattern; P-256, P-384, P-521; Ed25519 only where `allow_ed25519`. It does NOT know lists
// of keys that are public knowledge. Refusal: Errc::bad_public_key, saying why. (Baseline Requirements 6.1.1.3, 6.1.5,
// 6.1.6; 8555-6.2-13)
Result<> check_key(PublicKey const& key, bool allow_ed25519);

class PrivateKey {
 public:
  static PrivateKey generate(KeyType type, int rsa_bits = 2048);
  // PEM: PKCS#8 (plain or encrypted), PKCS#1, SEC1. `passphrase` may be empty for a plain one.
  // Errc::wrong_passphrase when it does not open, Errc::file when it is no key.
  static Result<PrivateKey> from_pem(std::string_view pem, SecretBytes const& passphrase);

  static Result<PrivateKey> from_evp(EVP_PKEY* key);  // borrows: takes a reference of its own; Errc::file

  PublicKey const& public_key() const { return public_; }
  EVP_PKEY* native() const { return key_.get(); }  // borrowed
  // PKCS#8 under scrypt N=16384 r=8 p=16, AES-256-CBC: what the stock `openssl pkey` can open.
  std::string to_encrypted_pem(SecretBytes const& passphrase) const;
  SecretBytes to_pem() const;  // unencrypted PKCS#8
  // As PublicKey::verify reads it.
  Bytes sign(HashAlgorithm hash, ByteView data) const;

 private:
  PrivateKey(ossl::PkeyPtr key, PublicKey public_key) : key_(std::move(key)), public_(std::move(public_key)) {}
  ossl::PkeyPtr key_;
  PublicKey public_;
};

}  // namespace lenscap::x509
