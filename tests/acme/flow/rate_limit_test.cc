#include "acme/flow/rate_limit.h"

#include <gtest/gtest.h>

#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme::test {
namespace {

RateLimit limit_of(char const* text) { return parse_rate_limit(text).value(); }

// Uses as many as are allowed at `now`.
int use_up(RateLimit const& limit, RateUse& use, Time now) {
  int used = 0;
  for (; time_to_wait(limit, use, now) == Seconds(0) && used < 10'000; ++used) use = count_use(limit, use, now);
  return used;
}

TEST(ParseRateLimit, WhatSettingsSay) {
  struct Case {
    char const* text;
    std::optional<RateLimit> limit;
  };
  Case const cases[] = {
      {"1000/1h", RateLimit{1000, kHour}},
      {"5/90s", RateLimit{5, Seconds(90)}},
      {"1/1d", RateLimit{1, kDay}},
      {"1000000/1s", RateLimit{1'000'000, Seconds(1)}},
      {"none", RateLimit{}},
      {"", {}},
      {"0/1h", {}},
      {"-1/1h", {}},
      {"+1/1h", {}},
      {" 1/1h", {}},
      {"1/0s", {}},
      {"1/2d", {}},
      {"1/h", {}},
      {"1/", {}},
      {"/1h", {}},
      {"1000", {}},
      {"1000001/1h", {}},
      {"99999999999999999999/1h", {}},
      {"1/1h/1h", {}},
      {"None", {}},
  };
  for (auto const& c : cases) {
    auto const limit = parse_rate_limit(c.text);
    ASSERT_EQ(limit.ok(), c.limit.has_value()) << c.text;
    if (limit) {
      EXPECT_EQ(*limit, *c.limit) << c.text;
    } else {
      EXPECT_EQ(limit.error().code(), Errc::settings) << c.text;
    }
  }
}

TEST(RateLimits, SoManyAtOnceAndThenEvenly) {  // 8555-6.6-1
  struct Case {
    char const* limit;
    int at_once;
    Seconds first_wait;  // until the next one
  };
  for (auto const& c : {Case{"1/1h", 1, kHour}, Case{"4/1h", 4, Seconds(900)}, Case{"7/1m", 7, Seconds(9)},
                        Case{"1000/1s", 1000, Seconds(1)}, Case{"3/1d", 3, Seconds(28'800)}}) {
    SCOPED_TRACE(c.limit);
    auto const limit = limit_of(c.limit);
    RateUse use;
    EXPECT_EQ(use_up(limit, use, kNow), c.at_once);
    EXPECT_EQ(time_to_wait(limit, use, kNow), c.first_wait);
    EXPECT_GT(time_to_wait(limit, use, kNow + c.first_wait - Seconds(1)), Seconds(0));
    EXPECT_EQ(time_to_wait(limit, use, kNow + c.first_wait), Seconds(0));
    auto const later = kNow + limit.window;
    EXPECT_TRUE(is_forgettable(limit, use, later));
    EXPECT_FALSE(is_forgettable(limit, use, later - Seconds(1)));
    EXPECT_EQ(use_up(limit, use, later), c.at_once);
    EXPECT_EQ(use_up(limit, use, later + kDay * 3650), c.at_once);  // nothing is saved up
  }
}

// Whoever comes back each time when told to gets `count` in a window, no more and no fewer.
TEST(RateLimits, InTheLongRunItIsTheRate) {
  for (auto const* text : {"7/1m", "13/1h", "100/90s"}) {
    auto const limit = limit_of(text);
    RateUse use;
    Time now = kNow;
    int used = use_up(limit, use, now) - static_cast<int>(limit.count);
    while (now < kNow + limit.window * 10) {
      now += time_to_wait(limit, use, now);
      used += use_up(limit, use, now);
    }
    EXPECT_NEAR(static_cast<double>(used), static_cast<double>(limit.count * 10), 1) << text;
  }
}

TEST(RateLimits, WithoutALimitNobodyWaits) {
  EXPECT_EQ(time_to_wait(RateLimit{}, RateUse{1'000'000, kNow}, kNow), Seconds(0));
}

// What goes beyond, since it was under way already, is not owed later.
TEST(RateLimits, ManyUsesBeyondCostNoMoreThanAFullBucket) {
  auto const limit = limit_of("4/1h");
  RateUse use;
  for (int i = 0; i < 1000; ++i) use = count_use(limit, use, kNow);
  EXPECT_EQ(time_to_wait(limit, use, kNow), Seconds(900));
}

TEST(RateLimits, AClockThatRunsBackGivesNothing) {
  auto const limit = limit_of("2/1h");
  RateUse use;
  EXPECT_EQ(use_up(limit, use, kNow), 2);
  EXPECT_EQ(use_up(limit, use, kNow - kDay), 0);
  use = count_use(limit, use, kNow - kDay);
  EXPECT_EQ(use.at, kNow);
  EXPECT_EQ(use_up(limit, use, kNow + Seconds(1800)), 1);
}

}  // namespace
}  // namespace lenscap::acme::test
