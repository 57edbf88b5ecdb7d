#include "acme/flow/validity.h"

#include <gtest/gtest.h>

#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

ProfileRule const kProfile{.name = "camera-https", .lifetime = 90 * kDay, .backdate = kHour};
Time const kEarliest = kNow - kHour;
Time const kLatest = kNow - kHour + 90 * kDay - Seconds(1);

TEST(CheckValidity, InsideTheProfilesWindowAndNowhereElse) {  // 8555-7.4-2
  using Ends = std::optional<Time>;
  struct Case {
    char const* name;
    Ends not_before, not_after;
    bool fine;
  };
  Case const cases[] = {
      {"nothing asked", {}, {}, true},
      {"all of it", kEarliest, kLatest, true},
      {"a day", kNow, kNow + kDay, true},
      {"an end alone", {}, kNow + kDay, true},
      {"the last end", {}, kLatest, true},
      {"a beginning alone", kNow, {}, true},
      {"a beginning to come", kNow + kDay, {}, true},
      {"too early by a second", kEarliest - Seconds(1), {}, false},
      {"too late by a second", {}, kLatest + Seconds(1), false},
      {"a beginning at the end", kLatest, {}, false},
      {"over already", {}, kNow, false},
      {"over already, with its beginning", kNow - kHour, kNow - kMinute, false},
      {"turned round", kNow + 2 * kDay, kNow + kDay, false},
      {"empty", kNow + kDay, kNow + kDay, false},
      {"the year 0", Time::min(), {}, false},
      {"the year 9999", {}, parse_rfc3339("9999-12-31T23:59:59Z").value(), false},
  };
  for (auto const& c : cases) {
    auto const verdict = check_validity({c.not_before, c.not_after}, kProfile, IssuerReach(), kNow, kNow);
    EXPECT_EQ(verdict.ok(), c.fine) << c.name;
    if (verdict.ok()) continue;
    EXPECT_EQ(verdict.error().code(), Errc::malformed) << c.name;
    EXPECT_NE(verdict.error().detail().find(to_rfc3339(kLatest)), std::string::npos) << "says what would be accepted";
  }
}

TEST(CheckValidity, InsideTheIssuersOwn) {
  IssuerReach const own{.begins = kNow - kMinute, .ends = kNow + kDay};
  EXPECT_TRUE(check_validity({kNow - kMinute, kNow + kDay}, kProfile, own, kNow, kNow).ok());
  EXPECT_FALSE(check_validity({kNow - kMinute - Seconds(1), {}}, kProfile, own, kNow, kNow).ok());
  EXPECT_FALSE(check_validity({{}, kNow + kDay + Seconds(1)}, kProfile, own, kNow, kNow).ok());
}

TEST(CheckValidity, WhatWasAcceptedHoldsUntilItIsOver) {
  AskedValidity const asked{kEarliest, kNow + kDay};
  EXPECT_TRUE(check_validity(asked, kProfile, IssuerReach(), kNow, kNow + kDay - Seconds(1)).ok());
  EXPECT_FALSE(check_validity(asked, kProfile, IssuerReach(), kNow, kNow + kDay).ok());
  // A profile that was narrowed since.
  ProfileRule const narrow{.name = "camera-https", .lifetime = 12 * kHour, .backdate = kHour};
  EXPECT_FALSE(check_validity(asked, narrow, IssuerReach(), kNow, kNow).ok());
}

}  // namespace
}  // namespace lenscap::acme
