#include "agent/root_trust.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ca/ca_certificate.h"
#include "ca/next_root.h"
#include "tests/agent/workshop.h"
#include "tests/ca/forged.h"

namespace lenscap::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNow;
using testing::TestWorkshop;

x509::NameConstraints permit(std::string const& suffix) {
  return x509::NameConstraints::permit_only({x509::DnsName::parse(suffix).value()}, {});
}

struct Root {
  x509::PrivateKey key = x509::PrivateKey::generate(x509::KeyType::ec_p384);
  x509::Certificate certificate;

  explicit Root(x509::NameConstraints const& constraints = permit("cams.example"), Time begin = kNow - 3 * kDay)
      : certificate(
            ca::test::forge(ca::root_template("Example", key.public_key(), begin, 365 * kDay, constraints), key)) {}
};

ca::NextRoot next_of(Root const& root) {
  return ca::make_next_root("Example", root.certificate, root.key, kNow).value();
}

TEST(VouchedFor, TheRootThatATrustedOneSigned) {
  Root const first;
  auto const next = next_of(first);
  std::vector<x509::Certificate> const offered{first.certificate, next.root, next.by_former, next.former_by_this};
  EXPECT_THAT(vouched_for({first.certificate}, offered, kNow), ElementsAre(next.root));
  EXPECT_THAT(vouched_for({first.certificate, next.root}, offered, kNow), IsEmpty()) << "nothing new";
  EXPECT_THAT(vouched_for({next.root}, offered, kNow), IsEmpty()) << "the former one is not trusted again";
}

TEST(VouchedFor, OneAfterTheOther) {
  Root const first;
  auto const second = next_of(first);
  auto const third = ca::make_next_root("Example", second.root, second.key, kNow + kHour).value();
  std::vector<x509::Certificate> const offered{third.root, third.by_former, second.root, second.by_former};
  EXPECT_THAT(vouched_for({first.certificate}, offered, kNow), ElementsAre(second.root, third.root));
}

TEST(VouchedFor, NothingElse) {
  Root const first;
  Root const stranger;
  auto const next = next_of(first);
  auto const of_stranger = next_of(stranger);
  // What a root says of one with other names: it could not vouch for these.
  Root const wider(permit("example"));
  auto wide = ca::root_template("Example", wider.key.public_key(), kNow - kDay, 365 * kDay, permit("cams.example"));
  wide.issuer_name = first.certificate.subject_der();
  wide.authority_key_id = first.certificate.subject_key_id();
  auto const narrow_voucher = ca::test::forge(wide, first.key);
  // The thief of an issuing key makes a root of it.
  auto const issuing_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto issuing = ca::issuer_template("Example", issuing_key.public_key(), first.certificate, kNow - kDay, 365 * kDay,
                                     permit("cams.example"), {ca::ExtendedKeyUsage::server_auth});
  auto const issued = ca::test::forge(issuing, first.key);
  auto stolen =
      ca::root_template("Example", issuing_key.public_key(), kNow - Seconds(60), 365 * kDay, permit("cams.example"));
  stolen.subject_name = stolen.issuer_name = issued.subject_der();
  auto const thiefs_root = ca::test::forge(stolen, issuing_key);
  issuing.extended_key_usage = {};
  auto const with_path_length = ca::test::forge(issuing, first.key);
  issuing.path_length = {};
  issuing.extended_key_usage = {ca::ExtendedKeyUsage::server_auth};
  auto const with_usages = ca::test::forge(issuing, first.key);
  struct Case {
    char const* name;
    std::vector<x509::Certificate> offered;
    Time now = kNow;
  };
  Case const cases[] = {
      {"nothing", {}},
      {"a root without a voucher", {next.root}},
      {"a voucher without its root", {next.by_former}},
      {"a root of somebody else's", {of_stranger.root, of_stranger.by_former, stranger.certificate}},
      {"another's root beside a good voucher", {of_stranger.root, next.by_former}},
      {"a root of an issuing key", {thiefs_root, issued}},
      {"by a certificate with a path length", {thiefs_root, with_path_length}},
      {"by a certificate with usages", {thiefs_root, with_usages}},
      {"a root with wider names than its voucher", {wider.certificate, narrow_voucher}},
      {"a root that has ended", {next.root, next.by_former}, next.root.not_after() + Seconds(1)},
      {"one that has not begun", {next.root, next.by_former}, kNow - 2 * kDay},
  };
  for (Case const& c : cases) EXPECT_THAT(vouched_for({first.certificate}, c.offered, c.now), IsEmpty()) << c.name;
}

struct FollowRoots : ::testing::Test {
  TestWorkshop world;
  Root first;
  ca::NextRoot next = next_of(first);

  FollowRoots() {
    world.membership.device_roots = {first.certificate};
    world.membership.server_roots = {first.certificate};
    save();
  }
  void save() {
    world.store->write(
        [&](store::WriteTxn& txn) { return save_membership(txn, world.sealer, world.membership), true; });
  }
  Membership kept() {
    Result<std::optional<Membership>> loaded = std::optional<Membership>();
    world.store->read([&](store::ReadTxn& txn) { loaded = load_membership(txn, world.sealer); });
    return std::move(loaded).value().value();
  }
  bool is_due() {
    bool due = false;
    world.store->read([&](store::ReadTxn& txn) { due = wants_roots(txn, world.clock.now()); });
    return due;
  }
  Result<std::size_t> follow() {
    auto shop = world.shop();
    return net::run(world.threads.next(), follow_roots(shop));
  }
};

TEST_F(FollowRoots, ANewRootIsKeptAndTold) {
  world.acme.known_roots = {first.certificate, next.root, next.by_former, next.former_by_this};
  auto const fresh = follow();
  ASSERT_TRUE(fresh.ok()) << fresh.error().detail();
  EXPECT_EQ(*fresh, 1U);
  EXPECT_THAT(kept().device_roots, ElementsAre(first.certificate, next.root));
  EXPECT_THAT(kept().server_roots, ElementsAre(first.certificate, next.root));
  EXPECT_EQ(kept().account_url, world.membership.account_url);
  EXPECT_THAT(world.acme.requests.back().payload, HasSubstr(to_hex(next.root.fingerprint())));
  EXPECT_THAT(world.acme.requests.back().payload, HasSubstr(to_hex(first.certificate.fingerprint())));
  EXPECT_THAT(world.acme.violations, IsEmpty());
}

// Of as many roots as an agent keeps, each vouched for both ways: more certificates than a chain may have.
TEST_F(FollowRoots, AllThatItKeepsInOneAnswer) {
  auto& known = world.acme.known_roots;
  known = {first.certificate};
  std::vector<ca::NextRoot> made;
  for (std::size_t i = 1; i < kRootsKept; ++i) {
    auto const& root = made.empty() ? first.certificate : made.back().root;
    auto const& key = made.empty() ? first.key : made.back().key;
    made.push_back(ca::make_next_root("Example", root, key, kNow - kDay + Seconds(i)).value());
    known.insert(known.end(), {made.back().root, made.back().by_former, made.back().former_by_this});
  }
  ASSERT_EQ(known.size(), kRootCertificatesMax);
  auto const fresh = follow();
  ASSERT_TRUE(fresh.ok()) << fresh.error().detail();
  EXPECT_EQ(*fresh, kRootsKept - 1);
  EXPECT_EQ(kept().device_roots.size(), kRootsKept) << "and they are read again";
}

TEST_F(FollowRoots, AServerWithOneRootIsAskedForItsDirectoryAlone) {
  auto const fresh = follow();
  ASSERT_TRUE(fresh.ok());
  EXPECT_EQ(*fresh, 0U);
  EXPECT_EQ(world.acme.count("/roots"), 0);
  EXPECT_THAT(kept().device_roots, ElementsAre(first.certificate));
}

TEST_F(FollowRoots, IsDueOnceADay) {
  EXPECT_TRUE(is_due());
  ASSERT_TRUE(follow().ok());
  EXPECT_FALSE(is_due());
  world.clock.advance(kDay - Seconds(1));
  EXPECT_FALSE(is_due());
  world.clock.advance(Seconds(1));
  EXPECT_TRUE(is_due());
  ASSERT_TRUE(follow().ok());
  world.clock.advance(-2 * kDay);
  EXPECT_TRUE(is_due()) << "the clock had run ahead";
}

TEST_F(FollowRoots, AServerThatDoesNotAnswerIsAskedInAnHour) {
  world.acme.instead = [](auto const&) {
    return std::optional(Result<net::ClientResponse>(Error(Errc::unreachable, "no")));
  };
  EXPECT_FALSE(follow().ok());
  EXPECT_FALSE(is_due());
  world.clock.advance(kHour);
  EXPECT_TRUE(is_due());
  EXPECT_THAT(kept().device_roots, ElementsAre(first.certificate));
}

}  // namespace
}  // namespace lenscap::agent
