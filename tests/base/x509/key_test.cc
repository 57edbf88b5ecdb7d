#include "base/x509/key.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

namespace lenscap::x509 {
namespace {

TEST(PublicKey, SameFromEveryForm) {
  for (auto type : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::rsa, KeyType::ed25519}) {
    auto const key = PrivateKey::generate(type).public_key();
    EXPECT_EQ(key.type(), type);
    // What we write by hand is what OpenSSL writes.
    EXPECT_EQ(key.spki(), ossl::to_der(key.native(), i2d_PUBKEY)) << to_string(type);
    EXPECT_EQ(PublicKey::from_spki(key.spki()).value(), key);
    EXPECT_EQ(PublicKey::from_evp(key.native()).value(), key);
    if (type == KeyType::rsa) {
      auto const numbers = key.rsa_numbers();
      EXPECT_EQ(numbers.exponent, (Bytes{1, 0, 1}));
      EXPECT_EQ(PublicKey::from_rsa(numbers.modulus, numbers.exponent).value(), key);
      EXPECT_EQ(key.bits(), 2048);
    } else if (type == KeyType::ed25519) {
      EXPECT_EQ(PublicKey::from_ed25519(key.ed25519_octets()).value(), key);
    } else {
      auto const point = key.ec_point();
      EXPECT_EQ(PublicKey::from_ec(type, point.x, point.y).value(), key);
    }
    PublicKey copy = key;
    EXPECT_EQ(copy, key);
    EXPECT_EQ(copy.spki_hash(), sha256(key.spki()));
  }
}

TEST(PublicKey, SignAndVerify) {
  auto const data = to_bytes("the data");
  for (auto type : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::rsa, KeyType::ed25519}) {
    auto const key = PrivateKey::generate(type);
    for (auto hash : {HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512}) {
      auto signature = key.sign(hash, data);
      EXPECT_TRUE(key.public_key().verify(hash, data, signature));
      EXPECT_FALSE(key.public_key().verify(hash, to_bytes("other data"), signature));
      signature.back() ^= 1;
      EXPECT_FALSE(key.public_key().verify(hash, data, signature));
      EXPECT_FALSE(key.public_key().verify(hash, data, {}));
      EXPECT_FALSE(key.public_key().verify(hash, data, Bytes(64)));
    }
    EXPECT_EQ(ERR_peek_error(), 0U) << "left something in OpenSSL's error queue";
  }
}

TEST(PublicKey, RefusesBadNumbers) {
  auto const key = PrivateKey::generate(KeyType::ec_p256).public_key();
  auto point = key.ec_point();
  auto expect_refused = [](Result<PublicKey> const& result) {
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), Errc::bad_public_key);
  };
  expect_refused(PublicKey::from_ec(KeyType::ec_p384, point.x, point.y));
  expect_refused(PublicKey::from_ec(KeyType::rsa, point.x, point.y));
  expect_refused(PublicKey::from_ec(KeyType::ec_p256, point.x, {}));
  expect_refused(PublicKey::from_ec(KeyType::ec_p256, Bytes(32), Bytes(32)));
  expect_refused(PublicKey::from_ec(KeyType::ec_p256, Bytes(32, 0xff), point.y));  // x above the field's prime
  point.y.back() ^= 1;
  expect_refused(PublicKey::from_ec(KeyType::ec_p256, point.x, point.y));
  expect_refused(PublicKey::from_ed25519(Bytes(31)));
  expect_refused(PublicKey::from_rsa({}, Bytes{3}));
  expect_refused(PublicKey::from_rsa(Bytes(256, 0xff), {}));
  expect_refused(PublicKey::from_rsa(Bytes(256), Bytes{3}));
  expect_refused(PublicKey::from_rsa(Bytes(2048, 0xff), Bytes{1, 0, 1}));  // RSA-16384: not even loaded
  expect_refused(PublicKey::from_rsa(Bytes(256, 0xff), Bytes(256, 0xff)));
  expect_refused(PublicKey::from_spki({}));
  auto trailing = key.spki();
  trailing.push_back(0);
  expect_refused(PublicKey::from_spki(trailing));
  expect_refused(PublicKey::from_evp(nullptr));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(PrivateKey, EncryptedPemOpensAgain) {
  auto const key = PrivateKey::generate(KeyType::ec_p256);
  SecretBytes const passphrase{std::string_view("correct horse battery staple")};
  auto const pem = key.to_encrypted_pem(passphrase);
  EXPECT_TRUE(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
  EXPECT_EQ(PrivateKey::from_pem(pem, passphrase)->public_key(), key.public_key());
  EXPECT_EQ(PrivateKey::from_pem(pem, SecretBytes(std::string_view("wrong"))).error().code(), Errc::wrong_passphrase);
  EXPECT_EQ(PrivateKey::from_pem(pem, SecretBytes()).error().code(), Errc::wrong_passphrase);
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(PrivateKey, PlainPem) {
  for (auto type : {KeyType::ec_p256, KeyType::rsa, KeyType::ed25519}) {
    auto const key = PrivateKey::generate(type);
    auto const pem = key.to_pem();
    EXPECT_TRUE(pem.text().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    EXPECT_EQ(PrivateKey::from_pem(pem.text(), SecretBytes())->public_key(), key.public_key());
  }
  EXPECT_EQ(PrivateKey::from_pem("", SecretBytes()).error().code(), Errc::file);
  EXPECT_EQ(PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", SecretBytes())
                .error()
                .code(),
            Errc::file);
}

TEST(CheckKey, GoodOnes) {
  for (auto type : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::rsa}) {
    EXPECT_TRUE(check_key(PrivateKey::generate(type).public_key(), false).ok());
  }
  auto const edwards = PrivateKey::generate(KeyType::ed25519).public_key();
  EXPECT_TRUE(check_key(edwards, true).ok());
  EXPECT_EQ(check_key(edwards, false).error().code(), Errc::bad_public_key);
}

}  // namespace
}  // namespace lenscap::x509
