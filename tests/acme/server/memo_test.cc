#include "acme/server/records/memo.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>
#include <vector>

namespace lenscap::acme::records {
namespace {

std::string loud(std::string_view key, std::string_view text) { return std::string(key).append(text) + "!"; }

TEST(Memo, GivesWhatTheFunctionGaveAndAsksItOnce) {
  Memo<std::string> memo(8);
  int asked = 0;
  auto const read = [&](std::string_view key, std::string_view text) {
    ++asked;
    return loud(key, text);
  };
  EXPECT_EQ(memo.of("1", "a", read), "1a!");
  EXPECT_EQ(memo.of("1", "b", read), "1b!");
  EXPECT_EQ(memo.of("1", "a", read), "1a!");
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(memo.of("2", "a", read), "2a!");  // the same text under another key
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(memo.size(), 3U);
}

TEST(Memo, RemembersNoFailure) {
  Memo<std::string> memo(8);
  auto const fail = [](std::string_view, std::string_view) -> std::string { throw std::runtime_error("no"); };
  EXPECT_THROW(memo.of("1", "a", fail), std::runtime_error);
  EXPECT_EQ(memo.size(), 0U);
  EXPECT_EQ(memo.of("1", "a", loud), "1a!");
}

TEST(Memo, IsBoundedAndKeepsWhatIsInUse) {
  Memo<std::string> memo(4);
  int asked = 0;
  auto const count = [&](std::string_view key, std::string_view text) {
    ++asked;
    return loud(key, text);
  };
  EXPECT_EQ(memo.of("1", "used", count), "1used!");
  for (int i = 0; i < 40; ++i) {
    memo.of(std::to_string(i), "", loud);
    EXPECT_LE(memo.size(), 8U);
    EXPECT_EQ(memo.of("1", "used", count), "1used!");
  }
  EXPECT_EQ(asked, 1);
  memo.of("1", "idle", count);
  for (int i = 100; i < 108; ++i) memo.of(std::to_string(i), "", loud);
  memo.of("1", "idle", count);
  EXPECT_EQ(asked, 3);
}

TEST(Memo, FromManyThreads) {
  Memo<std::string> memo(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 300; ++i) {
        auto const text = std::to_string((i * (t + 1)) % 12);
        EXPECT_EQ(memo.of("1", text, loud), loud("1", text));
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_LE(memo.size(), 8U);
}

}  // namespace
}  // namespace lenscap::acme::records
