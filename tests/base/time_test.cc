#include "base/time.h"

#include <gtest/gtest.h>

namespace lenscap {
namespace {

TEST(Rfc3339, ReadsAndWrites) {
  EXPECT_EQ(to_rfc3339(from_unix(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_rfc3339(from_unix(4'102'444'799)), "2099-12-31T23:59:59Z");
  EXPECT_EQ(parse_rfc3339("2026-01-02T03:04:05Z").value(), parse_rfc3339("2026-01-02T04:04:05.123+01:00").value());
  EXPECT_EQ(to_rfc3339(parse_rfc3339("2024-02-29T23:59:59Z").value()), "2024-02-29T23:59:59Z");
}

TEST(Rfc3339, RefusesOtherText) {
  for (char const* text :
       {"", "2026-01-02", "2026-13-02T03:04:05Z", "2025-02-29T00:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T03:04:05",
        "2026-01-02T03:04:05Zx", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05+1:00"}) {
    EXPECT_FALSE(parse_rfc3339(text).ok()) << text;
  }
}

TEST(HttpDate, ReadsAndWrites) {
  EXPECT_EQ(to_http_date(from_unix(784'111'777)), "Sun, 06 Nov 1994 08:49:37 GMT");  // the example of RFC 9110
  for (auto const seconds : {0LL, 784'111'777LL, 1'709'251'199LL, 4'102'444'799LL})
    EXPECT_EQ(parse_http_date(to_http_date(from_unix(seconds))).value(), from_unix(seconds));
}

TEST(HttpDate, RefusesOtherText) {
  for (char const* text :
       {"", "120", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:3x GMT", "Sun, 06 Nov 1994 08:49:37 GMT "}) {
    EXPECT_FALSE(parse_http_date(text).ok()) << text;
  }
}

TEST(ParseDuration, TakesOneNumberAndUnit) {
  EXPECT_EQ(parse_duration("90d").value(), 90 * kDay);
  EXPECT_EQ(parse_duration("15m").value(), 15 * kMinute);
  for (char const* text : {"", "d", "-1d", "90", "1w", "1h30m", "99999999999d"})
    EXPECT_FALSE(parse_duration(text).ok()) << text;
}

}  // namespace
}  // namespace lenscap
