// The root's key leaves the server: what arrives is judged by openssl, and whatever fails leaves the key where it was.
#include "ca/root_seal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr std::string_view kIssuingWords = "the issuing key's words", kRootWords = "the root's own words";

SecretBytes words(std::string_view text) { return SecretBytes(text); }

// A CA as `init` makes it, anew for each test.
class RootSeal : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    made_ = std::make_unique<fakes::TempDir>();
    auto settings = ceremony_settings();
    settings.state_dir = made_->path("state");
    ASSERT_TRUE(make_ca(settings, {words(kIssuingWords), words(kRootWords)}, kNow).ok());
  }
  static void TearDownTestSuite() { made_.reset(); }
  void SetUp() override { fs::copy(made_->path("state"), state, fs::copy_options::recursive); }

  static std::string read(std::string const& path) { return file_exists(path) ? read_file(path).value() : "absent"; }
  static unsigned mode(std::string const& path) { return static_cast<unsigned>(fs::status(path).permissions()); }
  std::string key() const { return state + "/keys/root.key"; }

  fakes::TempDir dir;
  std::string const state = dir.path("state");
  std::string const away = dir.path("away");

 private:
  static inline std::unique_ptr<fakes::TempDir> made_;
};

TEST_F(RootSeal, TheKeyOpensThereAndIsGoneHere) {
  auto const before = read(key());
  auto const root = read(state + "/keys/root.pem");
  auto const sealed = seal_root(state, away, words(kRootWords));
  ASSERT_TRUE(sealed.ok()) << sealed.error().detail();
  EXPECT_FALSE(file_exists(key()));
  EXPECT_EQ(read(away + "/root.key"), before);
  EXPECT_EQ(read(away + "/root.pem"), root);
  EXPECT_EQ(mode(away), 0700U);
  EXPECT_EQ(mode(away + "/root.key"), 0600U);
  EXPECT_TRUE(sealed->on_the_same_disk);
  // By somebody else's program: the key of the copy is that of the certificate.
  put_file(dir.path("words"), std::string(kRootWords));
  auto const ours = run("openssl pkey -in " + away + "/root.key -passin file:" + dir.path("words") + " -pubout");
  auto const theirs = run("openssl x509 -in " + away + "/root.pem -noout -pubkey");
  EXPECT_EQ(ours.status, 0) << ours.output;
  EXPECT_EQ(ours.output, theirs.output);
}

// A process that was killed while it wrote the key.
TEST_F(RootSeal, NothingIsLeftOverOfTheKey) {
  auto const left_over = key() + ".new-abc123";
  put_file(left_over, read(key()));
  ASSERT_TRUE(seal_root(state, away, words(kRootWords)).ok());
  EXPECT_FALSE(file_exists(left_over));
}

TEST_F(RootSeal, TheServiceGoesOnWithoutIt) {
  ASSERT_TRUE(seal_root(state, away, words(kRootWords)).ok());
  auto const store = store::open("memory:", "").value();
  AuthoritySettings const opening{
      .state_dir = state,
      .http_url = kHttpUrl,
      .profile_files = {std::string(LENSCAP_SOURCE_DIR) + "/conf/profiles/camera-https.toml"}};
  auto const authority = Authority::open(opening, *store, words(kIssuingWords));
  ASSERT_TRUE(authority.ok()) << authority.error().detail();
  EXPECT_TRUE((*authority)->issue(request(names({"a.cams.example"})), "1", kNow).ok());
}

// It ended between copying and removing: the same command again goes on.
TEST_F(RootSeal, WhatWasCopiedAlreadyIsTaken) {
  fs::create_directory(away);
  fs::copy_file(key(), away + "/root.key");
  EXPECT_TRUE(seal_root(state, away, words(kRootWords)).ok());
  EXPECT_FALSE(file_exists(key()));
}

TEST_F(RootSeal, EachRefusalLeavesTheKeyWhereItWas) {
  fs::create_directory(dir.path("taken"));
  put_file(dir.path("taken/root.key"), "another one");
  put_file(dir.path("file"), "");
  struct Case {
    char const* name;
    std::string to;
    std::string_view passphrase;
    Errc code;
    char const* says;
  };
  for (Case const& c : {
           Case{"the issuing key's words", away, kIssuingWords, Errc::wrong_passphrase, "root.key"},
           Case{"inside the state", state + "/keys/away", kRootWords, Errc::conflict, "inside the state directory"},
           Case{"by a way round", away + "/../state/away", kRootWords, Errc::conflict, "inside the state directory"},
           Case{"another key is there", dir.path("taken"), kRootWords, Errc::conflict, "holds something else"},
           Case{"a directory that cannot be made", dir.path("none/at/all"), kRootWords, Errc::file, "none/at/all"},
           Case{"no directory", dir.path("file"), kRootWords, Errc::file, "file"},
       }) {
    SCOPED_TRACE(c.name);
    auto const before = read(key());
    auto const refused = seal_root(state, c.to, words(c.passphrase));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), c.code) << refused.error().detail();
    EXPECT_THAT(refused.error().detail(), HasSubstr(c.says));
    EXPECT_EQ(read(key()), before);
  }
  EXPECT_EQ(read(dir.path("taken/root.key")), "another one");
}

TEST_F(RootSeal, ALinkToTheKeyIsNoCopy) {
  auto const before = read(key());
  fs::create_directory(away);
  fs::create_hard_link(key(), away + "/root.key");
  auto const refused = seal_root(state, away, words(kRootWords));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::conflict);
  EXPECT_THAT(refused.error().detail(), HasSubstr("no copy"));
  EXPECT_EQ(read(key()), before);
}

TEST_F(RootSeal, AnotherKeyIsNotTakenForTheRoots) {
  fs::copy_file(state + "/keys/issuing.key", key(), fs::copy_options::overwrite_existing);
  auto const refused = seal_root(state, away, words(kIssuingWords));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::conflict);
  EXPECT_THAT(refused.error().detail(), HasSubstr("is not the key of the root certificate"));
  EXPECT_TRUE(file_exists(key()));
  EXPECT_FALSE(file_exists(away + "/root.key"));
}

TEST_F(RootSeal, ASecondTimeThereIsNothingLeftToSeal) {
  ASSERT_TRUE(seal_root(state, away, words(kRootWords)).ok());
  auto const again = seal_root(state, dir.path("again"), words(kRootWords));
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), Errc::file);
  EXPECT_THAT(again.error().detail(), HasSubstr("moved away already"));
}

}  // namespace
}  // namespace lenscap::ca::test
