#include "acme/wire/jwk.h"

#include <gtest/gtest.h>

#include "acme/wire/key_authorization.h"
#include "tests/acme/wire/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

// 8555-8.1-1
TEST(Thumbprint, ExamplesOfTheRfcs) {
  EXPECT_EQ(thumbprint(key_of(object_of(kRfcRsaJwk))), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");  // RFC 7638 3.1
  EXPECT_EQ(thumbprint(key_of(object_of(kRfcEdJwk))), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");   // RFC 8037 A.3
}

TEST(ToJwk, GivesTheRequiredMembersBack) {
  for (auto const& text : {kRfcEcJwk, kRfcP521Jwk, kRfcRsaJwk, kRfcEdJwk}) {
    auto const key = key_of(object_of(text));
    auto const jwk = to_jwk(key);
    auto const sent = object_of(text);
    for (auto const& [name, value] : jwk.members()) {
      ASSERT_NE(sent.find(name), nullptr) << name;
      EXPECT_EQ(*sent.find(name), value) << name;
    }
    EXPECT_EQ(jwk.find("alg"), nullptr);
    EXPECT_EQ(key_of(jwk), key);
  }
}

// A coordinate that begins with a zero octet keeps it (RFC 7518 6.2.1.2): one key in 128 has one.
TEST(ToJwk, KeepsLeadingZerosOfCoordinates) {
  bool seen = false;
  for (int i = 0; i < 4000 && !seen; ++i) {
    auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key();
    if (key.ec_point().x.front() != 0) continue;
    seen = true;
    EXPECT_EQ(text_of(to_jwk(key), "x").size(), 43U);
    EXPECT_EQ(key_of(to_jwk(key)), key);
  }
  EXPECT_TRUE(seen);
}

TEST(ReadJwk, TellsItsAlgorithm) {
  EXPECT_EQ(read_jwk(object_of(kRfcRsaJwk)).value().alg, "RS256");
  EXPECT_EQ(read_jwk(object_of(kRfcEcJwk)).value().alg, std::nullopt);
}

// 8555-6.2-13, 8555-6.2-18
TEST(ReadJwk, RefusesWrongForms) {
  std::string const x = R"("x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")";
  std::string const y = R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")";
  std::string const ec = R"("kty":"EC","crv":"P-256",)";
  std::string const modulus_1024 = to_base64url(Bytes(128, 0xc5));
  struct Case {
    char const* name;
    std::string jwk;
    Errc code;
  };
  Case const cases[] = {
      {"empty", "{}", Errc::malformed},
      {"kty a number", R"({"kty":1})", Errc::malformed},
      {"kty unknown", R"({"kty":"AKP","pub":"AA"})", Errc::bad_public_key},
      {"kty in lower case", R"({"kty":"ec","crv":"P-256",)" + x + "," + y + "}", Errc::bad_public_key},
      {"symmetric", R"({"kty":"oct","k":"AAAA"})", Errc::malformed},
      {"private EC key", "{" + ec + x + "," + y + R"(,"d":"AAAA"})", Errc::malformed},
      {"private RSA key", R"({"kty":"RSA","n":"AQAB","e":"AQAB","p":"AQ"})", Errc::malformed},
      {"for encryption", "{" + ec + x + "," + y + R"(,"use":"enc"})", Errc::bad_public_key},
      {"alg a number", "{" + ec + x + "," + y + R"(,"alg":1})", Errc::malformed},
      {"curve missing", R"({"kty":"EC",)" + x + "," + y + "}", Errc::malformed},
      {"curve unknown", R"({"kty":"EC","crv":"secp256k1",)" + x + "," + y + "}", Errc::bad_public_key},
      {"curve of another size", R"({"kty":"EC","crv":"P-384",)" + x + "," + y + "}", Errc::malformed},
      {"y missing", "{" + ec + x + "}", Errc::malformed},
      {"x one octet short", "{" + ec + R"("x":")" + to_base64url(Bytes(31, 1)) + "\"," + y + "}", Errc::malformed},
      {"x one octet long", "{" + ec + R"("x":")" + to_base64url(Bytes(33, 1)) + "\"," + y + "}", Errc::malformed},
      {"x with padding", "{" + ec + R"("x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=",)" + y + "}",
       Errc::malformed},
      {"off the curve", "{" + ec + R"("x":")" + to_base64url(Bytes(32, 1)) + "\"," + y + "}", Errc::bad_public_key},
      {"identity",
       "{" + ec + R"("x":")" + to_base64url(Bytes(32, 0)) + R"(","y":")" + to_base64url(Bytes(32, 0)) + "\"}",
       Errc::bad_public_key},
      {"coordinates over p",
       "{" + ec + R"("x":")" + to_base64url(Bytes(32, 0xff)) + R"(","y":")" + to_base64url(Bytes(32, 0xff)) + "\"}",
       Errc::bad_public_key},
      {"RSA without n", R"({"kty":"RSA","e":"AQAB"})", Errc::malformed},
      {"RSA n empty", R"({"kty":"RSA","n":"","e":"AQAB"})", Errc::malformed},
      {"RSA n with leading zero", R"({"kty":"RSA","n":"AMU","e":"AQAB"})", Errc::malformed},
      {"RSA 1024", R"({"kty":"RSA","n":")" + modulus_1024 + R"(","e":"AQAB"})", Errc::bad_public_key},
      {"RSA 16384", R"({"kty":"RSA","n":")" + to_base64url(Bytes(2048, 0xc5)) + R"(","e":"AQAB"})",
       Errc::bad_public_key},
      {"RSA e is 1", R"({"kty":"RSA","n":")" + text_of(object_of(kRfcRsaJwk), "n") + R"(","e":"AQ"})",
       Errc::bad_public_key},
      {"RSA e is even", R"({"kty":"RSA","n":")" + text_of(object_of(kRfcRsaJwk), "n") + R"(","e":"AQAC"})",
       Errc::bad_public_key},
      {"OKP of X25519", R"({"kty":"OKP","crv":"X25519","x":")" + to_base64url(Bytes(32, 9)) + "\"}",
       Errc::bad_public_key},
      {"OKP of Ed448", R"({"kty":"OKP","crv":"Ed448","x":")" + to_base64url(Bytes(57, 9)) + "\"}",
       Errc::bad_public_key},
      {"OKP too short", R"({"kty":"OKP","crv":"Ed25519","x":")" + to_base64url(Bytes(31, 9)) + "\"}", Errc::malformed},
  };
  for (auto const& c : cases) {
    auto const jwk = read_jwk(object_of(c.jwk));
    ASSERT_FALSE(jwk.ok()) << c.name;
    EXPECT_EQ(jwk.error().code(), c.code) << c.name << ": " << jwk.error().detail();
    EXPECT_FALSE(jwk.error().detail().empty()) << c.name;
  }
}

}  // namespace
}  // namespace lenscap::acme
