#include "acme/server/use_table.h"

#include <gtest/gtest.h>

#include <thread>

namespace lenscap::acme {
namespace {

Time const kNow = from_unix(1'800'000'000);
RateLimit const kTwoAnHour{2, kHour};

TEST(UseTable, EachHasALimitOfItsOwn) {
  UseTable table(kTwoAnHour);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(table.time_to_wait("a", kNow), Seconds(0));
    table.count_use("a", kNow);
  }
  EXPECT_EQ(table.time_to_wait("a", kNow), Seconds(1800));
  EXPECT_EQ(table.time_to_wait("b", kNow), Seconds(0));
  EXPECT_EQ(table.time_to_wait("a", kNow + Seconds(1800)), Seconds(0));
}

TEST(UseTable, WithoutALimitNothingIsKept) {
  UseTable table(RateLimit{});
  table.count_use("a", kNow);
  EXPECT_EQ(table.time_to_wait("a", kNow), Seconds(0));
  EXPECT_EQ(table.size(), 0U);
}

TEST(UseTable, AskingAloneKeepsNothing) {
  UseTable table(kTwoAnHour);
  for (int i = 0; i < 100; ++i) (void)table.time_to_wait(std::to_string(i), kNow);
  EXPECT_EQ(table.size(), 0U);
}

TEST(UseTable, IsBoundedAndForgetsTheOldest) {
  UseTable table(kTwoAnHour, 4);
  auto const use_up = [&](std::string const& who) {
    table.count_use(who, kNow);
    table.count_use(who, kNow);
  };
  use_up("idle");
  use_up("asks");
  for (int i = 0; i < 40; ++i) {
    table.count_use("somebody " + std::to_string(i), kNow);
    EXPECT_LE(table.size(), 8U);
    EXPECT_GT(table.time_to_wait("asks", kNow), Seconds(0)) << i;
  }
  EXPECT_EQ(table.time_to_wait("idle", kNow), Seconds(0));
}

TEST(UseTable, FromManyThreads) {
  UseTable table({1'000'000, kHour}, 4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&table, t] {
      for (int i = 0; i < 500; ++i) {
        table.count_use(std::to_string((i + t) % 10), kNow);
        (void)table.time_to_wait(std::to_string(i % 10), kNow);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_LE(table.size(), 8U);
}

}  // namespace
}  // namespace lenscap::acme
