#include "acme/flow/renewal_rules.h"

#include <gtest/gtest.h>

#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

// --- suggested_window ---

TEST(SuggestedWindow, ThePartOfTheLifetimeThatTheProfileNames) {  // 9773-4.2-1, 9773-4.3-1
  Time const begin = kNow;
  auto const window = suggested_window(begin, begin + 100 * kDay - Seconds(1), {}, {60, 73}, kNow);
  EXPECT_EQ(window.start, begin + 60 * kDay);
  EXPECT_EQ(window.end, begin + 73 * kDay);
  EXPECT_EQ(window.retry_after, 6 * kHour);
  // The same at every time, so that a client which asks again draws the same moment.
  for (Time const now : {begin - kDay, begin + 50 * kDay, begin + 70 * kDay, begin + 200 * kDay})
    EXPECT_EQ(suggested_window(begin, begin + 100 * kDay - Seconds(1), {}, {60, 73}, now), window);
  EXPECT_EQ(suggested_window(begin, begin + 100 * kDay - Seconds(1), {}, {10, 95}, kNow).start, begin + 10 * kDay);
}

TEST(SuggestedWindow, NeverEmpty) {
  for (int seconds : {0, 1, 2, 10}) {
    auto const window = suggested_window(kNow, kNow + Seconds(seconds), {}, {60, 61}, kNow);
    EXPECT_LT(window.start, window.end) << seconds;
  }
}

TEST(SuggestedWindow, RevokedMeansNow) {                                 // 9773-4.2-2
  for (Time const revoked : {kNow, kNow - 10 * kDay, kNow + kMinute}) {  // the last by another machine's clock
    auto const window = suggested_window(kNow - kDay, kNow + 90 * kDay, revoked, {60, 73}, kNow);
    EXPECT_LT(window.start, window.end);
    EXPECT_LT(window.end, kNow);
    EXPECT_LT(window.retry_after, 6 * kHour);
    EXPECT_GT(window.retry_after, Seconds(0));
  }
}

// --- judge_replaces ---

TEST(JudgeReplaces, EveryCase) {  // 9773-5-2, 9773-5-3
  constexpr auto kLenient = ReplacesPolicy::lenient;
  constexpr auto kStrict = ReplacesPolicy::strict;
  std::vector<Identifier> const ordered{id_of("a.cams.example"), id_of("10.20.0.7")};
  Predecessor const good{.account_id = "account-1", .identifiers = {id_of("10.20.0.7"), id_of("b.cams.example")}};
  auto foreign = good;
  foreign.account_id = "account-2";
  auto disjoint = good;
  disjoint.identifiers = {id_of("b.cams.example"), id_of("*.cams.example")};
  auto taken = good;
  taken.replaced_by = "order-9";
  auto foreign_and_taken = foreign;
  foreign_and_taken.replaced_by = "order-9";
  struct Case {
    char const* name;
    std::optional<Predecessor> predecessor;
    ReplacesPolicy policy;
    std::optional<Errc> refused;
    bool kept;
  };
  Case const cases[] = {
      {"good", good, kLenient, {}, true},
      {"good, strict", good, kStrict, {}, true},
      {"unknown", {}, kLenient, {}, false},
      {"unknown, strict", {}, kStrict, Errc::malformed, false},
      {"another account's", foreign, kLenient, {}, false},
      {"another account's, strict", foreign, kStrict, Errc::unauthorized, false},
      {"no name in common", disjoint, kLenient, {}, false},
      {"no name in common, strict", disjoint, kStrict, Errc::malformed, false},
      {"replaced already", taken, kLenient, Errc::already_replaced, false},
      {"replaced already, strict", taken, kStrict, Errc::already_replaced, false},
      {"another account's and replaced", foreign_and_taken, kLenient, {}, false},
  };
  for (auto const& c : cases) {
    auto p = policy();
    p.replaces = c.policy;
    auto const judged = judge_replaces("AQ.AQ", c.predecessor, "account-1", ordered, p);
    ASSERT_EQ(judged.ok(), !c.refused) << c.name;
    if (c.refused) {
      EXPECT_EQ(judged.error().code(), *c.refused) << c.name;
      continue;
    }
    EXPECT_EQ(judged->replaces, c.kept ? "AQ.AQ" : "") << c.name;
    EXPECT_EQ(judged->ignored.empty(), c.kept) << c.name;
  }
}

}  // namespace
}  // namespace lenscap::acme
