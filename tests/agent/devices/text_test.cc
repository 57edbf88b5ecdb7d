#include "agent/devices/shared/text.h"

#include <gtest/gtest.h>

namespace lenscap::agent {
namespace {

TEST(CleanText, MakesOneHarmlessLine) {
  EXPECT_EQ(clean_text("  Invalid\r\n\tID  "), "Invalid ID");
  EXPECT_EQ(clean_text("a\x1b[31mb"), "a?[31mb");
  EXPECT_EQ(clean_text("caf\xc3\xa9"), "caf??");
  EXPECT_EQ(clean_text("abcdef", 3), "abc...");
  EXPECT_EQ(clean_text("abc", 3), "abc");
  EXPECT_EQ(clean_text(""), "");
}

TEST(IsPlainUtf8, TellsGoodFromBad) {
  EXPECT_TRUE(is_plain_utf8("plain\t\r\n"));
  EXPECT_TRUE(is_plain_utf8("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\xb7"));
  for (std::string_view const bad :
       {std::string_view("\0", 1), std::string_view("\x1b"), std::string_view("\x7f"), std::string_view("\xc3"),
        std::string_view("\xc0\xaf"), std::string_view("\xe0\x80\xaf"), std::string_view("\xed\xa0\x80"),
        std::string_view("\xf4\x90\x80\x80"), std::string_view("\x80")})
    EXPECT_FALSE(is_plain_utf8(bad)) << testing::PrintToString(std::string(bad));
}

TEST(Trim, TakesTheEndsOnly) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n "), "");
}

TEST(EqualIgnoringCase, Ascii) {
  EXPECT_TRUE(equal_ignoring_case("WebServer", "webserver"));
  EXPECT_FALSE(equal_ignoring_case("a", "ab"));
}

}  // namespace
}  // namespace lenscap::agent
