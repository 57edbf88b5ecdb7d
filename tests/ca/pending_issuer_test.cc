// A roll-over at the parent, as files: what waits for its certificate is no issuer, one rename makes it one, and what
// stands above it is what the parent gave with it.
#include "ca/pending_issuer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "ca/issuer_request.h"
#include "ca/parent_rules.h"
#include "tests/ca/several_issuers.h"

namespace lenscap::ca::test {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Seconds kPublishedFor = 7 * kDay;

struct PendingIssuerTest : ::testing::Test {
  fakes::TempDir dir;
  BelowAParent const ca = below_a_parent(kNow);
  SecretBytes const passphrase{std::string_view("the issuing key's words")};
  x509::PrivateKey const next_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  PendingIssuer pending{"default-2", kDefaultIssuer, kPublishedFor};
  IssuerNote const note{.active_from = kNow + kPublishedFor, .replaces = kDefaultIssuer};

  PendingIssuerTest() {
    fs::create_directory(dir.path("keys"));
    install_chain(dir.path(), ca.chain.issuing, ca.chain.above).value();
    pending.request = make_issuer_request(next_key, "Example Corporation", constraints_of(ceremony_settings()).value(),
                                          {ExtendedKeyUsage::server_auth}, 1, "Example Corporation Issuing CA 2");
  }
  // What a parent makes of a key.
  static x509::Certificate certify(x509::PublicKey const& key, x509::Certificate const& parent,
                                   x509::PrivateKey const& parent_key, std::string const& name) {
    auto says = issuer_template("Example Corporation", key, parent, kNow - kDay, 1825 * kDay, {}, {});
    says.common_name = name;
    says.subject_name = encode_name("Example Corporation", name);
    says.name_constraints.reset();
    says.path_length = 1;
    return forge(says, parent_key);
  }
  x509::Certificate next() {
    return certify(next_key.public_key(), ca.chain.root(), ca.root_key, "Example Corporation Issuing CA 2");
  }
  Result<> keep() { return keep_pending(dir.path(), pending, &next_key, passphrase); }
  Result<> install(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above) {
    return install_pending(dir.path(), pending, issuing, above, note);
  }
  void roll_over() {
    ASSERT_TRUE(keep());
    auto const done = install(next(), ca.chain.above);
    ASSERT_TRUE(done.ok()) << done.error().detail();
  }
  std::vector<std::string> names_loaded() {
    std::vector<std::string> found;
    auto const all = load_issuers(dir.path()).value();
    for (auto const& each : all) found.push_back(each.name);
    return found;
  }
  std::string why() {
    auto const loaded = load_issuers(dir.path());
    return loaded.ok() ? "" : loaded.error().detail();
  }
  std::map<std::string, std::string> files() {
    std::map<std::string, std::string> found;
    for (auto const& file : fs::recursive_directory_iterator(dir.path("issuers")))
      if (file.is_regular_file()) found[file.path()] = read_file(file.path()).value();
    return found;
  }
};

TEST_F(PendingIssuerTest, WhatWaitsForItsCertificateIsNoIssuer) {
  EXPECT_FALSE(load_pending(dir.path()).value());
  ASSERT_TRUE(keep());
  EXPECT_THAT(names_loaded(), ElementsAre("default"));
  auto const found = load_pending(dir.path()).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "default-2");
  EXPECT_EQ(found->replaces, "default");
  EXPECT_EQ(found->after, kPublishedFor);
  EXPECT_EQ(found->request, pending.request);
  EXPECT_EQ(requested_key(found->request).value(), next_key.public_key());
  EXPECT_EQ(open_key_holder(found->key(), dir.path(), passphrase).value()->public_key(), next_key.public_key());
  auto const mode = fs::status(dir.path("issuers/default-2.pending/issuing.key")).permissions();
  EXPECT_EQ(mode, fs::perms::owner_read | fs::perms::owner_write);

  auto const before = files();
  auto const again = keep();
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), Errc::conflict);
  EXPECT_EQ(files(), before);
}

TEST_F(PendingIssuerTest, OneRenameMakesAnIssuerOfIt) {
  auto const site_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const site = certify_below(ca, "plant4", site_key.public_key(), {"p4.cams.example"}, kNow);
  ASSERT_TRUE(
      install_issuer(dir.path(), "plant4", site, {ca.chain.issuing, ca.chain.root()}, site_key, passphrase, {}));
  roll_over();
  EXPECT_FALSE(load_pending(dir.path()).value());
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path("issuers")), {}), 2);
  auto const all = load_issuers(dir.path()).value();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].name, "default-2");
  EXPECT_TRUE(all[0].is_of_parent() && all[1].is_of_parent() && !all[2].is_of_parent());
  EXPECT_THAT(all[1].chain.above, ElementsAre(ca.chain.root()));
  EXPECT_EQ(all[1].note, note);
  EXPECT_EQ(open_key_holder(all[1].key, dir.path(), passphrase).value()->public_key(), next_key.public_key());
  EXPECT_EQ(request_of(dir.path(), "default-2").value(), pending.request);
  // What stood below the old one goes on there.
  EXPECT_EQ(all[2].signed_by, "default");
  EXPECT_THAT(all[2].chain.above, ElementsAre(ca.chain.issuing, ca.chain.root()));

  auto const rules = rules_of(all, {});
  EXPECT_TRUE(rules[1].is_default);
  EXPECT_EQ(rules[0].retired_from, kNow + kPublishedFor);
  EXPECT_EQ(in_charge(all, kNow + kPublishedFor - Seconds(1)).name, "default");
  EXPECT_EQ(in_charge(all, kNow + kPublishedFor).name, "default-2");
}

// The parent may have another CA sign than the last time, and each is renewed by itself.
TEST_F(PendingIssuerTest, AboveItStandsWhatTheParentGaveWithIt) {
  auto const policy_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto policy_says =
      issuer_template("Policy", policy_key.public_key(), ca.chain.root(), kNow - kDay, 1825 * kDay, {}, {});
  policy_says.name_constraints = constraints_of(ceremony_settings()).value();
  policy_says.path_length = 2;
  auto const policy = forge(policy_says, ca.root_key);
  auto const issuing = certify(next_key.public_key(), policy, policy_key, "Example Corporation Issuing CA 2");
  ASSERT_TRUE(keep());
  ASSERT_TRUE(install(issuing, {policy, ca.chain.root()}));
  auto all = load_issuers(dir.path()).value();
  EXPECT_THAT(all[0].chain.above, ElementsAre(ca.chain.root()));
  EXPECT_THAT(all[1].chain.above, ElementsAre(policy, ca.chain.root()));
  auto const rules = rules_of(all, {});
  EXPECT_TRUE(rules[0].limits.empty());
  ASSERT_EQ(rules[1].limits.size(), 1U) << "of the policy CA, which stands above the new one alone";
  EXPECT_THAT(rules[1].limits[0].whose, HasSubstr("CN=Policy Issuing CA"));

  install_chain(dir.path(), renewed(ca, kNow + 30 * kDay), ca.chain.above).value();
  auto const again = certify(next_key.public_key(), ca.chain.root(), ca.root_key, "Example Corporation Issuing CA 2");
  all = load_issuers(dir.path()).value();
  EXPECT_EQ(all[1].chain.issuing, issuing);
  ASSERT_TRUE(check_follows(all[1].chain.issuing, again));
  ASSERT_TRUE(renew_issuer(dir.path(), "default-2", again, ca.chain.above));
  all = load_issuers(dir.path()).value();
  EXPECT_EQ(all[1].chain.issuing, again);
  EXPECT_THAT(all[1].chain.above, ElementsAre(ca.chain.root()));
  EXPECT_EQ(all[1].note, note);
}

TEST_F(PendingIssuerTest, WhatFollowsHasTheSameKey) {
  auto const other = check_follows(next(), ca.chain.issuing);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code(), Errc::conflict);
  EXPECT_THAT(other.error().detail(), HasSubstr("lenscap-ca issuer roll-over"));
}

// Sites that are made after the switch.
TEST_F(PendingIssuerTest, AnIssuerBelowItStandsBelowItAsItIsNow) {
  roll_over();
  auto const all = load_issuers(dir.path()).value();
  auto const site_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  MemoryKey holder(next_key);
  auto const site = certify_issuer(all[1].chain, holder,
                                   {"Example Cameras",
                                    "Example Cameras plant5 Issuing CA",
                                    site_key.public_key(),
                                    constraints_of(ceremony_settings()).value(),
                                    {ExtendedKeyUsage::server_auth}},
                                   kNow)
                        .value();
  ASSERT_TRUE(install_issuer(dir.path(), "plant5", site, {next(), ca.chain.root()}, site_key, passphrase, {}));
  auto const with_site = load_issuers(dir.path()).value();
  EXPECT_EQ(with_site[2].signed_by, "default-2");
  EXPECT_THAT(with_site[2].chain.above, ElementsAre(all[1].chain.issuing, ca.chain.root()));
}

TEST_F(PendingIssuerTest, AnotherRootOrALinkThatDoesNotHoldIsRefused) {
  ASSERT_TRUE(keep());
  auto const other = below_a_parent(kNow);
  auto const foreign =
      certify(next_key.public_key(), other.chain.root(), other.root_key, "Example Corporation Issuing CA 2");
  InstalledIssuer const place{"default-2", {foreign, other.chain.above, true}, pending.key(), note};
  auto const would_be = load_issuers(dir.path(), place);
  ASSERT_FALSE(would_be.ok());
  EXPECT_THAT(would_be.error().detail(), HasSubstr("does not lead up to the root of this CA"));

  ASSERT_TRUE(install(next(), ca.chain.above));
  put_file(dir.path("issuers/default-2/issuing.pem"), foreign.pem() + other.chain.root().pem());
  EXPECT_THAT(why(), HasSubstr("does not lead up to the root of this CA"));
  put_file(dir.path("issuers/default-2/issuing.pem"), foreign.pem() + ca.chain.root().pem());
  EXPECT_THAT(why(), HasSubstr("does not lead up to the root of this CA"));
  put_file(dir.path("issuers/default-2/issuing.pem"), next().pem());
  EXPECT_THAT(why(), HasSubstr("does not lead up to the root of this CA"));
  put_file(dir.path("issuers/default-2/issuing.pem"), next().pem() + ca.chain.root().pem());
  EXPECT_EQ(why(), "");
}

TEST_F(PendingIssuerTest, ARefusedInstallationChangesNothing) {
  ASSERT_TRUE(keep());
  fs::create_directories(dir.path("issuers/default-2/something"));
  auto const before = files();
  auto const refused = install(next(), ca.chain.above);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::conflict);
  EXPECT_EQ(files(), before);
}

TEST_F(PendingIssuerTest, WhatIsWrongWithAFolderIsSaid) {
  ASSERT_TRUE(keep());
  auto const says = [&] {
    auto const found = load_pending(dir.path());
    return found.ok() ? "" : found.error().detail();
  };
  fs::copy(dir.path("issuers/default-2.pending"), dir.path("issuers/default-3.pending"));
  EXPECT_THAT(says(), HasSubstr("both wait for a certificate"));
  fs::remove_all(dir.path("issuers/default-3.pending"));
  EXPECT_EQ(says(), "");
  auto const text = dir.path("issuers/default-2.pending/request.toml");
  auto const good = read_file(text).value();
  put_file(text, "after = \"soon\"\n");
  EXPECT_THAT(says(), HasSubstr("request.toml"));
  put_file(text, good);
  fs::remove(dir.path("issuers/default-2.pending/issuing.csr"));
  EXPECT_THAT(says(), HasSubstr("issuing.csr"));
}

TEST_F(PendingIssuerTest, OfAKeyInATokenThereIsNoFile) {
  pending.token_key = "pkcs11:token=the%20\"token\";object=next";
  ASSERT_TRUE(keep_pending(dir.path(), pending, nullptr, {}));
  EXPECT_FALSE(fs::exists(dir.path("issuers/default-2.pending/issuing.key")));
  EXPECT_EQ(load_pending(dir.path()).value()->key(), pending.token_key);
}

TEST_F(PendingIssuerTest, ItBeginsAtOnceWhereTheOldOneWouldHaveEndedBefore) {
  for (auto const& [ends, begins] :
       {std::pair{kNow + kPublishedFor + Seconds(1), kNow + kPublishedFor}, std::pair{kNow + kPublishedFor, kNow},
        std::pair{kNow + kDay, kNow}, std::pair{kNow - kDay, kNow}})
    EXPECT_EQ(begin_of(pending, kNow, ends), begins) << to_rfc3339(ends);
}

// The rules for a parent's certificate are those of the first (parent_rules_test.cc); here that they are asked of this
// key.
TEST_F(PendingIssuerTest, WhatTheParentMadeIsJudgedForThisKey) {
  auto const of = [&](x509::Certificate const& issuing) {
    auto given = ca.chain.above;
    given.push_back(issuing);
    return judge_parent_chain(given, next_key.public_key(), kNow);
  };
  EXPECT_TRUE(of(next()).ok());
  EXPECT_THAT(of(ca.chain.issuing).error().detail(), HasSubstr("none of the certificates is for the issuing key"));
}

}  // namespace
}  // namespace lenscap::ca::test
