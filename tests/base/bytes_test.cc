#include "base/bytes.h"

#include <gtest/gtest.h>

namespace lenscap {
namespace {

TEST(Base64url, TakesBackWhatItWrote) {
  for (std::size_t size = 0; size < 70; ++size) {
    Bytes octets(size);
    for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<std::uint8_t>(i * 37 + size);
    EXPECT_EQ(from_base64url(to_base64url(octets)).value(), octets);
    EXPECT_EQ(from_base64(to_base64(octets)).value(), octets);
    EXPECT_EQ(from_hex(to_hex(octets)).value(), octets);
  }
}

// 8555-6.1-5: only unpadded base64url is well formed.
TEST(Base64url, RefusesOtherForms) {
  for (char const* text : {"TQ==", "TWE=", "A", "AAAAA", "+/8", "TW E", "TWE\n", "TR", "TWF"}) {
    EXPECT_FALSE(from_base64url(text).ok()) << text;  // "TR" and "TWF" have trailing bits that are not zero
  }
  EXPECT_EQ(from_base64url("").value(), Bytes());
  EXPECT_EQ(from_base64url("TWE").value(), to_bytes("Ma"));
}

TEST(Base64, SkipsLineBreaksAndRefusesRubbish) {
  EXPECT_EQ(from_base64("TW\r\nFu\n").value(), to_bytes("Man"));
  for (char const* text : {"TWE", "TQ=", "T===", "TW=u", "TWF*"}) EXPECT_FALSE(from_base64(text).ok()) << text;
}

TEST(Hex, RefusesRubbish) {
  EXPECT_EQ(from_hex("AA:bb:0c").value(), (Bytes{0xaa, 0xbb, 0x0c}));
  for (char const* text : {"a", "zz", ":aa", "aa:", "aa::bb", "aabbc"}) EXPECT_FALSE(from_hex(text).ok()) << text;
}

TEST(EqualConstantTime, ComparesContentAndLength) {
  EXPECT_TRUE(equal_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("ab")));
  EXPECT_TRUE(equal_constant_time({}, {}));
}

}  // namespace
}  // namespace lenscap
