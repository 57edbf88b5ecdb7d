#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace lenscap {
namespace {

// 8555-10.5-1: object URLs cannot be guessed; and they rise with time, for the store's sake.
TEST(NewId, RisesWithTimeAndNeverRepeats) {
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(seen.insert(new_id(from_unix(1'700'000'000))).second);
  EXPECT_LT(*seen.rbegin(), new_id(from_unix(1'700'000'001)));
  EXPECT_EQ(seen.begin()->size(), 36U);
}

}  // namespace
}  // namespace lenscap
