// The signer's judgement of revocation lists: those that our builder makes pass, and nothing else does.
#include "ca/crl_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ca/crl.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

struct JudgeCrl : ::testing::Test {
  GeneratedCa const ca = generate_ca(ceremony_settings(), kNow).value();
  CrlPlaces const places{.base = kHttpUrl + crl_path(ca.issuing), .parts = 4};

  CrlHeading heading(std::string const& part_url = {}) const {
    return {.number = 0x1234, .this_update = kNow, .next_update = kNow + 7 * kDay, .part_url = part_url};
  }
  static RevokedCertificate revoked(std::string const& serial, std::optional<x509::RevocationReason> reason = {},
                                    Time at = kNow - kDay) {
    return {.serial_hex = serial, .not_after = kNow + kDay, .revoked_at = at, .reason = reason};
  }
  Bytes list(CrlHeading const& head, std::vector<RevokedCertificate> const& entries = {},
             x509::Certificate const* issuer = nullptr) const {
    CrlBuilder builder(issuer == nullptr ? ca.issuing : *issuer, head, entries.size());
    for (auto const& each : entries) builder.add(each);
    return to_bytes(std::move(builder).finish().tbs());
  }
  Result<SeenCrl> judge_in_pieces(Bytes const& tbs, std::size_t piece, CrlPlaces const& where) const {
    CrlJudge judge(ca.issuing, where);
    for (ByteView rest = tbs; !rest.empty();) {
      auto const now = rest.first(std::min(piece, rest.size()));
      CHECK_OK(judge.add(now));
      rest = rest.subspan(now.size());
    }
    return std::move(judge).finish(kNow);
  }
  // Whole, and in pieces: it is the same judgement.
  Result<SeenCrl> judge(Bytes const& tbs) const {
    auto const told = [](Result<SeenCrl> const& seen) {
      return seen ? seen->scope + " " + std::to_string(seen->number) + " " + to_rfc3339(seen->this_update)
                  : seen.error().detail();
    };
    auto whole = judge_in_pieces(tbs, tbs.size(), places);
    for (std::size_t const piece : {1, 2, 3, 64})
      EXPECT_EQ(told(judge_in_pieces(tbs, piece, places)), told(whole)) << "in pieces of " << piece;
    return whole;
  }
  std::string refusal(Bytes const& tbs) const {
    auto const seen = judge(tbs);
    return seen ? "" : seen.error().detail();
  }
};

TEST_F(JudgeCrl, WhatOurBuilderMakesPasses) {
  auto const whole = judge(list(heading())).value();
  EXPECT_EQ(whole.scope, "");
  EXPECT_EQ(whole.number, 0x1234U);
  std::vector<RevokedCertificate> all{revoked("01"), revoked("ff02", x509::RevocationReason::key_compromise)};
  for (auto const reason : {x509::RevocationReason::unspecified, x509::RevocationReason::ca_compromise,
                            x509::RevocationReason::affiliation_changed, x509::RevocationReason::superseded,
                            x509::RevocationReason::cessation_of_operation})
    all.push_back(revoked("0102030405060708090a0b0c0d0e0f10111213", reason));
  EXPECT_EQ(refusal(list(heading(), all)), "");
  auto const part = judge(list(heading(places.url("4-2")), {revoked("0a000002")}));
  ASSERT_TRUE(part) << part.error().detail();
  EXPECT_EQ(part->scope, "4-2");
  EXPECT_EQ(refusal(list(heading(places.url("16-15")))), "") << "certificates of another division live still";
  auto far = heading();
  far.number = ~std::uint64_t{0};
  EXPECT_EQ(judge(list(far)).value().number, ~std::uint64_t{0});
}

TEST_F(JudgeCrl, AnotherIssuersOrAnotherTimes) {
  auto const other = generate_ca(ceremony_settings(), kNow).value();
  EXPECT_THAT(refusal(list(heading(), {}, &other.issuing)), HasSubstr("not those of this issuer"));
  EXPECT_THAT(refusal(list(heading(), {}, &ca.root)), HasSubstr("not those of this issuer"));
  auto late = heading();
  late.this_update = kNow - kHour;
  EXPECT_THAT(refusal(list(late)), HasSubstr("it is of"));
  late.this_update = kNow + kHour;
  EXPECT_THAT(refusal(list(late)), HasSubstr("it is of"));
  auto long_one = heading();
  long_one.next_update = kNow + 400 * kDay;
  EXPECT_THAT(refusal(list(long_one)), HasSubstr("in force until"));
  EXPECT_FALSE(judge_in_pieces(list(heading()), 1000, CrlPlaces{})) << "where none is served";
}

TEST_F(JudgeCrl, APartIsOneOfOursAndHoldsWhatBelongsThere) {
  EXPECT_THAT(refusal(list(heading("http://evil.example/4-2.crl"))), HasSubstr("to be served at"));
  for (char const* scope : {"4-4", "1-0", "257-0", "04-2", "4-2-", "4", ""})
    EXPECT_NE(refusal(list(heading(places.base + "/" + scope + ".crl"))), "") << scope;
  EXPECT_THAT(refusal(list(heading(places.url("4-2")), {revoked("0a000003")})), HasSubstr("another part"));
}

TEST_F(JudgeCrl, EntriesInNoOtherForm) {
  EXPECT_THAT(refusal(list(heading(), {revoked("01", {}, kNow + kDay)})), HasSubstr("revoked after"));
  auto const good = list(heading(), {revoked("01", x509::RevocationReason::key_compromise)});
  auto bad = good;
  // removeFromCRL belongs into delta lists, 7 does not exist.
  static constexpr std::uint8_t kReason[] = {0x0a, 1, 1};
  auto const at = std::search(bad.begin(), bad.end(), std::begin(kReason), std::end(kReason)) + 2;
  for (unsigned const code : {0U, 7U, 8U, 11U}) {
    *at = static_cast<std::uint8_t>(code);
    EXPECT_THAT(refusal(bad), HasSubstr("than a reason")) << code;
  }
}

// Entries of all sizes, cut at each octet once: whatever is kept from one piece to the next is put together again.
TEST_F(JudgeCrl, ALongListInPiecesOfAnySize) {
  std::vector<RevokedCertificate> entries;
  for (int i = 0; i < 200; ++i)
    entries.push_back(revoked(to_hex(Bytes(static_cast<std::size_t>(1 + i % 20), static_cast<std::uint8_t>(1 + i))),
                              i % 3 == 0 ? std::optional(x509::RevocationReason::superseded) : std::nullopt,
                              kNow - Seconds(i * 86'399)));
  auto const tbs = list(heading(), entries);
  for (std::size_t piece = 1; piece < 300; ++piece) {
    auto const seen = judge_in_pieces(tbs, piece, places);
    ASSERT_TRUE(seen) << piece << ": " << seen.error().detail();
    EXPECT_EQ(seen->number, 0x1234U);
  }
}

// One certificate more in the wrong part, wherever it stands: the part is read behind all of them.
TEST_F(JudgeCrl, OneStrangerAmongManyIsFound) {
  for (int stranger = -1; stranger < 50; ++stranger) {
    std::vector<RevokedCertificate> entries;
    for (int i = 0; i < 50; ++i) {
      Bytes const serial{0x0a, static_cast<std::uint8_t>(i), 0x33, static_cast<std::uint8_t>(i == stranger ? 7 : 6)};
      entries.push_back(revoked(to_hex(serial)));
    }
    auto const why = refusal(list(heading(places.url("4-2")), entries));
    if (stranger < 0)
      EXPECT_EQ(why, "");
    else
      EXPECT_THAT(why, HasSubstr("another part")) << stranger;
  }
}

// What a list says of its own lengths does not decide how much is kept of it: the judge has enough after a few
// kilobytes of anything that is no list.
TEST_F(JudgeCrl, WhatIsNoListEndsEarly) {
  constexpr std::size_t kEarly = 8 * 1024;
  auto const good = list(heading(), {revoked("01", x509::RevocationReason::superseded)});
  auto const without = list(heading());
  // Of 4 GiB from its first octet on, with its own heading.
  auto const huge = [](Bytes const& tbs, std::size_t header) {
    Bytes out{0x30, 0x84, 0xff, 0xff, 0xff, 0xff};
    out.insert(out.end(), tbs.begin() + static_cast<std::ptrdiff_t>(header), tbs.end());
    return out;
  };
  ASSERT_EQ(good[1], 0x81);
  ASSERT_EQ(without[1], 0x81);
  struct Case {
    char const* name;
    Bytes begin;
    std::uint8_t filling;
  };
  Case const cases[] = {
      {"zeros", {}, 0},
      {"sequences", {}, 0x30},
      {"a SEQUENCE without end", {0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, 0x30},
      {"a version without end", {0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x02, 0x84, 0xff, 0xff, 0xff, 0x00}, 1},
      {"extensions without end", huge(without, 3), 0},
      {"one entry, then extensions without end", huge(good, 3), 0},
      {"more behind its end", good, 0},
  };
  for (Case const& c : cases) {
    CrlJudge judge(ca.issuing, places);
    auto refused = judge.add(c.begin);
    Bytes const piece(64, c.filling);
    for (std::size_t fed = c.begin.size(); refused && fed < kEarly; fed += piece.size()) refused = judge.add(piece);
    EXPECT_FALSE(refused) << c.name;
  }
}

// Whatever single octet is another one: either it is refused, or all that is different is what a front end may choose.
TEST_F(JudgeCrl, EveryOctetIsLookedAt) {
  auto const good = list(heading(places.url("4-2")), {revoked("0a000002", x509::RevocationReason::superseded)});
  std::size_t passed = 0;
  for (std::size_t i = 0; i < good.size(); ++i)
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto bad = good;
      bad[i] = static_cast<std::uint8_t>(bad[i] ^ 1U << bit);
      auto const seen = judge(bad);
      if (!seen) continue;
      ++passed;
      EXPECT_THAT(seen->scope, MatchesRegex("[0-9]+-[0-9]+")) << i;
    }
  // The number, some digits of three times, the serial's front, the reason, another division.
  EXPECT_GT(passed, 20U);
  EXPECT_LT(passed, 120U);
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(judge({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)})) << length;
  auto longer = good;
  longer.push_back(0);
  EXPECT_FALSE(judge(longer));
}

}  // namespace
}  // namespace lenscap::ca::test
