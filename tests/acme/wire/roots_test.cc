#include "acme/wire/roots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lenscap::acme {
namespace {

std::string hex(char digit) { return std::string(64, digit); }

TEST(TrustReport, ThereAndBackAgain) {
  TrustReport const report{{sha256(as_bytes("one")), sha256(as_bytes("two"))}};
  auto const again = parse_trust_report(json::write(to_json(report)));
  ASSERT_TRUE(again.ok()) << again.error().detail();
  EXPECT_EQ(*again, report);
}

TEST(TrustReport, WhatIsNoneIsRefused) {
  std::string many = "\"" + hex('0') + "\"";
  for (int i = 0; i < 16; ++i) many += ",\"" + hex('0') + "\"";
  struct Case {
    char const* name;
    std::string payload;
  };
  Case const cases[] = {
      {"nothing", ""},
      {"no object", "[]"},
      {"no list", "{}"},
      {"another type", R"({"trusts":"x"})"},
      {"an empty list", R"({"trusts":[]})"},
      {"seventeen", "{\"trusts\":[" + many + "]}"},
      {"too short", "{\"trusts\":[\"" + hex('a').substr(1) + "\"]}"},
      {"too long", "{\"trusts\":[\"" + hex('a') + "00\"]}"},
      {"upper case", "{\"trusts\":[\"" + hex('A') + "\"]}"},
      {"no hex", "{\"trusts\":[\"" + hex('g') + "\"]}"},
      {"a number", R"({"trusts":[1]})"},
  };
  for (Case const& c : cases) {
    auto const refused = parse_trust_report(c.payload);
    ASSERT_FALSE(refused.ok()) << c.name;
    EXPECT_EQ(refused.error().code(), Errc::malformed) << c.name;
  }
}

}  // namespace
}  // namespace lenscap::acme
