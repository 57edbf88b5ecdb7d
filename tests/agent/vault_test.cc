#include "agent/vault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/file.h"
#include "store/backends.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct VaultTest : ::testing::Test {
  VaultTest() { settings.state_dir = dir.path(); }

  fakes::TempDir dir;
  std::unique_ptr<store::Store> store = store::make_memory_store();
  Settings settings;
};

TEST_F(VaultTest, TheFirstCallMakesTheKeyForItsOwnerAlone) {
  auto const before = ::umask(0);
  auto vault = Vault::open(settings, *store);
  ::umask(before);
  ASSERT_TRUE(vault.ok()) << vault.error().detail();
  struct stat info {};
  ASSERT_EQ(::stat(dir.path("vault.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(VaultTest, WhatWasSealedOpensAgain) {
  auto const sealed = Vault::open(settings, *store)->sealer().seal(SecretBytes(std::string_view("pass")), "context");
  auto again = Vault::open(settings, *store);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->sealer().open(sealed, "context")->text(), "pass");
  EXPECT_FALSE(again->sealer().open(sealed, "other context").ok());
}

TEST_F(VaultTest, AnotherKeyIsRefused) {
  ASSERT_TRUE(Vault::open(settings, *store).ok());
  ASSERT_TRUE(write_file(dir.path("vault.key"), "another key\n", 0600).ok());
  auto refused = Vault::open(settings, *store);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::wrong_passphrase);
  EXPECT_THAT(refused.error().detail(), HasSubstr("file:vault.key"));
  EXPECT_THAT(refused.error().detail(), Not(HasSubstr("another key\n")));
}

// A new key in its place would make every sealed secret unreadable, and nobody would know why.
TEST_F(VaultTest, AKeyThatIsGoneIsNotMadeAnew) {
  ASSERT_TRUE(Vault::open(settings, *store).ok());
  std::filesystem::remove(dir.path("vault.key"));
  auto refused = Vault::open(settings, *store);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::file);
  EXPECT_THAT(refused.error().detail(), HasSubstr("is gone"));
  EXPECT_FALSE(file_exists(dir.path("vault.key")));
}

TEST_F(VaultTest, AKeyThatOthersMayReadIsRefused) {
  ASSERT_TRUE(write_file(dir.path("vault.key"), "key\n", 0644).ok());
  EXPECT_EQ(Vault::open(settings, *store).error().code(), Errc::file);
}

// By hand there is no credential: the refusal is the line to type.
TEST_F(VaultTest, ACredentialThatOnlyTheServiceHas) {
  ::unsetenv("CREDENTIALS_DIRECTORY");
  settings.vault_key = "credential:lenscap-agent-key";
  auto refused = Vault::open(settings, *store);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::file);
  EXPECT_THAT(refused.error().detail(),
              HasSubstr("systemd-run --quiet --pty --wait --collect --same-dir -p "
                        "LoadCredentialEncrypted=lenscap-agent-key:/etc/credstore.encrypted/lenscap-agent-key "
                        "lenscap-agent"));

  fakes::TempDir credentials;
  ASSERT_TRUE(write_file(credentials.path("lenscap-agent-key"), "key\n", 0600).ok());
  ::setenv("CREDENTIALS_DIRECTORY", credentials.path().c_str(), 1);
  EXPECT_TRUE(Vault::open(settings, *store).ok());
  ::unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_F(VaultTest, AFileElsewhereIsNeverMade) {
  fakes::TempDir other;
  settings.vault_key = "file:" + other.path("key");
  EXPECT_EQ(Vault::open(settings, *store).error().code(), Errc::file);
  EXPECT_FALSE(file_exists(other.path("key")));
}

// The way from the default to a credential: the same text, from elsewhere.
TEST_F(VaultTest, TheSameKeyFromElsewhere) {
  ASSERT_TRUE(Vault::open(settings, *store).ok());
  fakes::TempDir other;
  std::filesystem::rename(dir.path("vault.key"), other.path("key"));
  settings.vault_key = "file:" + other.path("key");
  EXPECT_TRUE(is_sealed(settings));
  EXPECT_TRUE(Vault::open(settings, *store).ok());
}

TEST(IsSealed, OnlyWhenTheKeyLiesApartFromItsData) {
  fakes::TempDir dir;
  std::filesystem::create_directories(dir.path("state/db"));
  std::filesystem::create_directories(dir.path("elsewhere"));
  std::filesystem::create_directory_symlink(dir.path("state"), dir.path("link"));
  std::string const state = dir.path("state");
  struct Case {
    std::string name;
    std::string state_dir;
    std::string key;
    std::string store;
    bool sealed;
  };
  Case const cases[] = {
      {"the default", state, "file:vault.key", "lmdb:db", false},
      {"a trailing slash", state + "/", "file:vault.key", "lmdb:db", false},
      {"an absolute path", state, "file:" + state + "/vault.key", "lmdb:db", false},
      {"in a folder below", state, "file:keys/vault.key", "lmdb:db", false},
      {"by way of elsewhere", state, "file:" + dir.path("elsewhere/../state/vault.key"), "lmdb:db", false},
      {"by a link", state, "file:" + dir.path("link/vault.key"), "lmdb:db", false},
      {"a state directory by a link", dir.path("link"), "file:" + state + "/vault.key", "lmdb:db", false},
      {"out of it", state, "file:../elsewhere/key", "lmdb:db", true},
      {"elsewhere", state, "file:" + dir.path("elsewhere/key"), "lmdb:db", true},
      {"a longer name", state, "file:" + state + "-keys/key", "lmdb:db", true},
      {"beside a store elsewhere", state, "file:" + dir.path("elsewhere/key"), "lmdb:" + dir.path("elsewhere/db"),
       false},
      {"a credential", state, "credential:key", "lmdb:db", true},
      {"a prompt", state, "prompt", "lmdb:db", true},
  };
  for (auto const& c : cases) {
    Settings settings;
    settings.state_dir = c.state_dir;
    settings.vault_key = c.key;
    settings.store = c.store;
    EXPECT_EQ(is_sealed(settings), c.sealed) << c.name;
  }
}

}  // namespace
}  // namespace lenscap::agent
