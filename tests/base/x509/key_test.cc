#include "base/x509/digest_signature.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/running_digest.h"
#include "tests/fakes/temp_dir.h"

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
    PublicKey copy = key;  // NOLINT(performance-unnecessary-copy-initialization): the copy is what is tested
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
  EXPECT_EQ(PrivateKey::from_pem({}, passphrase).error().code(), Errc::file);
  EXPECT_EQ(ERR_peek_error(), 0U);
}

// Runs a command and gives what it printed; empty when it failed.
std::string output_of(std::string const& command) {
  std::FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return {};
  std::string out;
  char part[4096];
  while (std::size_t const size = std::fread(part, 1, sizeof part, pipe)) out.append(part, size);
  return ::pclose(pipe) == 0 ? out : std::string();
}

// The recovery of a CA's key must need nothing but the stock command (security rule 6.3).
TEST(PrivateKey, EncryptedPemOpensWithTheOpensslCommand) {
  fakes::TempDir const folder;
  auto const key = PrivateKey::generate(KeyType::ec_p384);
  std::ofstream(folder.path("pass")) << "correct horse\n";
  std::ofstream(folder.path("key.pem")) << key.to_encrypted_pem(SecretBytes(std::string_view("correct horse")));
  auto const spki = output_of("openssl pkey -in " + folder.path("key.pem") + " -passin file:" + folder.path("pass") +
                              " -pubout -outform DER");
  EXPECT_EQ(to_bytes(spki), key.public_key().spki());
  auto const scheme = output_of("openssl asn1parse -in " + folder.path("key.pem"));
  EXPECT_NE(scheme.find(":scrypt"), std::string::npos);
  EXPECT_NE(scheme.find("aes-256-cbc"), std::string::npos);
  EXPECT_NE(scheme.find(":4000\n"), std::string::npos) << "N is not 16384: " << scheme;
}

// What administrators have lying about: every form in which the command writes a key.
TEST(PrivateKey, FormsOfTheOpensslCommand) {
  fakes::TempDir const folder;
  std::string const secret = folder.path("pass");
  std::ofstream(secret) << "sesame\n";
  struct Case {
    char const* title;
    std::string command;
    bool encrypted;
    KeyType type;
  };
  std::string const out = " -out " + folder.path("key.pem");
  std::string const pass = " -passout file:" + secret;
  Case const cases[] = {
      {"PKCS#8 EC", "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256" + out, false, KeyType::ec_p256},
      {"PKCS#8 RSA", "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048" + out, false, KeyType::rsa},
      {"PKCS#8 Ed25519", "openssl genpkey -algorithm ED25519" + out, false, KeyType::ed25519},
      {"SEC1 behind EC PARAMETERS", "openssl ecparam -name secp384r1 -genkey" + out, false, KeyType::ec_p384},
      {"PKCS#1", "openssl genrsa -traditional" + out + " 2048", false, KeyType::rsa},
      {"PKCS#8 PBES2",
       "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -aes-256-cbc -pass file:" + secret + out, true,
       KeyType::ec_p521},
      {"PKCS#1 encrypted", "openssl genrsa -traditional -aes128" + pass + out + " 2048", true, KeyType::rsa},
  };
  for (auto const& c : cases) {
    ASSERT_EQ(std::system((c.command + " 2>/dev/null").c_str()), 0) << c.title;
    std::ifstream file(folder.path("key.pem"));
    std::string const pem{std::istreambuf_iterator<char>(file), {}};
    auto const key = PrivateKey::from_pem(pem, SecretBytes(std::string_view("sesame")));
    ASSERT_TRUE(key.ok()) << c.title << ": " << key.error().detail();
    EXPECT_EQ(key->public_key().type(), c.type) << c.title;
    auto const without = PrivateKey::from_pem(pem, SecretBytes());
    EXPECT_EQ(without.ok(), !c.encrypted) << c.title;
    if (c.encrypted) {
      EXPECT_EQ(without.error().code(), Errc::wrong_passphrase) << c.title;
      EXPECT_EQ(PrivateKey::from_pem(pem, SecretBytes(std::string_view("guess"))).error().code(),
                Errc::wrong_passphrase)
          << c.title;
    }
  }
  ASSERT_EQ(std::system(("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1" + out).c_str()), 0);
  std::ifstream file(folder.path("key.pem"));
  std::string const pem{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(PrivateKey::from_pem(pem, SecretBytes()).error().code(), Errc::file);
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

TEST(CheckKey, Ed25519PointsOfSmallOrder) {
  // y of all points whose order divides 8, also written unreduced; computed apart from our code.
  for (auto const* hex : {"0000000000000000000000000000000000000000000000000000000000000000",
                          "0100000000000000000000000000000000000000000000000000000000000000",
                          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    auto octets = from_hex(hex).value();
    for (int sign = 0; sign < 2; ++sign) {
      auto const key = PublicKey::from_ed25519(octets);
      EXPECT_TRUE(!key.ok() || check_key(*key, true).error().code() == Errc::bad_public_key) << hex;
      octets.back() |= 0x80;
    }
  }
}

// Hashed elsewhere and in pieces, or signed as a whole: either way the signature is good for the same octets.
TEST(DigestSignature, IsTheSignatureOfTheOctets) {
  auto const data = to_bytes(as_bytes("what is too long to be kept"));
  for (auto const type : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::rsa})
    for (auto const hash : {HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512}) {
      SCOPED_TRACE(to_string(type));
      auto const key = PrivateKey::generate(type);
      RunningDigest running(hash);
      for (std::uint8_t const octet : data) running.add(ByteView(&octet, 1));
      auto const hashed = std::move(running).finish();
      EXPECT_EQ(hashed, digest(hash, data));
      auto const signature = sign_digest(key, hash, hashed).value();
      EXPECT_TRUE(key.public_key().verify(hash, data, signature));
      EXPECT_TRUE(verify_digest(key.public_key(), hash, hashed, key.sign(hash, data)));
      EXPECT_FALSE(verify_digest(key.public_key(), hash, digest(hash, as_bytes("another")), signature));
      EXPECT_FALSE(verify_digest(PrivateKey::generate(type).public_key(), hash, hashed, signature));
    }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(DigestSignature, OfAnotherLengthOrByAKeyThatHashesItself) {
  auto const hashed = digest(HashAlgorithm::sha256, as_bytes("data"));
  auto const ed25519 = PrivateKey::generate(KeyType::ed25519);
  EXPECT_FALSE(sign_digest(ed25519, HashAlgorithm::sha256, hashed));
  EXPECT_FALSE(verify_digest(ed25519.public_key(), HashAlgorithm::sha256, hashed, Bytes(64, 1)));
  auto const key = PrivateKey::generate(KeyType::ec_p256);
  EXPECT_FALSE(sign_digest(key, HashAlgorithm::sha384, hashed));
  EXPECT_FALSE(sign_digest(key, HashAlgorithm::sha256, {}));
  auto const signature = sign_digest(key, HashAlgorithm::sha256, hashed).value();
  EXPECT_FALSE(verify_digest(key.public_key(), HashAlgorithm::sha384, hashed, signature));
}

}  // namespace
}  // namespace lenscap::x509
