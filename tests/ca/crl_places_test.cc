#include "ca/crl_places.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace lenscap::ca::test
