#include "base/base32.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lenscap {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Vector {
  char const* octets;
  char const* text;
};
// RFC 4648 section 10, without the padding.
constexpr Vector kVectors[] = {{"", ""},
                               {"f", "MY"},
                               {"fo", "MZXQ"},
                               {"foo", "MZXW6"},
                               {"foob", "MZXW6YQ"},
                               {"fooba", "MZXW6YTB"},
                               {"foobar", "MZXW6YTBOI"}};

TEST(ToBase32, IsThatOfTheRfc) {
  for (auto const& [octets, text] : kVectors) EXPECT_EQ(to_base32(as_bytes(octets)).text(), text);
}

TEST(FromBase32, ReadsWhatPeopleType) {
  for (auto const& [octets, text] : kVectors) EXPECT_EQ(from_base32(text).value().text(), octets);
  for (auto const* typed : {"mzxw6ytboi", "MZXW 6YTB OI", " mzxw-6ytb-oi ", "MZXW\t6YTBOI"})
    EXPECT_EQ(from_base32(typed).value().text(), "foobar") << typed;
}

TEST(FromBase32, RefusesWhatNobodyWrote) {
  for (auto const* bad : {"MZXW0YTB", "MZXW1YTB", "MZXW8YTB", "MZXW6YTB9", "MZ=", "M\xc3\x96", "MZXW\n6YTB", "M", "MZX",
                          "MZXW6Y", "MZ3", "MZXW6YTBOJ", "MZ7W6YTBO7"}) {
    auto const refused = from_base32(bad);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.error().code(), Errc::malformed) << bad;
    EXPECT_THAT(refused.error().detail(), Not(HasSubstr("MZ"))) << "a secret";
  }
}

}  // namespace
}  // namespace lenscap
