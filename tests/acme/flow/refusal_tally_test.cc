// How many lines a number of refusals make: the first at once, its like when ten minutes are over, and never more than
// the limits say, whatever clients do.
#include "acme/flow/refusal_tally.h"

#include <gtest/gtest.h>

namespace lenscap::acme {
namespace {

Time const kStart = parse_rfc3339("2026-06-01T12:00:00Z").value();
constexpr Seconds kWindow = 10 * kMinute;

Refusal refusal(std::string who, Errc rule = Errc::rejected_identifier, std::string detail = "no") {
  return {.who = std::move(who), .rule = rule, .what = "/acme/new-order", .detail = std::move(detail)};
}

// Refusals at these seconds, and a look at what is due at those: how many lines, and of how many refusals.
struct Case {
  char const* name;
  std::vector<int> refused;
  struct Told {
    int at;
    std::vector<std::uint64_t> counts;
  };
  std::vector<Told> told;
};

TEST(RefusalTally, TellsTheFirstAtOnceAndTheOthersTogether) {
  Case const cases[] = {
      {"none", {}, {{0, {}}, {600, {}}}},
      {"one", {5}, {{60, {1}}, {120, {}}, {660, {}}, {6000, {}}}},
      {"some before the first look", {1, 2, 3}, {{60, {3}}, {120, {}}, {660, {}}}},
      {"more within the window", {1, 70, 80}, {{60, {1}}, {120, {}}, {659, {}}, {660, {2}}, {720, {}}}},
      {"for ever", {1, 70, 700, 701}, {{60, {1}}, {660, {1}}, {720, {}}, {1260, {2}}}},
      {"again after a quiet window", {1, 1500}, {{60, {1}}, {660, {}}, {1501, {1}}}},
      {"the clock set back by a day", {1, 62}, {{60, {1}}, {-86'400, {1}}}},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    RefusalTally tally;
    auto next = c.refused.begin();
    for (auto const& told : c.told) {
      // A clock that was set back comes after everything.
      for (; next != c.refused.end() && (told.at < 0 || *next <= told.at); ++next)
        tally.count(refusal("a"), kStart + Seconds(*next));
      std::vector<std::uint64_t> counts;
      for (auto const& line : tally.take_due(kStart + Seconds(told.at))) counts.push_back(line.count);
      EXPECT_EQ(counts, told.counts) << "at second " << told.at;
    }
  }
}

TEST(RefusalTally, ALineHasTheLatestOfItsRefusals) {
  RefusalTally tally;
  tally.count(refusal("a", Errc::bad_csr, "first"), kStart);
  tally.count(refusal("a", Errc::bad_csr, "second"), kStart + Seconds(9));
  RefusalLine const expected{refusal("a", Errc::bad_csr, "second"), kStart, kStart + Seconds(9), 2};
  EXPECT_EQ(tally.take_due(kStart + kMinute), std::vector{expected});
}

TEST(RefusalTally, EachAccountAndRuleHasItsOwnLine) {
  RefusalTally tally;
  for (auto const* account : {"a", "b"})
    for (auto const rule : {Errc::bad_csr, Errc::unauthorized}) tally.count(refusal(account, rule), kStart);
  EXPECT_EQ(tally.take_due(kStart).size(), 4U);
}

TEST(RefusalTally, WhatWaitsIsToldAtTheEnd) {
  RefusalTally tally;
  tally.count(refusal("a"), kStart);
  EXPECT_EQ(tally.take_due(kStart).size(), 1U);
  tally.count(refusal("a"), kStart);
  EXPECT_EQ(tally.take_due(kStart).size(), 0U);
  EXPECT_EQ(tally.take_all().size(), 1U);
  EXPECT_EQ(tally.take_all().size(), 0U);
}

// Who makes an account for each refusal gets no line for each: a day of that, once a second.
TEST(RefusalTally, AFloodOfAccountsIsBounded) {
  RefusalTally tally;
  std::size_t lines = 0;
  std::uint64_t refusals = 0;
  int number = 0;
  for (Seconds second{0}; second < kDay; ++second) {
    for (auto const rule : {Errc::bad_csr, Errc::unauthorized})
      tally.count(refusal("account" + std::to_string(++number), rule), kStart + second);
    if (second % kMinute != Seconds(0)) continue;
    for (auto const& line : tally.take_due(kStart + second)) {
      ++lines;
      refusals += line.count;
    }
  }
  for (auto const& line : tally.take_all()) refusals += line.count;
  EXPECT_LE(lines, static_cast<std::size_t>(kDay / kWindow) * (64 + 2));
  EXPECT_EQ(refusals, 2U * static_cast<std::uint64_t>(kDay.count()));  // each is counted all the same
}

TEST(RefusalTally, OthersAreCountedTogetherWhenThereAreTooMany) {
  RefusalTally tally({.window = kWindow, .lines_max = 2});
  for (auto const* account : {"a", "b", "c", "d"}) tally.count(refusal(account), kStart);
  auto const lines = tally.take_due(kStart);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines.front().latest.who, "");
  EXPECT_EQ(lines.front().count, 2U);
}

TEST(RefusalTally, LongTextsAreCutBetweenCharacters) {
  RefusalTally tally({.window = kWindow, .lines_max = 2, .text_octets = 4});
  tally.count(refusal("a", Errc::malformed, "abc\xC3\xA4z"), kStart);
  auto const lines = tally.take_due(kStart);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines.front().latest.detail, "abc");
}

}  // namespace
}  // namespace lenscap::acme
