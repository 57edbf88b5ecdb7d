// The folders of STATE/issuers: made whole, read back, and refused in words when something is wrong with one.
#include "ca/installed_issuers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "ca/pending_issuer.h"
#include "tests/ca/several_issuers.h"

namespace lenscap::ca::test {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct InstalledIssuersTest : ::testing::Test {
  fakes::TempDir dir;
  GeneratedCa const ca = generate_ca(ceremony_settings(), kNow).value();
  SecretBytes const passphrase{std::string_view("the issuing key's words")};

  InstalledIssuersTest() {
    fs::create_directory(dir.path("keys"));
    put_file(dir.path("keys/root.pem"), ca.root.pem());
    put_file(dir.path("keys/issuing.pem"), ca.issuing.pem());
  }
  Result<> install(std::string const& name, IssuerNote const& note = {}) {
    auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
    auto const issuing = certify_issuer(ca.root, ca.root_key,
                                        {"Example Cameras",
                                         issuer_common_name("Example Cameras", name, 1),
                                         key.public_key(),
                                         constraints_below(ca.root, {}, {}).value(),
                                         {ExtendedKeyUsage::server_auth}},
                                        kNow)
                             .value();
    return install_issuer(dir.path(), name, issuing, {ca.root}, key, passphrase, note);
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
};

TEST_F(InstalledIssuersTest, TheDefaultFirstAndTheOthersByName) {
  EXPECT_THAT(names_loaded(), ElementsAre("default"));
  IssuerNote const note{.profiles = {"dot1x"}, .active_from = kNow + kDay, .replaces = "plant4"};
  ASSERT_TRUE(install("zoo", note));
  ASSERT_TRUE(install("plant4"));
  EXPECT_THAT(names_loaded(), ElementsAre("default", "plant4", "zoo"));
  auto const all = load_issuers(dir.path()).value();
  EXPECT_EQ(all[2].note, note);
  EXPECT_EQ(all[2].chain.root(), ca.root);
  auto const holder = open_key_holder(all[2].key, dir.path(), passphrase).value();
  EXPECT_EQ(holder->public_key(), all[2].chain.issuing.key());
  auto const mode = [&](std::string const& path) { return fs::status(dir.path(path)).permissions(); };
  EXPECT_EQ(mode("issuers"), fs::perms::owner_all);
  EXPECT_EQ(mode("issuers/zoo"), fs::perms::owner_all);
  EXPECT_EQ(mode("issuers/zoo/issuing.key"), fs::perms::owner_read | fs::perms::owner_write);

  auto const rules = rules_of(all, {});
  EXPECT_TRUE(rules[0].is_default);
  EXPECT_FALSE(rules[2].is_default);
  EXPECT_EQ(rules[1].retired_from, kNow + kDay);
  EXPECT_EQ(rules[2].active_from, kNow + kDay);
  EXPECT_EQ(rules[2].ends, std::min(all[2].chain.issuing.not_after(), ca.root.not_after()));
  EXPECT_THAT(rules[2].usages, ElementsAre(ExtendedKeyUsage::server_auth));
}

TEST_F(InstalledIssuersTest, TheListOfTheRootSaysWhichAreRevoked) {
  ASSERT_TRUE(install("plant4"));
  auto const revoked = [&] {
    std::vector<std::string> found;
    for (auto const& rule : rules_of(load_issuers(dir.path()).value(), {}))
      if (rule.revoked_at) found.push_back(rule.name);
    return found;
  };
  EXPECT_THAT(revoked(), ElementsAre());
  auto const serial = load_issuers(dir.path()).value()[1].chain.issuing.serial_hex();
  auto const list = make_root_crl(ca.root, ca.root_key, {}, {{serial, {}}}, kRootCrlLifetime, kNow).value();
  put_file(dir.path("keys/root.crl"), std::string(as_text(list.der)));
  EXPECT_THAT(revoked(), ElementsAre("plant4"));
  put_file(dir.path("keys/root.crl"), "damaged");
  EXPECT_THAT(why(), HasSubstr("put it back from a back-up")) << "never as if nothing were revoked";
}

TEST_F(InstalledIssuersTest, NothingIsOverwrittenAndNothingIsLeftBehind) {
  ASSERT_TRUE(install("plant4"));
  auto const before = load_issuers(dir.path()).value()[1].chain.issuing;
  EXPECT_EQ(install("plant4").error().code(), Errc::conflict);
  EXPECT_EQ(load_issuers(dir.path()).value()[1].chain.issuing, before);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path("issuers")), {}), 1);
  for (auto const* name : {"", "default", "Plant", "../x", "a b", "-a", "a.b"})
    EXPECT_EQ(install(name).error().code(), Errc::usage) << name;
  fs::create_directory(dir.path("issuers/.new-abc"));  // of a create that was broken off
  EXPECT_THAT(names_loaded(), ElementsAre("default", "plant4"));
}

TEST_F(InstalledIssuersTest, LinesGoFromTheFirstToTheLast) {
  ASSERT_TRUE(install("default-2", {.active_from = kNow, .replaces = "default"}));
  ASSERT_TRUE(install("default-3", {.active_from = kNow + kDay, .replaces = "default-2"}));
  ASSERT_TRUE(install("plant4"));
  auto const all = load_issuers(dir.path()).value();
  for (auto const* name : {"default", "default-2", "default-3"}) {
    std::vector<std::string> line;
    for (auto const* each : line_of(all, name)) line.push_back(each->name);
    EXPECT_THAT(line, ElementsAre("default", "default-2", "default-3")) << name;
  }
  EXPECT_EQ(line_of(all, "plant4").size(), 1U);
  EXPECT_TRUE(line_of(all, "nobody").empty());
  auto const rules = rules_of(all, {});
  EXPECT_TRUE(rules[1].is_default && rules[2].is_default && !rules[3].is_default);
}

TEST_F(InstalledIssuersTest, WhatIsWrongIsSaidInWords) {
  ASSERT_TRUE(install("plant4"));
  auto const note = dir.path("issuers/plant4/issuer.toml");
  auto const good = read_file(note).value();
  for (auto const& [text, says] : std::vector<std::pair<std::string, std::string>>{
           {"profile = []\n", "profile"},
           {"active_from = \"soon\"\n", "must be a time"},
           {"replaces = \"default\"\n", "needs active_from"},
           {"active_from = \"2026-07-01T00:00:00Z\"\nreplaces = \"nobody\"\n", "there is no such issuer"},
           {"active_from = \"2026-07-01T00:00:00Z\"\nreplaces = \"plant4\"\n", "goes in a circle"}}) {
    put_file(note, text);
    EXPECT_THAT(why(), HasSubstr(says)) << text;
    EXPECT_THAT(why(), HasSubstr("issuers/plant4/issuer.toml")) << text;
  }
  put_file(note, good);
  EXPECT_EQ(why(), "");

  ASSERT_TRUE(install("a", {.active_from = kNow, .replaces = "plant4"}));
  ASSERT_TRUE(install("b", {.active_from = kNow, .replaces = "plant4"}));
  EXPECT_THAT(why(), HasSubstr("replaces it, too"));
  fs::remove_all(dir.path("issuers/a"));
  fs::rename(dir.path("issuers/b"), dir.path("issuers/B"));
  EXPECT_THAT(why(), HasSubstr("is no folder of an issuer"));
  fs::remove_all(dir.path("issuers/B"));

  fs::copy(dir.path("issuers/plant4"), dir.path("issuers/plant5"));
  EXPECT_THAT(why(), HasSubstr("has the key of another one"));
  fs::remove_all(dir.path("issuers/plant5"));
  auto const other = generate_ca(ceremony_settings(), kNow).value();
  put_file(dir.path("issuers/plant4/issuing.pem"), other.issuing.pem() + other.root.pem());
  EXPECT_THAT(why(), HasSubstr("does not lead up to the root of this CA"));
}

// Who took a closed folder for none would go on with fewer issuers, each with more names than its own.
TEST_F(InstalledIssuersTest, ThoseInAClosedFolderAreNotForgotten) {
  ASSERT_TRUE(install("plant4"));
  ASSERT_TRUE(install("plant5"));
  fakes::close_off(dir.path("issuers/plant5"));
  EXPECT_THAT(why(), HasSubstr("cannot look at " + dir.path("issuers/plant5")));
  EXPECT_THAT(why(), Not(HasSubstr("move it away")));
  fakes::close_off(dir.path("issuers"));
  EXPECT_THAT(why(), HasSubstr("cannot look into " + dir.path("issuers")));
  EXPECT_FALSE(load_pending(dir.path()).ok());
}

// --- below a parent ---

struct InstalledBelowAParent : ::testing::Test {
  fakes::TempDir dir;
  BelowAParent const ca = below_a_parent(kNow);
  SecretBytes const passphrase{std::string_view("the issuing key's words")};

  InstalledBelowAParent() {
    fs::create_directory(dir.path("keys"));
    install_chain(dir.path(), ca.chain.issuing, ca.chain.above).value();
    auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
    auto const issuing = certify_below(ca, "plant4", key.public_key(), {"p4.cams.example"}, kNow);
    install_issuer(dir.path(), "plant4", issuing, {ca.chain.issuing, ca.chain.root()}, key, passphrase, {}).value();
  }
  std::string why(InstalledChain const& own) {
    auto const loaded = load_issuers(dir.path(), own);
    return loaded.ok() ? "" : loaded.error().detail();
  }
};

TEST_F(InstalledBelowAParent, TheIssuingCertificateStandsAboveAsItIsNow) {
  auto all = load_issuers(dir.path()).value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(all[1].chain.has_parent);
  EXPECT_THAT(all[1].chain.above, ElementsAre(ca.chain.issuing, ca.chain.root()));

  auto const next = renewed(ca, kNow + 30 * kDay);
  install_chain(dir.path(), next, ca.chain.above).value();
  all = load_issuers(dir.path()).value();
  EXPECT_THAT(all[1].chain.above, ElementsAre(next, ca.chain.root()));
  auto const rules = rules_of(all, {});
  EXPECT_EQ(rules[1].ends, all[1].chain.issuing.not_after());
  EXPECT_EQ(rules[1].limits.size(), 1U) << "of its own certificate alone";
}

TEST_F(InstalledBelowAParent, AChainThatCannotHoldTheOthersIsRefused) {
  EXPECT_EQ(why(ca.chain), "");
  EXPECT_THAT(why({renewed(ca, kNow, 0), ca.chain.above, true}), HasSubstr("leaves no room for the issuer of"));
  EXPECT_THAT(why(below_a_parent(kNow).chain), HasSubstr("was not signed by CN=Example Corporation Issuing CA"));
}

// --- keys in a token ---

TEST_F(InstalledIssuersTest, OfAKeyInATokenThereIsNoFile) {
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const issuing = certify_issuer(ca.root, ca.root_key,
                                      {"Example Cameras",
                                       issuer_common_name("Example Cameras", "plant4", 1),
                                       key.public_key(),
                                       constraints_below(ca.root, {}, {}).value(),
                                       {ExtendedKeyUsage::server_auth}},
                                      kNow)
                           .value();
  std::string const uri = "pkcs11:token=the%20\"token\";object=plant4?module-path=/usr/lib/x.so";
  ASSERT_TRUE(install_issuer(dir.path(), "plant4", issuing, {ca.root}, nullptr, {}, {.key = uri}));
  EXPECT_FALSE(fs::exists(dir.path("issuers/plant4/issuing.key")));
  auto const all = load_issuers(dir.path()).value();
  EXPECT_EQ(all[1].key, uri);

  // One kind for all: a process with a key in its memory lets no module in.
  AuthoritySettings settings;
  settings.state_dir = dir.path();
  auto const mixed = open_issuer_key(settings, all[1], passphrase);
  ASSERT_FALSE(mixed.ok());
  EXPECT_EQ(mixed.error().code(), Errc::settings);
  EXPECT_THAT(mixed.error().detail(), HasSubstr("plant4 is in a token, and ca.key of ca.toml in a file"));
  ASSERT_TRUE(install("plant5"));
  settings.key = "pkcs11:token=ca;object=issuing";
  EXPECT_THAT(open_issuer_key(settings, load_issuers(dir.path()).value()[2], passphrase).error().detail(),
              HasSubstr("plant5 is in a file, and ca.key of ca.toml in a token"));

  put_file(dir.path("issuers/plant4/issuer.toml"), "key = \"file:/etc/shadow\"\n");
  EXPECT_THAT(why(), HasSubstr("must be a pkcs11: URI"));
}

}  // namespace
}  // namespace lenscap::ca::test
