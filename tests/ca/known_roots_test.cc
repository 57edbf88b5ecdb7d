// The roots of a CA as files, and the ways up to them; judged by openssl.
#include "ca/known_roots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "ca/ceremony.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Time today() { return SystemClock().now() + Seconds(60); }

SecretBytes passphrase() { return SecretBytes(std::string_view("of the next root, long enough")); }

struct Site {
  fakes::TempDir dir;
  std::string state = dir.path("state");
  GeneratedCa first = generate_ca(ceremony_settings(), today()).value();

  Site() { std::filesystem::create_directories(state + "/keys"); }
  KnownRoots known() const { return load_known_roots(state, first.root).value(); }
  NextRoot roll_over() const {
    auto next = make_next_root("Example Cameras", first.root, first.root_key, today()).value();
    EXPECT_TRUE(keep_next_root(state, known(), next, passphrase()).ok());
    return next;
  }
};

TEST(KnownRoots, OfACaThatNeverRolledOverAreOne) {
  Site const site;
  auto const known = site.known();
  EXPECT_THAT(known.roots, ElementsAre(site.first.root));
  EXPECT_FALSE(known.has_next());
  EXPECT_TRUE(known.leads_to_newest());
  EXPECT_EQ(root_directory(site.state, known), site.state + "/keys");
  auto const refused = lead_to_newest(site.state, known, today());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::conflict);
}

TEST(KnownRoots, ComeBackAsTheyWereKept) {
  Site const site;
  auto const next = site.roll_over();
  auto const known = site.known();
  EXPECT_THAT(known.roots, ElementsAre(site.first.root, next.root));
  EXPECT_THAT(known.vouchers, ElementsAre(next.by_former, next.former_by_this));
  EXPECT_THAT(known.all(), ElementsAre(site.first.root, next.root, next.by_former, next.former_by_this));
  auto const directory = root_directory(site.state, known);
  auto const key = x509::PrivateKey::from_pem(read_file(directory + "/root.key").value(), passphrase());
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(key->public_key(), next.root.key());
  EXPECT_EQ(std::filesystem::status(directory + "/root.key").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(KnownRoots, LeadWhereTheyAreToldTo) {
  Site const site;
  site.roll_over();
  EXPECT_EQ(site.known().leading, 0U);
  ASSERT_TRUE(lead_to_newest(site.state, site.known(), today()).ok());
  EXPECT_EQ(site.known().leading, 1U);
  EXPECT_FALSE(lead_to_newest(site.state, site.known(), today()).ok());
}

TEST(KnownRoots, AnAttemptWithoutEndIsBegunAnew) {
  Site const site;
  site.roll_over();
  std::filesystem::remove(site.state + "/keys/roots/2/root.pem");  // the power went before the last file
  EXPECT_FALSE(site.known().has_next());
  auto const next = site.roll_over();
  EXPECT_EQ(site.known().newest(), next.root);
}

TEST(KnownRoots, OneThatIsClosedIsNotMissing) {
  Site const site;
  site.roll_over();
  fakes::close_off(site.state + "/keys/roots/2");
  auto const refused = load_known_roots(site.state, site.first.root);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().detail(), HasSubstr("keys/roots/2/root.pem"));
}

TEST(KnownRoots, ThoseOfAnotherCaAreRefused) {
  Site const site;
  site.roll_over();
  Site const other;
  auto const refused = load_known_roots(site.state, other.first.root);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::settings);
  EXPECT_THAT(refused.error().detail(), HasSubstr("do not belong to the root before"));
}

TEST(WaysUp, LeadToEitherRoot) {
  Site const site;
  auto const next = site.roll_over();
  auto known = site.known();
  // An issuer of before the roll-over, and one below the next root, which is kept with the way that all know.
  std::vector<x509::Certificate> const before{site.first.root};
  auto const after = known.above_newest();
  EXPECT_THAT(after, ElementsAre(next.by_former, site.first.root));
  EXPECT_THAT(ways_up(before, known), ElementsAre(before, ElementsAre(next.former_by_this, next.root)));
  EXPECT_THAT(ways_up(after, known), ElementsAre(after, ElementsAre(next.root)));
  auto const again = ways_up(ways_up(after, known).back(), known);
  EXPECT_THAT(again, ElementsAre(ElementsAre(next.root))) << "what leads to the next root alone leads nowhere else";
  known.leading = 1;
  EXPECT_THAT(ways_up(before, known), ElementsAre(ElementsAre(next.former_by_this, next.root), before));
  EXPECT_THAT(ways_up(after, known), ElementsAre(ElementsAre(next.root), after));
}

TEST(WaysUp, LeadToEachOfThreeRoots) {
  Site const site;
  auto const second = site.roll_over();
  auto const third = make_next_root("Example Cameras", second.root, second.key, today()).value();
  ASSERT_TRUE(keep_next_root(site.state, site.known(), third, passphrase()).ok());
  auto known = site.known();
  ASSERT_EQ(known.roots.size(), 3U);
  // Whichever root an issuer stands below, and whichever leads: the first way ends with that one.
  std::vector<std::vector<x509::Certificate>> const issuers{
      {site.first.root}, {second.by_former, site.first.root}, known.above_newest()};
  for (std::size_t leading = 0; leading < 3; ++leading) {
    known.leading = leading;
    for (auto const& above : issuers) {
      auto const ways = ways_up(above, known);
      EXPECT_EQ(ways.front().back(), known.roots[leading]) << above.size() << " to " << leading;
      EXPECT_EQ(ways.size(), 3U);
      for (auto const& way : ways)
        for (std::size_t i = 0; i + 1 < way.size(); ++i) EXPECT_TRUE(way[i].is_signed_by(way[i + 1].key()));
    }
  }
}

TEST(WaysUp, AreOneWhereThereIsOneRoot) {
  Site const site;
  std::vector<x509::Certificate> const above{site.first.root};
  EXPECT_THAT(ways_up(above, site.known()), ElementsAre(above));
}

}  // namespace
}  // namespace lenscap::ca::test
