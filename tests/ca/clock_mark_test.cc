#include "ca/clock_mark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ca/ledger_fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct ClockMark : Ledger {};

TEST_F(ClockMark, ClockThatRunsBack) {
  ASSERT_TRUE(intend(draft(names({"a.cams.example"}), kNow)).ok());
  EXPECT_EQ(read(clock_mark), kNow);
  EXPECT_TRUE(intend(draft(names({"b.cams.example"}), kNow - Seconds(300))).ok());
  EXPECT_EQ(read(clock_mark), kNow) << "the mark never falls";
  auto const outcome = intend(draft(names({"c.cams.example"}), kNow - Seconds(301)));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), Errc::unavailable);
  EXPECT_THAT(outcome.error().detail(), HasSubstr("2026-06-01T11:54:59Z"));
  EXPECT_THAT(newest(), ElementsAre("a.cams.example", "b.cams.example"));  // by the clock of each
}

TEST(CheckClock, TableOfTimes) {
  EXPECT_TRUE(check_clock({}, kNow).ok());
  EXPECT_TRUE(check_clock(kNow, kNow + 100 * kDay).ok());
  EXPECT_TRUE(check_clock(kNow, kNow - Seconds(300)).ok());
  EXPECT_FALSE(check_clock(kNow, kNow - Seconds(301)).ok());
  auto const begins = from_unix(kProgramBegins);
  EXPECT_TRUE(check_clock({}, begins).ok());
  EXPECT_FALSE(check_clock({}, begins - Seconds(1)).ok()) << "also when nothing was ever signed";
  EXPECT_FALSE(check_clock(begins - kDay, begins - Seconds(1)).ok()) << "also when it was wrong before";
  EXPECT_EQ(to_rfc3339(begins), "2026-01-01T00:00:00Z");
}

// A clock that had run ahead once would stop the CA for good if nobody could say so.
TEST_F(ClockMark, AnAcceptedClockEndsTheRefusal) {
  issue(names({"a.cams.example"}), kNow + kDay * 400);
  ASSERT_EQ(intend(draft(names({"b.cams.example"}))).error().code(), Errc::unavailable);
  std::optional<Time> former;
  store->write([&](store::WriteTxn& txn) {
    former = accept_clock(txn, kNow);
    return true;
  });
  EXPECT_EQ(former, kNow + kDay * 400);
  EXPECT_TRUE(intend(draft(names({"b.cams.example"}))).ok());
  store->write([&](store::WriteTxn& txn) {
    former = accept_clock(txn, kNow + kDay);
    return true;
  });
  EXPECT_EQ(former, std::nullopt) << "the mark is never lifted by it";
}

}  // namespace
}  // namespace lenscap::ca::test
