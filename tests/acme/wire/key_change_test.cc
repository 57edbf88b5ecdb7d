#include "acme/wire/key_change.h"

#include <gtest/gtest.h>

#include "tests/acme/wire/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

constexpr char const* kUrl = "https://ca/acme/key-change";
constexpr char const* kAccount = "https://ca/acme/account/1";

TEST(ReadKeyChange, WhatAnotherImplementationSigned) {
  auto const cases = read_cases("jws/key_change.json");
  EXPECT_EQ(cases.size(), 4U);
  for (auto const& element : cases) {
    auto const& c = *element.as_object();
    auto const change = read_key_change(text_of(c, "payload"));
    ASSERT_TRUE(change.ok()) << text_of(c, "name") << ": " << change.error().detail();
    EXPECT_EQ(change->url, text_of(c, "url"));
    EXPECT_EQ(change->account, text_of(c, "account"));
    EXPECT_EQ(change->new_key, key_of(json::need_object(c, "new").value()));
    EXPECT_EQ(change->old_key, key_of(json::need_object(c, "old").value()));
  }
}

TEST(MakeKeyChange, IsReadForEveryPairOfKeyTypes) {
  for (auto const& from : signature_algorithms()) {
    auto const old_key = x509::PrivateKey::generate(from.key).public_key();
    for (auto const& to : signature_algorithms()) {
      auto const new_key = x509::PrivateKey::generate(to.key);
      auto const change = read_key_change(make_key_change(new_key, kUrl, kAccount, old_key));
      ASSERT_TRUE(change.ok()) << from.name << " to " << to.name << ": " << change.error().detail();
      EXPECT_EQ(change->new_key, new_key.public_key());
      EXPECT_EQ(change->old_key, old_key);
      EXPECT_EQ(change->url, kUrl);
      EXPECT_EQ(change->account, kAccount);
    }
  }
}

// 8555-7.3.5-1, 8555-7.3.5-2
TEST(ReadKeyChange, RefusesWrongForms) {
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const good = json::Object{{"account", kAccount}, {"oldKey", object_of(kRfcEcJwk)}};
  auto const signed_with = [&](SigningHeader const& header, json::Object const& payload) {
    return sign_jws(key, header, json::write(payload));
  };
  auto const payload = [&](char const* member, json::Value value) {
    auto object = good;
    return signed_with({.url = kUrl}, object.set(member, std::move(value)));
  };
  auto const edited = [&](char const* member, json::Value value) {
    auto object = object_of(signed_with({.url = kUrl}, good));
    return json::write(object.set(member, std::move(value)));
  };
  // Members that we do not know are passed over.
  ASSERT_TRUE(read_key_change(payload("newKey", json::Object{})).ok());

  auto const header_without_url = Parts{.header = R"({"alg":"ES256","jwk":)" + kRfcEcJwk + "}"}.body();
  auto const small = x509::PrivateKey::generate(x509::KeyType::rsa, 1024);
  struct Case {
    char const* name;
    std::string text;
    Errc code = Errc::malformed;
  };
  Case const cases[] = {
      {"empty", ""},
      {"no JWS", json::write(good)},
      {"compact form", "a.b.c"},
      {"the key of an account by kid", signed_with({.url = kUrl, .nonce = {}, .kid = kAccount}, good)},
      {"a nonce", signed_with({.url = kUrl, .nonce = "bm9uY2U"}, good)},
      {"an empty nonce", Parts{.header = R"({"alg":"ES256","nonce":"","url":"u","jwk":)" + kRfcEcJwk + "}"}.body()},
      {"no url", header_without_url},
      {"url a number", Parts{.header = R"({"alg":"ES256","url":1,"jwk":)" + kRfcEcJwk + "}"}.body()},
      {"crit", Parts{.header = R"({"alg":"ES256","url":"u","crit":[],"jwk":)" + kRfcEcJwk + "}"}.body()},
      {"unprotected header", edited("header", json::Object{})},
      {"another payload than the signed one", edited("payload", to_base64url(as_bytes("{}")))},
      {"no signature", edited("signature", "")},
      {"signature of zeros", edited("signature", to_base64url(Bytes(64, 0)))},
      {"none", Parts{.header = R"({"alg":"none","url":"u","jwk":)" + kRfcEcJwk + "}"}.body(),
       Errc::bad_signature_algorithm},
      {"an algorithm of another key", Parts{.header = R"({"alg":"ES384","url":"u","jwk":)" + kRfcEcJwk + "}"}.body(),
       Errc::bad_signature_algorithm},
      {"a weak new key (8555-7.3.5-6)", make_key_change(small, kUrl, kAccount, key_of(object_of(kRfcEcJwk))),
       Errc::bad_public_key},
      {"payload empty", sign_jws(key, {.url = kUrl}, "")},
      {"payload no object", sign_jws(key, {.url = kUrl}, "[]")},
      {"no account", signed_with({.url = kUrl}, {{"oldKey", object_of(kRfcEcJwk)}})},
      {"account a number", payload("account", 1)},
      {"no oldKey", signed_with({.url = kUrl}, {{"account", kAccount}})},
      {"oldKey a string", payload("oldKey", "x")},
      {"oldKey private", payload("oldKey", object_of(kRfcEcJwk).set("d", "AA"))},
      {"oldKey incomplete", payload("oldKey", json::Object{{"kty", "EC"}, {"crv", "P-256"}})},
  };
  for (auto const& c : cases) {
    auto const change = read_key_change(c.text);
    ASSERT_FALSE(change.ok()) << c.name;
    EXPECT_EQ(change.error().code(), c.code) << c.name << ": " << change.error().detail();
    EXPECT_TRUE(change.error().detail().starts_with("key change: ")) << c.name;
  }
}

}  // namespace
}  // namespace lenscap::acme
