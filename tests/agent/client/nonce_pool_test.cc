#include "agent/client/nonce_pool.h"

#include <gtest/gtest.h>

namespace lenscap::agent {
namespace {

TEST(NoncePool, GivesEachOnceAndTheNewestFirst) {
  NoncePool pool;
  EXPECT_EQ(pool.take(), std::nullopt);
  pool.put("first");
  pool.put("second");
  EXPECT_EQ(pool.take(), "second");
  EXPECT_EQ(pool.take(), "first");
  EXPECT_EQ(pool.take(), std::nullopt);
}

// 8555-6.5.1-1
TEST(NoncePool, DropsWhatIsNotBase64url) {
  NoncePool pool;
  for (std::string_view bad : {"", "a b", "a+b", "a/b", "a=", "a\nb", "\xc3\xa4", "a\"b"}) {
    pool.put(bad);
    EXPECT_EQ(pool.take(), std::nullopt) << bad;
  }
  pool.put(std::string(1025, 'a'));
  EXPECT_EQ(pool.take(), std::nullopt);
  pool.put("AZaz09-_");
  EXPECT_EQ(pool.take(), "AZaz09-_");
}

TEST(NoncePool, IsBoundedAndForgetsTheOldest) {
  NoncePool pool;
  for (int i = 0; i < 1000; ++i) pool.put("n" + std::to_string(i));
  int count = 0;
  EXPECT_EQ(pool.take(), "n999");
  while (pool.take()) ++count;
  EXPECT_LT(count, 64);
}

TEST(NoncePool, ClearForgetsAll) {
  NoncePool pool;
  pool.put("a");
  pool.clear();
  EXPECT_EQ(pool.take(), std::nullopt);
}

}  // namespace
}  // namespace lenscap::agent
