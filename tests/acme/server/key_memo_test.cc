#include "acme/server/key_memo.h"

#include <gtest/gtest.h>

#include <thread>

#include "acme/wire/jwk.h"

namespace lenscap::acme {
namespace {

json::Object new_jwk(x509::KeyType type = x509::KeyType::ec_p256) {
  return to_jwk(x509::PrivateKey::generate(type).public_key());
}

TEST(KeyMemo, GivesTheSameKeyAsReadJwk) {
  KeyMemo memo(8);
  for (auto type : {x509::KeyType::ec_p256, x509::KeyType::ec_p384, x509::KeyType::ec_p521, x509::KeyType::rsa,
                    x509::KeyType::ed25519}) {
    auto const jwk = new_jwk(type);
    auto const first = memo.read(jwk).value();
    auto const second = memo.read(jwk).value();
    EXPECT_EQ(first, read_jwk(jwk).value().key);
    EXPECT_EQ(second, first);
    EXPECT_EQ(second.native(), first.native());  // not made a second time
  }
  EXPECT_EQ(memo.size(), 5U);
}

TEST(KeyMemo, RemembersNoRefusal) {
  KeyMemo memo(8);
  auto const weak = to_jwk(x509::PrivateKey::generate(x509::KeyType::rsa, 1024).public_key());
  EXPECT_EQ(memo.read(weak).error().code(), Errc::bad_public_key);
  EXPECT_EQ(memo.read({{"kty", "EC"}}).error().code(), Errc::malformed);
  EXPECT_EQ(memo.size(), 0U);
}

TEST(KeyMemo, IsBoundedAndKeepsWhatIsInUse) {
  KeyMemo memo(4);
  auto const used = new_jwk();
  auto const* const made = memo.read(used).value().native();
  for (int i = 0; i < 40; ++i) {
    EXPECT_TRUE(memo.read(new_jwk()).ok());
    EXPECT_LE(memo.size(), 8U);
    EXPECT_EQ(memo.read(used).value().native(), made) << i;
  }
  auto const idle = new_jwk();
  auto const before = memo.read(idle).value();  // held here, so that its address is not used again
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(memo.read(new_jwk()).ok());
  EXPECT_NE(memo.read(idle).value().native(), before.native());
}

TEST(KeyMemo, FromManyThreads) {
  KeyMemo memo(4);
  std::vector<json::Object> jwks;
  std::vector<x509::PublicKey> keys;
  for (int i = 0; i < 12; ++i) {
    jwks.push_back(new_jwk());
    keys.push_back(read_jwk(jwks.back()).value().key);
  }
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 300; ++i) {
        auto const n = (i * (t + 1)) % jwks.size();
        EXPECT_EQ(memo.read(jwks[n]).value(), keys[n]);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_LE(memo.size(), 8U);
}

}  // namespace
}  // namespace lenscap::acme
