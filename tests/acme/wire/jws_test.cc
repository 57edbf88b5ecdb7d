#include "acme/wire/jws.h"

#include <gtest/gtest.h>

#include "tests/acme/wire/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

Jws jws_of(std::string_view algorithm, std::string_view signing_input, std::string_view signature) {
  Jws jws;
  jws.algorithm = find_signature_algorithm(algorithm);
  jws.signing_input = signing_input;
  jws.signature = from_base64url(signature).value();
  return jws;
}

// 8555-6.2-10, 8555-6.2-11
TEST(Verify, ExamplesOfTheRfcs) {
  struct Case {
    char const* name;
    char const* algorithm;
    std::string jwk;
    char const* signing_input;
    char const* signature;
  };
  Case const cases[] = {
      {"RFC 7515 A.2", "RS256",
       R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0B)"
       R"(m4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KX)"
       R"(BdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2et)"
       R"(hFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})",
       "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
       "cnVlfQ",
       "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr"
       "7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--x"
       "i12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_Ioy"
       "pGlUPQGe77Rw"},
      {"RFC 7515 A.3", "ES256", kRfcEcJwk,
       "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
       "cnVlfQ",
       "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
      {"RFC 7515 A.4", "ES512", kRfcP521Jwk, "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA",
       "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJ"
       "ZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"},
      {"RFC 8037 A.4", "EdDSA", kRfcEdJwk, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
       "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
  };
  for (auto const& c : cases) {
    auto const key = key_of(object_of(c.jwk));
    auto jws = jws_of(c.algorithm, c.signing_input, c.signature);
    EXPECT_TRUE(verify(jws, key).ok()) << c.name;
    jws.signing_input.back() = '_';
    EXPECT_FALSE(verify(jws, key).ok()) << c.name << ": other text";
    jws = jws_of(c.algorithm, c.signing_input, c.signature);
    jws.signature.back() ^= 1;
    EXPECT_EQ(verify(jws, key).error().code(), Errc::malformed) << c.name << ": other signature";
  }
}

TEST(ParseJws, WhatAnotherImplementationSigned) {
  for (auto const& element : read_cases("jws/good.json")) {
    auto const& c = *element.as_object();
    auto const name = text_of(c, "name");
    auto const jws = parse_jws(text_of(c, "body"));
    ASSERT_TRUE(jws.ok()) << name << ": " << jws.error().detail();
    auto const key = key_of(json::need_object(c, "jwk").value());
    EXPECT_EQ(jws->algorithm->name, text_of(c, "alg")) << name;
    EXPECT_EQ(jws->nonce, text_of(c, "nonce")) << name;
    EXPECT_EQ(jws->url, text_of(c, "url")) << name;
    EXPECT_EQ(jws->kid, text_of(c, "kid")) << name;
    EXPECT_EQ(jws->payload, text_of(c, "payload")) << name;
    EXPECT_EQ(jws->is_post_as_get(), text_of(c, "payload").empty()) << name;  // 8555-6.2-6
    EXPECT_EQ(jws->jwk.has_value(), jws->kid.empty()) << name;
    if (jws->jwk) {
      EXPECT_EQ(*jws->jwk, key) << name;
    }
    EXPECT_TRUE(verify(*jws, key).ok()) << name;
    EXPECT_EQ(thumbprint(key), text_of(c, "thumbprint")) << name;
  }
}

TEST(SignJws, IsReadAndVerifiedForEveryAlgorithm) {
  for (auto const& algorithm : signature_algorithms()) {
    auto const key = x509::PrivateKey::generate(algorithm.key);
    for (std::string const& kid : {std::string(), std::string("https://ca/account/1")}) {
      for (std::string const& payload : {std::string(), std::string("{}")}) {
        SigningHeader const header{.url = "https://ca/x", .nonce = "bm9uY2U", .kid = kid};
        auto const jws = parse_jws(sign_jws(key, header, payload));
        ASSERT_TRUE(jws.ok()) << algorithm.name << ": " << jws.error().detail();
        EXPECT_TRUE(verify(*jws, key.public_key()).ok()) << algorithm.name;
        EXPECT_EQ(jws->payload, payload);
        EXPECT_EQ(jws->kid, kid);
        EXPECT_EQ(jws->jwk.has_value(), kid.empty());
        EXPECT_EQ(jws->url, header.url);
        EXPECT_EQ(jws->nonce, header.nonce);
      }
    }
  }
}

std::string header_with(std::string const& members) {
  return R"({"alg":"ES256","nonce":"bm9uY2U","url":"https://ca/x",)" + members + "}";
}

TEST(ParseJws, RefusesWrongForms) {
  std::string const jwk = "\"jwk\":" + kRfcEcJwk;
  std::string const kid = R"("kid":"https://ca/account/1")";
  std::string const good = header_with(kid);
  ASSERT_TRUE(parse_jws(Parts{.header = good}.body()).ok());
  ASSERT_TRUE(parse_jws(Parts{.header = header_with(jwk)}.body()).ok());
  // These are nothing to us; RFC 7515 4 has unknown ones passed over.
  ASSERT_TRUE(
      parse_jws(Parts{.header = header_with(kid + R"(,"typ":"JOSE","x5c":[],"jku":"https://x/","zip":"DEF")")}.body())
          .ok());

  auto const with_signature = [&](std::string signature) {
    return Parts{.header = good, .signature = std::move(signature)}.body();
  };
  auto const encoded = to_base64url(as_bytes(good));
  std::string const signature(86, 'A');
  struct Case {
    char const* name;
    std::string body;
    Errc code;
  };
  Case const cases[] = {
      // the whole
      {"no JSON (8555-6.2-1)", "hello", Errc::malformed},
      {"empty body", "", Errc::malformed},
      {"compact form (8555-6.2-2)", encoded + ".e30." + signature, Errc::malformed},
      {"general form (8555-6.2-3)",
       R"({"payload":"e30","signatures":[{"protected":")" + encoded + R"(","signature":")" + signature + R"("}]})",
       Errc::malformed},
      {"one signature and more signatures (8555-6.2-3)", Parts{.header = good, .extra = R"(,"signatures":[])"}.body(),
       Errc::malformed},
      {"unprotected header (8555-6.2-4)", Parts{.header = good, .extra = R"(,"header":{"kid":"x"})"}.body(),
       Errc::malformed},
      {"empty unprotected header", Parts{.header = good, .extra = R"(,"header":{})"}.body(), Errc::malformed},
      {"no payload (8555-6.2-6)", R"({"protected":")" + encoded + R"(","signature":")" + signature + R"("})",
       Errc::malformed},
      {"payload null", R"({"protected":")" + encoded + R"(","payload":null,"signature":")" + signature + R"("})",
       Errc::malformed},
      {"payload an object", R"({"protected":")" + encoded + R"(","payload":{},"signature":")" + signature + R"("})",
       Errc::malformed},
      {"no protected header", R"({"payload":"e30","signature":")" + signature + R"("})", Errc::malformed},
      {"no signature", R"({"protected":")" + encoded + R"(","payload":"e30"})", Errc::malformed},
      {"member twice (8555-6.2-19)", Parts{.header = good, .extra = R"(,"payload":"e30")"}.body(), Errc::malformed},
      {"more after it", Parts{.header = good}.body() + "{}", Errc::malformed},
      // encodings
      {"empty signature", with_signature(""), Errc::malformed},
      {"signature with padding (8555-6.1-5)", with_signature(signature + "=="), Errc::malformed},
      {"signature of the other alphabet", with_signature("+/" + std::string(84, 'A')), Errc::malformed},
      {"signature with white space", with_signature(std::string(85, 'A') + " A"), Errc::malformed},
      {"signature with loose bits", with_signature(std::string(85, 'A') + "B"), Errc::malformed},
      {"signature too short (8555-6.2-18)", with_signature(std::string(82, 'A')), Errc::malformed},
      {"signature too long", with_signature(std::string(88, 'A')), Errc::malformed},
      {"signature in DER", with_signature(to_base64url(Bytes(70, 0x30))), Errc::malformed},
      {"payload with padding",
       R"({"protected":")" + encoded + R"(","payload":"e30=","signature":")" + signature + R"("})", Errc::malformed},
      {"header with padding",
       R"({"protected":")" + encoded + R"(=","payload":"e30","signature":")" + signature + R"("})", Errc::malformed},
      // protected header
      {"header no object", Parts{.header = "[]"}.body(), Errc::malformed},
      {"header empty", Parts{.header = ""}.body(), Errc::malformed},
      {"header member twice", Parts{.header = header_with(kid + R"(,"alg":"ES256")")}.body(), Errc::malformed},
      {"header not UTF-8", Parts{.header = header_with(kid + ",\"x\":\"\xC0\xAF\"")}.body(), Errc::malformed},
      {"crit (8555-6.2-5)", Parts{.header = header_with(kid + R"(,"crit":["exp"],"exp":1)")}.body(), Errc::malformed},
      {"crit empty", Parts{.header = header_with(kid + R"(,"crit":[])")}.body(), Errc::malformed},
      {"b64 false", Parts{.header = header_with(kid + R"(,"b64":false,"crit":["b64"])")}.body(), Errc::malformed},
      {"b64 alone", Parts{.header = header_with(kid + R"(,"b64":false)")}.body(), Errc::malformed},
      {"jwk and kid (8555-6.2-8)", Parts{.header = header_with(jwk + "," + kid)}.body(), Errc::malformed},
      {"neither jwk nor kid", Parts{.header = header_with(R"("typ":"JOSE")")}.body(), Errc::malformed},
      {"kid empty", Parts{.header = header_with(R"("kid":"")")}.body(), Errc::malformed},
      {"kid a number", Parts{.header = header_with(R"("kid":7)")}.body(), Errc::malformed},
      {"jwk a string", Parts{.header = header_with(R"("jwk":"x")")}.body(), Errc::malformed},
      {"jwk null", Parts{.header = header_with(R"("jwk":null,)" + kid)}.body(), Errc::malformed},
      {"alg missing", Parts{.header = R"({"nonce":"bm9uY2U","url":"https://ca/x",)" + kid + "}"}.body(),
       Errc::malformed},
      {"alg a number", Parts{.header = R"({"alg":256,"nonce":"bm9uY2U","url":"https://ca/x",)" + kid + "}"}.body(),
       Errc::malformed},
      // algorithms (8555-6.2-9, 8555-6.2-12)
      {"alg none", Parts{.header = R"({"alg":"none","nonce":"bm9uY2U","url":"https://ca/x",)" + kid + "}"}.body(),
       Errc::bad_signature_algorithm},
      {"alg HS256", Parts{.header = R"({"alg":"HS256","nonce":"bm9uY2U","url":"https://ca/x",)" + jwk + "}"}.body(),
       Errc::bad_signature_algorithm},
      {"alg in lower case",
       Parts{.header = R"({"alg":"es256","nonce":"bm9uY2U","url":"https://ca/x",)" + kid + "}"}.body(),
       Errc::bad_signature_algorithm},
      {"alg PS256", Parts{.header = R"({"alg":"PS256","nonce":"bm9uY2U","url":"https://ca/x",)" + kid + "}"}.body(),
       Errc::bad_signature_algorithm},
      {"RS256 with an EC key (8555-6.2-18)",
       Parts{.header = R"({"alg":"RS256","nonce":"bm9uY2U","url":"https://ca/x",)" + jwk + "}"}.body(),
       Errc::bad_signature_algorithm},
      {"ES256 with a P-521 key", Parts{.header = header_with("\"jwk\":" + kRfcP521Jwk)}.body(),
       Errc::bad_signature_algorithm},
      {"ES256 with an RSA key", Parts{.header = header_with("\"jwk\":" + kRfcRsaJwk)}.body(),
       Errc::bad_signature_algorithm},
      {"the jwk's alg differs",
       Parts{.header = header_with(R"("jwk":)" + kRfcEcJwk.substr(0, kRfcEcJwk.size() - 1) + R"(,"alg":"ES384"})")}
           .body(),
       Errc::bad_signature_algorithm},
      // url and nonce
      {"url missing (8555-6.4-1)", Parts{.header = R"({"alg":"ES256","nonce":"bm9uY2U",)" + kid + "}"}.body(),
       Errc::unauthorized},
      {"url a number", Parts{.header = R"({"alg":"ES256","nonce":"bm9uY2U","url":1,)" + kid + "}"}.body(),
       Errc::malformed},
      {"nonce missing (8555-6.5-5)", Parts{.header = R"({"alg":"ES256","url":"https://ca/x",)" + kid + "}"}.body(),
       Errc::bad_nonce},
      {"nonce empty", Parts{.header = R"({"alg":"ES256","nonce":"","url":"https://ca/x",)" + kid + "}"}.body(),
       Errc::bad_nonce},
      {"nonce not base64url (8555-6.5.2-1)",
       Parts{.header = R"({"alg":"ES256","nonce":"a nonce!","url":"https://ca/x",)" + kid + "}"}.body(),
       Errc::malformed},
      {"nonce a number", Parts{.header = R"({"alg":"ES256","nonce":5,"url":"https://ca/x",)" + kid + "}"}.body(),
       Errc::malformed},
  };
  for (auto const& c : cases) {
    auto const jws = parse_jws(c.body);
    ASSERT_FALSE(jws.ok()) << c.name;
    EXPECT_EQ(jws.error().code(), c.code) << c.name << ": " << jws.error().detail();
  }
}

// 8555-6.2-18: CVE-2022-21449 and its kin.
TEST(Verify, RefusesNumbersOutOfRange) {
  auto const key = key_of(object_of(kRfcEcJwk));
  Bytes const zero(32, 0);
  Bytes const one = [&] {
    Bytes b = zero;
    b.back() = 1;
    return b;
  }();
  auto const order = from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").value();
  Bytes const all_ones(32, 0xff);
  for (auto const& [name, r, s] :
       {std::tuple("zeros", zero, zero), std::tuple("r is zero", zero, one), std::tuple("s is zero", one, zero),
        std::tuple("r is n", order, one), std::tuple("s is n", one, order), std::tuple("over n", all_ones, all_ones)}) {
    Bytes signature = r;
    signature.insert(signature.end(), s.begin(), s.end());
    auto jws = jws_of("ES256", "a.b", to_base64url(signature));
    auto const outcome = verify(jws, key);
    ASSERT_FALSE(outcome.ok()) << name;
    EXPECT_EQ(outcome.error().code(), Errc::malformed) << name;
    EXPECT_NE(outcome.error().detail().find("out of range"), std::string::npos) << name;
  }
  // In range, and wrong.
  Bytes signature = one;
  signature.insert(signature.end(), one.begin(), one.end());
  EXPECT_EQ(verify(jws_of("ES256", "a.b", to_base64url(signature)), key).error().detail(),
            "the JWS signature is wrong");
}

TEST(Verify, RefusesAKeyOfAnotherKind) {
  auto const jws = jws_of("ES256", "a.b", std::string(86, 'A'));
  for (auto const& jwk : {kRfcP521Jwk, kRfcRsaJwk, kRfcEdJwk}) {
    EXPECT_EQ(verify(jws, key_of(object_of(jwk))).error().code(), Errc::bad_signature_algorithm) << jwk;
  }
}

TEST(Verify, RefusesTheSignatureOfAnotherKey) {
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const jws = parse_jws(sign_jws(key, {.url = "https://ca/x", .nonce = "bm9uY2U", .kid = "k"}, "{}")).value();
  EXPECT_TRUE(verify(jws, key.public_key()).ok());
  EXPECT_EQ(verify(jws, key_of(object_of(kRfcEcJwk))).error().code(), Errc::malformed);
}

// --- external account binding ---

TEST(ReadEab, WhatAnotherImplementationMade) {
  for (auto const& element : read_cases("jws/eab.json")) {
    auto const& c = *element.as_object();
    auto const name = text_of(c, "name");
    auto const eab = read_eab(json::need_object(c, "binding").value());
    ASSERT_TRUE(eab.ok()) << name << ": " << eab.error().detail();
    SecretBytes const mac_key(from_base64url(text_of(c, "mac_key")).value());
    EXPECT_EQ(to_string(eab->algorithm), name.substr(0, 5));
    EXPECT_EQ(eab->kid, text_of(c, "kid")) << name;
    EXPECT_EQ(eab->url, text_of(c, "url")) << name;
    // The payload carries optional members: compared as a key, not as octets.
    EXPECT_EQ(eab->key, key_of(json::need_object(c, "jwk").value())) << name;
    EXPECT_TRUE(verify(*eab, mac_key).ok()) << name;
    EXPECT_EQ(verify(*eab, SecretBytes(Bytes(32, 7))).error().code(), Errc::unauthorized) << name;
    EXPECT_EQ(verify(*eab, SecretBytes()).error().code(), Errc::unauthorized) << name;
  }
}

TEST(MakeEab, IsReadAndVerified) {
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key();
  SecretBytes const mac_key(Bytes(32, 9));
  for (auto algorithm : {MacAlgorithm::hs256, MacAlgorithm::hs384, MacAlgorithm::hs512}) {
    auto const eab = read_eab(make_eab("kid-1", mac_key, algorithm, "https://ca/new-account", key)).value();
    EXPECT_EQ(eab.algorithm, algorithm);
    EXPECT_EQ(eab.kid, "kid-1");
    EXPECT_EQ(eab.url, "https://ca/new-account");
    EXPECT_EQ(eab.key, key);
    EXPECT_TRUE(verify(eab, mac_key).ok());
    auto truncated = eab;
    truncated.mac.resize(16);
    EXPECT_FALSE(verify(truncated, mac_key).ok());
  }
}

// 8555-7.3.4-2
TEST(ReadEab, RefusesWrongForms) {
  struct Case {
    char const* name;
    std::string header;
    std::string payload;
    Errc code = Errc::malformed;
  };
  std::string const good = R"({"alg":"HS256","kid":"k","url":"https://ca/x"})";
  ASSERT_TRUE(read_eab(object_of(Parts{.header = good, .payload = kRfcEcJwk}.body())).ok());
  Case const cases[] = {
      {"nonce", R"({"alg":"HS256","kid":"k","url":"https://ca/x","nonce":"bm9uY2U"})", kRfcEcJwk},
      {"jwk", R"({"alg":"HS256","kid":"k","url":"https://ca/x","jwk":{}})", kRfcEcJwk},
      {"alg ES256", R"({"alg":"ES256","kid":"k","url":"https://ca/x"})", kRfcEcJwk},
      {"alg none", R"({"alg":"none","kid":"k","url":"https://ca/x"})", kRfcEcJwk},
      {"no kid", R"({"alg":"HS256","url":"https://ca/x"})", kRfcEcJwk},
      {"kid empty", R"({"alg":"HS256","kid":"","url":"https://ca/x"})", kRfcEcJwk},
      {"kid not ASCII (8555-7.3.4-1)", "{\"alg\":\"HS256\",\"kid\":\"k\xC3\xA4\",\"url\":\"https://ca/x\"}", kRfcEcJwk},
      {"no url", R"({"alg":"HS256","kid":"k"})", kRfcEcJwk},
      {"crit", R"({"alg":"HS256","kid":"k","url":"https://ca/x","crit":[]})", kRfcEcJwk},
      {"payload no JWK", good, "[]"},
      {"payload empty", good, ""},
      {"payload a private key", good, kRfcEcJwk.substr(0, kRfcEcJwk.size() - 1) + R"(,"d":"AA"})"},
      {"payload an unknown key", good, R"({"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"})", Errc::bad_public_key},
  };
  for (auto const& c : cases) {
    auto const eab = read_eab(object_of(Parts{.header = c.header, .payload = c.payload}.body()));
    ASSERT_FALSE(eab.ok()) << c.name;
    EXPECT_EQ(eab.error().code(), c.code) << c.name << ": " << eab.error().detail();
    EXPECT_TRUE(eab.error().detail().starts_with("external account binding: ")) << c.name;
  }
}

}  // namespace
}  // namespace lenscap::acme
