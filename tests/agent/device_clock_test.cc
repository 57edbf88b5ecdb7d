#include "agent/device_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/agent_values.h"

namespace lenscap::agent {
namespace {

using testing::kNow;

TEST(ClockNote, OnlyWhatIsWorthAWord) {
  struct {
    std::optional<Seconds> offset;
    char const* note;
  } const cases[] = {
      {std::nullopt, ""},
      {Seconds(0), ""},
      {5 * kMinute, ""},
      {-5 * kMinute, ""},
      {6 * kMinute, "its clock is 6 minutes ahead"},
      {-3 * kHour, "its clock is 3 hours behind"},
      {3650 * kDay, "its clock is 3650 days ahead"},
  };
  for (auto const& c : cases) EXPECT_EQ(clock_note(c.offset), c.note);
}

TEST(CheckClock, TheCertificateMustBeValidThere) {
  Validity const validity{kNow - kHour, kNow + 90 * kDay};
  struct {
    char const* name;
    std::optional<Seconds> offset;
    bool good;
  } const cases[] = {
      {"unknown", std::nullopt, true},
      {"right", Seconds(0), true},
      {"an hour behind", -kHour, true},
      {"a second more", -kHour - Seconds(1), false},
      {"just before its end", 90 * kDay - Seconds(1), true},
      {"at its end", 90 * kDay, false},
      {"1970", kNow.time_since_epoch() * -1, false},
      {"ten years ahead", 3650 * kDay, false},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    auto const checked = check_clock(c.offset, validity, kNow);
    EXPECT_EQ(checked.ok(), c.good);
    if (checked.ok()) continue;
    EXPECT_EQ(checked.error().code, DeviceErrc::clock_wrong);
    EXPECT_EQ(checked.error().retry, Retry::later);
    EXPECT_THAT(checked.error().text, ::testing::HasSubstr("time server"));
  }
}

TEST(ExpectedValidity, AsLongAsTheFormerOne) {
  auto const first = expected_validity(std::nullopt, kNow);
  EXPECT_EQ(first.not_before, kNow - kHour);
  EXPECT_EQ(first.not_after, kNow - kHour + 90 * kDay);
  Validity const former{kNow - 5 * kDay, kNow + 2 * kDay};
  EXPECT_EQ(expected_validity(former, kNow).not_after, kNow - kHour + 7 * kDay);
}

}  // namespace
}  // namespace lenscap::agent
