#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace lenscap {
namespace {

TEST(IsUtf8, TakesEveryShortestForm) {
  for (std::string_view text :
       {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "Kamera \xc3\xbc ber der T\xc3\xbcr"})
    EXPECT_TRUE(is_utf8(text)) << text;
  EXPECT_TRUE(is_utf8(std::string_view("a\0b", 3)));
}

// RFC 3629 3 and 4; at every place in a run of eight, and at the end of the text.
TEST(IsUtf8, RefusesEverythingElse) {
  for (std::string_view bad : {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xc2", "\xc2 ", "\xe0\x9f\xbf", "\xe0\xa0",
                               "\xe1\x80 ", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
                               "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff"})
    for (std::size_t before = 0; before < 17; ++before)
      for (std::size_t after : {0U, 1U, 9U})
        EXPECT_FALSE(is_utf8(std::string(before, 'x') + std::string(bad) + std::string(after, 'y'))) << before;
}

}  // namespace
}  // namespace lenscap
