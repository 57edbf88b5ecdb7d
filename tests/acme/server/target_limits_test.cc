#include "acme/server/target_limits.h"

#include <gtest/gtest.h>

#include <optional>

namespace lenscap::acme {
namespace {

Time const kNow = from_unix(1'800'000'000);

x509::IpAddress ip(char const* text) { return x509::IpAddress::parse(text).value(); }

TEST(TargetLimits, SoManyAtOnceTowardsOneAddress) {  // 8555-10.3-1
  TargetLimits limits(2, RateLimit{});
  auto first = limits.enter(ip("10.20.4.1"), kNow);
  auto const second = limits.enter(ip("10.20.4.1"), kNow);
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(second.ok());
  auto const third = limits.enter(ip("10.20.4.1"), kNow);
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.error().code(), Errc::rate_limited);
  EXPECT_EQ(third.error().retry_after, Seconds(1));
  EXPECT_TRUE(limits.enter(ip("10.20.4.2"), kNow).ok());
  { auto const gone = *std::move(first); }
  EXPECT_TRUE(limits.enter(ip("10.20.4.1"), kNow).ok());
}

TEST(TargetLimits, APlaceMayOutliveThem) {
  auto limits = std::make_optional<TargetLimits>(1, RateLimit{});
  auto const place = limits->enter(ip("10.20.4.1"), kNow);
  limits.reset();
  EXPECT_TRUE(place.ok());
}

TEST(TargetLimits, ANetworkHasARate) {  // 8555-10.3-1
  struct Case {
    char const* first;
    char const* second;
    bool same;
  };
  for (auto const& c :
       {Case{"10.20.4.1", "10.20.4.255", true}, Case{"10.20.4.1", "10.20.5.1", false},
        Case{"2001:db8:1:2::1", "2001:db8:1:2:ffff::1", true}, Case{"2001:db8:1:2::1", "2001:db8:1:3::1", false}}) {
    SCOPED_TRACE(std::string(c.first) + " " + c.second);
    TargetLimits limits(100, {2, kMinute});
    EXPECT_TRUE(limits.enter(ip(c.first), kNow).ok());  // what is over counts, too
    EXPECT_TRUE(limits.enter(ip(c.first), kNow).ok());
    auto const third = limits.enter(ip(c.second), kNow);
    EXPECT_EQ(third.ok(), !c.same);
    if (!third) {
      EXPECT_EQ(third.error().retry_after, Seconds(30));
    }
    EXPECT_TRUE(limits.enter(ip(c.second), kNow + Seconds(30)).ok());
  }
}

// Who is refused for a full address uses nothing of the network's rate.
TEST(TargetLimits, ARefusalCountsNothing) {
  TargetLimits limits(1, {2, kMinute});
  auto const place = limits.enter(ip("10.20.4.1"), kNow);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(limits.enter(ip("10.20.4.1"), kNow).ok());
  EXPECT_TRUE(limits.enter(ip("10.20.4.2"), kNow).ok());
  EXPECT_FALSE(limits.enter(ip("10.20.4.3"), kNow).ok());
}

TEST(NetworkOf, AddressesAsTheyAreGivenOut) {
  EXPECT_EQ(network_of(ip("10.20.4.119")), "10.20.4.0/24");
  EXPECT_EQ(network_of(ip("2001:db8:1:2:3:4:5:6")), "2001:db8:1:2::/64");
}

}  // namespace
}  // namespace lenscap::acme
