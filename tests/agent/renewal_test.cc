#include "agent/renewal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <climits>
#include <set>

#include "agent/inventory.h"
#include "tests/agent/agent_values.h"

namespace lenscap::agent {
namespace {

using testing::kNow;

constexpr char kSerial[] = "ACCC8E68D4D2";
Validity const kNinetyDays{kNow, kNow + 90 * kDay};

std::string serial_number(int i) { return "ACCC8E" + std::to_string(100000 + i); }

TEST(IsDue, AtTwoThirdsGiveOrTakeATenth) {
  std::set<Time> moments;
  for (int i = 0; i < 500; ++i) {
    auto at = due_at(kNow, kNinetyDays, std::nullopt, serial_number(i));
    EXPECT_GE(at, kNow + 54 * kDay - Seconds(90));
    EXPECT_LE(at, kNow + 66 * kDay);
    EXPECT_FALSE(is_due(at - Seconds(1), kNinetyDays, std::nullopt, serial_number(i)));
    EXPECT_TRUE(is_due(at, kNinetyDays, std::nullopt, serial_number(i)));
    moments.insert(at);
  }
  EXPECT_GT(moments.size(), 450U) << "a fleet must not come all at once";
  EXPECT_LT(*moments.begin(), kNow + 55 * kDay);
  EXPECT_GT(*moments.rbegin(), kNow + 65 * kDay);
}

TEST(IsDue, TheMomentDoesNotMove) {
  auto at = due_at(kNow, kNinetyDays, std::nullopt, kSerial);
  for (auto later : {kMinute, kHour, kDay, 80 * kDay}) {
    EXPECT_EQ(due_at(kNow + later, kNinetyDays, std::nullopt, kSerial), at);
  }
}

TEST(IsDue, ShortLivesAreRenewedInProportion) {
  Validity hour{kNow, kNow + kHour};
  EXPECT_FALSE(is_due(kNow + 30 * kMinute, hour, std::nullopt, kSerial));
  EXPECT_TRUE(is_due(kNow + 45 * kMinute, hour, std::nullopt, kSerial));
}

TEST(IsDue, StrangeCertificates) {
  struct Case {
    char const* name;
    Validity validity;
    bool due;
  };
  Case const cases[] = {
      {"expired", {kNow - 90 * kDay, kNow - kDay}, true},
      {"not valid yet", {kNow + kDay, kNow + 91 * kDay}, false},
      {"no lifetime, past", {kNow - kDay, kNow - kDay}, true},
      {"ends before it begins", {kNow, kNow - kDay}, true},
      {"beyond every calendar", {Time::min(), Time::max()}, true},
      {"for ever", {kNow, from_unix(253'402'300'799)}, false},
  };
  for (auto const& c : cases) EXPECT_EQ(is_due(kNow, c.validity, std::nullopt, kSerial), c.due) << c.name;
}

TEST(IsDue, TheServersWindowCounts) {
  // 9773-4.2: a moment drawn evenly from the window.
  RenewalWindow window{kNow + 10 * kDay, kNow + 12 * kDay, kNow, Seconds(6 * 3600)};
  std::set<Time> moments;
  for (int i = 0; i < 200; ++i) {
    auto at = due_at(kNow, kNinetyDays, window, serial_number(i));
    EXPECT_GE(at, window.start);
    EXPECT_LE(at, window.end);
    moments.insert(at);
  }
  EXPECT_GT(moments.size(), 190U);

  RenewalWindow past{kNow - 2 * kDay, kNow - kDay, kNow, Seconds(6 * 3600)};  // a revocation is coming: now
  EXPECT_TRUE(is_due(kNow, kNinetyDays, past, kSerial));
}

TEST(IsDue, AnUnusableWindowDoesNotCount) {
  RenewalWindow const good{kNow + kDay, kNow + 2 * kDay, kNow, Seconds(6 * 3600)};
  auto without = due_at(kNow, kNinetyDays, std::nullopt, kSerial);
  struct Case {
    char const* name;
    void (*change)(RenewalWindow&);
  };
  Case const cases[] = {
      {"too old", [](RenewalWindow& w) { w.fetched = kNow - Seconds(6 * 3600); }},
      {"from the future", [](RenewalWindow& w) { w.fetched = kNow + kMinute; }},
      {"empty", [](RenewalWindow& w) { w.end = w.start; }},
      {"backwards", [](RenewalWindow& w) { std::swap(w.start, w.end); }},
      {"no Retry-After", [](RenewalWindow& w) { w.retry_after = Seconds(0); }},
      {"negative Retry-After", [](RenewalWindow& w) { w.retry_after = Seconds::min(); }},
      {"before time", [](RenewalWindow& w) { w.start = Time::min(); }},
      {"after time", [](RenewalWindow& w) { w.end = Time::max(); }},
      {"fetched before time", [](RenewalWindow& w) { w.fetched = Time::min(); }},
  };
  EXPECT_NE(due_at(kNow, kNinetyDays, good, kSerial), without);
  for (auto const& c : cases) {
    auto window = good;
    c.change(window);
    EXPECT_EQ(due_at(kNow, kNinetyDays, window, kSerial), without) << c.name;
  }
}

TEST(IsDue, NoWindowPutsRenewalOffToTheEnd) {
  RenewalWindow late{kNow + 500 * kDay, kNow + 501 * kDay, kNow, Seconds::max()};
  EXPECT_EQ(due_at(kNow, kNinetyDays, late, kSerial), kNow + 81 * kDay);
}

TEST(RetryDelay, DoublesUpToADay) {
  Seconds before{0};
  for (int failures = 1; failures <= 8; ++failures) {
    auto delay = retry_delay(failures, kSerial, std::nullopt);
    EXPECT_GT(delay, before);
    EXPECT_GE(delay, std::min(kRetryFloor * (1 << (failures - 1)), kRetryCeiling));
    EXPECT_LE(delay, kRetryCeiling + kRetryCeiling / 10);
    if (failures <= 7) before = delay;
  }
}

TEST(RetryDelay, NeverUnderTheFloorNeverOverTheCeiling) {
  for (int failures : {INT_MIN, -1, 0, 1, 2, 30, 31, 32, 33, 62, 63, 64, 65, 1000, INT_MAX}) {
    for (auto left : {std::optional<Seconds>(), std::optional(Seconds::min()), std::optional(Seconds(-1)),
                      std::optional(Seconds(0)), std::optional(kHour), std::optional(Seconds::max())}) {
      auto delay = retry_delay(failures, kSerial, left);
      EXPECT_GE(delay, kRetryFloor) << failures;
      EXPECT_LE(delay, kRetryCeiling + kRetryCeiling / 10) << failures;
    }
  }
}

TEST(RetryDelay, HurriesWhenLittleIsLeft) {
  EXPECT_EQ(retry_delay(20, kSerial, 8 * kHour), 2 * kHour);
  EXPECT_EQ(retry_delay(20, kSerial, 10 * kMinute), kRetryFloor);
}

// mod_md's back-off overflowed after a month (CVE-2025-55753).
TEST(RetryDelay, FourHundredDaysOfFailure) {
  auto device = testing::enrolled_camera();
  auto const begin = kNow;
  auto now = begin;
  int attempts = 0;
  while (now < begin + 400 * kDay) {
    ASSERT_TRUE(may_try(device, now));
    device = with_failure(device, {"unreachable", Retry::later, "no answer"}, now);
    ++attempts;
    EXPECT_FALSE(may_try(device, now + kRetryFloor - Seconds(1)));
    ASSERT_GE(next_try(device) - now, kRetryFloor);
    now = next_try(device);
  }
  EXPECT_EQ(device.failures, attempts);
  // The certificate expires after 80 days; from then on every try is urgent, but never more often than the floor.
  EXPECT_LT(attempts, 400 * 24 * 4 + 10);
  EXPECT_GT(attempts, 400);
  device.failures = INT_MAX - 1;  // a record that was tampered with
  EXPECT_GT(with_failure(device, {"unreachable", Retry::later, ""}, now).failures, 0);
}

}  // namespace
}  // namespace lenscap::agent
