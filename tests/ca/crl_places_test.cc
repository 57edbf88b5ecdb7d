#include "ca/crl_places.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

constexpr char const* kBase = "http://pki.cams.example/crl/ab";

TEST(CrlPlaces, UrlForASerial) {
  struct Case {
    char const* name;
    CrlPlaces places;
    char const* serial;
    char const* url;
  };
  Case const cases[] = {
      {"none is served", {}, "01", ""},
      {"whole", {kBase, 1}, "0123456789abcdef", "http://pki.cams.example/crl/ab.crl"},
      {"the last digit of sixteen", {kBase, 16}, "0123456789abcdef", "http://pki.cams.example/crl/ab/16-15.crl"},
      {"part 0", {kBase, 16}, "0123456789abcde0", "http://pki.cams.example/crl/ab/16-0.crl"},
      {"the last four octets alone count", {kBase, 10}, "ff00000009", "http://pki.cams.example/crl/ab/10-9.crl"},
      {"all of the four", {kBase, 10}, "ffffffff", "http://pki.cams.example/crl/ab/10-5.crl"},
      {"a short one", {kBase, 256}, "07", "http://pki.cams.example/crl/ab/256-7.crl"},
  };
  for (Case const& c : cases) EXPECT_EQ(c.places.url_for(from_hex(c.serial).value()), c.url) << c.name;
}

// A division by another number has other URLs: a certificate finds its own list or none.
TEST(CrlPlaces, DivisionsShareNoUrl) {
  CrlPlaces const places{kBase, 4};
  std::map<std::string, int> seen;
  for (unsigned parts : {1u, 2u, 4u, 16u})
    for (unsigned part = 0; part < parts; ++part) ++seen[places.url(crl_scope(parts, part))];
  EXPECT_EQ(seen.size(), 1u + 2 + 4 + 16);
}

TEST(CrlPlaces, NewSerialsSpreadEvenly) {
  constexpr unsigned kParts = 8;
  constexpr int kSerials = 8'000;
  std::map<unsigned, int> counts;
  for (int i = 0; i < kSerials; ++i) ++counts[crl_part_of(new_serial(kNow), kParts)];
  EXPECT_EQ(counts.size(), kParts);
  for (auto const& [part, count] : counts) {
    EXPECT_LT(part, kParts);
    EXPECT_NEAR(count, kSerials / kParts, 200) << part;  // more than six standard deviations
  }
}

// The judgement of all at once is that of each: whatever the number of parts, and whatever serial comes last.
TEST(CrlPartsSeen, AreAsEachSerialsPartIs) {
  EXPECT_TRUE(CrlPartsSeen().all_in(16, 5)) << "a list without entries";
  constexpr unsigned kMade = 12;
  std::vector<Bytes> of_one_part;
  while (of_one_part.size() < 20)
    if (auto serial = new_serial(kNow); crl_part_of(serial, kMade) == 7) of_one_part.push_back(std::move(serial));
  auto last = of_one_part.front();
  last.back() = static_cast<std::uint8_t>(last.back() ^ 1U);
  auto odd = of_one_part;
  odd.push_back(last);
  std::vector<Bytes> const twice{of_one_part.front(), of_one_part.front()};
  std::vector<Bytes> const one{{0x09}};
  std::vector<Bytes> const ends{{0xff, 0xff, 0xff, 0xff}, {0x00}, {0x80, 0x00, 0x00, 0x00}};
  for (auto const& serials : {of_one_part, odd, twice, one, ends}) {
    CrlPartsSeen seen;
    for (auto const& serial : serials) seen.add(serial);
    for (unsigned parts = 2; parts <= kCrlPartsMax; ++parts)
      for (unsigned part = 0; part < parts; ++part)
        ASSERT_EQ(seen.all_in(parts, part),
                  std::ranges::all_of(serials, [&](Bytes const& each) { return crl_part_of(each, parts) == part; }))
            << parts << "-" << part << " of " << serials.size();
  }
}

}  // namespace
}  // namespace lenscap::ca::test
