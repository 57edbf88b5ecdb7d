#include "store/crc32c.h"

#include <gtest/gtest.h>

namespace lenscap::store {
namespace {

TEST(Crc32c, KnownAnswers) {  // RFC 3720 B.4, and the usual check value of the polynomial
  Bytes rising(32);
  for (std::size_t i = 0; i < rising.size(); ++i) rising[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(crc32c(as_bytes("")), 0U);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283U);
  EXPECT_EQ(crc32c(Bytes(32, 0)), 0x8a9136aaU);
  EXPECT_EQ(crc32c(Bytes(32, 0xff)), 0x62a8ab43U);
  EXPECT_EQ(crc32c(rising), 0x46dd794eU);
}

TEST(Crc32c, IsTheSameWithAndWithoutTheInstruction) {
  Bytes data;
  for (std::size_t size = 0; size < 300; ++size) {
    auto const begin = static_cast<std::uint32_t>(size * 2654435761U);
    EXPECT_EQ(crc32c(data, begin), crc32c_by_tables(data, begin)) << size;
    data.push_back(static_cast<std::uint8_t>(size * 7 + 3));
  }
}

TEST(Crc32c, MayBeGivenInParts) {
  std::string text = "the quick brown fox jumps over the lazy dog";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    auto first = crc32c(as_bytes(std::string_view(text).substr(0, cut)));
    EXPECT_EQ(crc32c(as_bytes(std::string_view(text).substr(cut)), first), crc32c(as_bytes(text)));
  }
}

}  // namespace
}  // namespace lenscap::store
