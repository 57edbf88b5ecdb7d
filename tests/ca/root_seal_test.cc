// The root's key leaves the server: what arrives is judged by openssl, and whatever fails leaves the key where it was.
// In shares, they are judged by gfcombine and by a combiner of our own in another language (combine_shares.py).
#include "ca/root_seal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "ca/root_share_text.h"
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

// It ended between the zeros over the key and the removal of the file: no passphrase opens that.
TEST_F(RootSeal, WhatWasErasedAlreadyIsRemoved) {
  auto const size = read(key()).size();
  ASSERT_TRUE(seal_root(state, away, words(kRootWords)).ok());
  put_file(key(), std::string(size, '\0'));
  auto const here = root_key_here(state);
  ASSERT_FALSE(here.ok());
  EXPECT_THAT(here.error().detail(), HasSubstr("was erased by a root seal"));
  EXPECT_FALSE(file_exists(key()));
  EXPECT_THAT(root_key_here(state).error().detail(), HasSubstr("moved away already"));
  EXPECT_TRUE(file_exists(away + "/root.key"));
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

// --- in shares ---

class RootSealInShares : public RootSeal {
 protected:
  Result<SealedRoot> seal(ShareCount count, std::string const& shares_to = {}) {
    return seal_root(state, away, words(kRootWords), {.shares = count, .shares_directory = shares_to});
  }
  std::string share(unsigned number) const { return away + "/share-" + std::to_string(number) + ".txt"; }
  std::string shares(std::vector<unsigned> const& numbers) const {
    std::string all;
    for (auto const number : numbers) all += share(number) + " ";
    return all;
  }
  // The public key in the key file, by openssl with the passphrase that stands in the file `words`.
  Outcome opened(std::string const& key_file) const {
    return run("openssl pkey -in " + key_file + " -passin file:" + dir.path("words") + " -pubout");
  }
  std::string public_key() const { return run("openssl x509 -in " + away + "/root.pem -noout -pubkey").output; }
  Outcome combined_in_python(std::vector<unsigned> const& numbers) const {
    return run("python3 " LENSCAP_SOURCE_DIR "/tests/ca/combine_shares.py " + shares(numbers) + " > " +
               dir.path("words"));
  }
  // As the share itself says it.
  Outcome combined_by_gfcombine(std::vector<unsigned> const& numbers) const {
    std::string script = "set -e; rm -f " + dir.path("part.*") + "\n";
    for (auto const number : numbers)
      script += "sed -n 's/^Share //p' " + share(number) + " | tr -d ' ' | base32 -d > " +
                dir.path("part.00" + std::to_string(number)) + "\n";
    script += "gfcombine -o " + dir.path("secret") + " " + dir.path("part.*") + "\nbase32 " + dir.path("secret") +
              " > " + dir.path("words") + "\n";
    return run(script);
  }
  SecretBytes combined(SealedRoot const& sealed, std::vector<std::string> const& files) const {
    std::vector<RootShare> all;
    for (auto const& file : files) all.push_back(parse_share_file(read(file)).value());
    return combine(*sealed.sealing, all).value();
  }
};

TEST_F(RootSealInShares, OtherPeoplesProgramsOpenTheKeyWithAnyThreeOfFive) {
  auto const sealed = seal({3, 5});
  ASSERT_TRUE(sealed.ok()) << sealed.error().detail();
  EXPECT_FALSE(file_exists(key()));
  auto const right = public_key();
  ASSERT_THAT(right, HasSubstr("BEGIN PUBLIC KEY"));
  for (auto const& numbers : std::vector<std::vector<unsigned>>{{1, 2, 3}, {5, 3, 1}, {2, 4, 5}, {1, 2, 3, 4, 5}}) {
    ASSERT_EQ(combined_in_python(numbers).status, 0);
    EXPECT_EQ(opened(sealed->key_file).output, right) << ::testing::PrintToString(numbers);
    put_file(dir.path("words"), "");
    auto const by_gfcombine = combined_by_gfcombine(numbers);
    ASSERT_EQ(by_gfcombine.status, 0) << by_gfcombine.output;
    EXPECT_EQ(opened(sealed->key_file).output, right) << ::testing::PrintToString(numbers);
  }
}

TEST_F(RootSealInShares, TwoOfThreeDoNotOpenIt) {
  auto const sealed = seal({3, 5});
  ASSERT_TRUE(sealed.ok()) << sealed.error().detail();
  ASSERT_EQ(combined_in_python({2, 5}).status, 0);
  EXPECT_NE(opened(sealed->key_file).status, 0);
  ASSERT_EQ(combined_by_gfcombine({1, 4}).status, 0);
  EXPECT_NE(opened(sealed->key_file).status, 0);
  put_file(dir.path("words"), std::string(kRootWords));
  EXPECT_NE(opened(sealed->key_file).status, 0) << "the former passphrase opens nothing any more";
}

TEST_F(RootSealInShares, EachFileIsForOnePersonAlone) {
  auto const sealed = seal({2, 3});
  ASSERT_TRUE(sealed.ok()) << sealed.error().detail();
  EXPECT_EQ(sealed->share_files, (std::vector<std::string>{share(1), share(2), share(3)}));
  EXPECT_EQ(mode(away), 0700U);
  EXPECT_EQ(mode(away + "/root.key"), 0600U);
  auto const sealing = read_sealing(read(away + "/root.key")).value();
  ASSERT_TRUE(sealing.has_value());
  EXPECT_EQ(*sealing, sealed->sealing);
  EXPECT_EQ(sealing->root, sealed->root.fingerprint());
  EXPECT_EQ(sealing->subject, sealed->root.subject());
  EXPECT_EQ(sealing->count, (ShareCount{2, 3}));
  for (unsigned number = 1; number <= 3; ++number) {
    EXPECT_EQ(mode(share(number)), 0600U);
    auto const each = parse_share_file(read(share(number)));
    ASSERT_TRUE(each.ok()) << each.error().detail();
    EXPECT_EQ(each->number, number);
    EXPECT_EQ(each->sealing, *sealing);
  }
}

TEST_F(RootSealInShares, TheyCanLieElsewhereThanTheKey) {
  auto const elsewhere = dir.path("memory");
  auto const sealed = seal({2, 2}, elsewhere);
  ASSERT_TRUE(sealed.ok()) << sealed.error().detail();
  EXPECT_EQ(sealed->share_files, (std::vector<std::string>{elsewhere + "/share-1.txt", elsewhere + "/share-2.txt"}));
  EXPECT_FALSE(file_exists(share(1)));
  EXPECT_EQ(mode(elsewhere), 0700U);
}

// People leave: from shares to other shares, and in the end to one passphrase again.
TEST_F(RootSealInShares, AreSealedAnewAndTheFormerOnesOpenNothing) {
  auto const first = seal({2, 3});
  ASSERT_TRUE(first.ok()) << first.error().detail();
  auto const second = seal_root(state, dir.path("second"), combined(*first, {share(3), share(1)}),
                                {.key_file = first->key_file, .shares = ShareCount{3, 4}});
  ASSERT_TRUE(second.ok()) << second.error().detail();
  EXPECT_FALSE(file_exists(first->key_file));
  EXPECT_NE(second->sealing->id, first->sealing->id);
  auto const old = parse_share_file(read(share(2))).value();
  EXPECT_THAT(check_belongs(*second->sealing, old).error().detail(), HasSubstr(first->sealing->id));
  ASSERT_EQ(combined_in_python({1, 2, 3}).status, 0);
  EXPECT_NE(opened(second->key_file).status, 0);

  auto const last = seal_root(state, dir.path("last"),
                              combined(*second, {dir.path("second/share-1.txt"), dir.path("second/share-4.txt"),
                                                 dir.path("second/share-2.txt")}),
                              {.key_file = second->key_file, .new_passphrase = words("the words of the last one")});
  ASSERT_TRUE(last.ok()) << last.error().detail();
  EXPECT_FALSE(file_exists(second->key_file));
  EXPECT_EQ(last->sealing, std::nullopt);
  EXPECT_EQ(read_sealing(read(last->key_file)).value(), std::nullopt);
  put_file(dir.path("words"), "the words of the last one");
  EXPECT_EQ(opened(last->key_file).output, public_key());
}

TEST_F(RootSealInShares, EachRefusalLeavesTheKeyWhereItWasAndNoShare) {
  fs::create_directory(dir.path("taken"));
  put_file(dir.path("taken/share-3.txt"), "of an attempt that was broken off");
  fs::create_directory(dir.path("another"));
  put_file(dir.path("another/root.key"), "another one");
  put_file(dir.path("file"), "");
  struct Case {
    char const* name;
    std::string to, shares_to;
    std::string_view passphrase;
    Errc code;
    char const* says;
  };
  for (Case const& c : {
           Case{"wrong words", away, "", kIssuingWords, Errc::wrong_passphrase, "root.key"},
           Case{"inside the state", state + "/away", "", kRootWords, Errc::conflict, "inside the state directory"},
           Case{"shares inside it", away, state + "/x", kRootWords, Errc::conflict, "inside the state directory"},
           Case{"a share is there", dir.path("taken"), "", kRootWords, Errc::conflict, "share-3.txt exists"},
           Case{"a share is there, apart", away, dir.path("taken"), kRootWords, Errc::conflict, "share-3.txt exists"},
           Case{"a key is there", dir.path("another"), "", kRootWords, Errc::conflict, "root.key exists"},
           Case{"no place for shares", away, dir.path("file"), kRootWords, Errc::file, "file"},
       }) {
    SCOPED_TRACE(c.name);
    auto const before = read(key());
    auto const refused =
        seal_root(state, c.to, words(c.passphrase), {.shares = ShareCount{2, 4}, .shares_directory = c.shares_to});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), c.code) << refused.error().detail();
    EXPECT_THAT(refused.error().detail(), HasSubstr(c.says));
    EXPECT_EQ(read(key()), before);
    for (auto const& place : {c.to, c.shares_to})
      for (auto const* name : {"/share-1.txt", "/share-2.txt", "/share-4.txt"}) EXPECT_FALSE(file_exists(place + name));
    EXPECT_FALSE(file_exists(away + "/root.key"));
  }
  EXPECT_EQ(read(dir.path("another/root.key")), "another one");
  EXPECT_EQ(read(dir.path("taken/share-3.txt")), "of an attempt that was broken off");
}

// A key that is elsewhere already has to be one of this CA's roots.
TEST_F(RootSealInShares, AnotherCasKeyIsNotSealed) {
  auto const foreign = dir.path("foreign.key");
  put_file(foreign, read(state + "/keys/issuing.key"));
  auto const refused = seal_root(state, away, words(kIssuingWords), {.key_file = foreign, .shares = ShareCount{2, 3}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::conflict);
  EXPECT_THAT(refused.error().detail(), HasSubstr("is not the key of the root certificate"));
  EXPECT_TRUE(file_exists(foreign));
}

// From a medium to another one, as it is.
TEST_F(RootSealInShares, AKeyThatIsElsewhereCanBeMovedOn) {
  auto const sealed = seal({2, 2});
  ASSERT_TRUE(sealed.ok()) << sealed.error().detail();
  auto const before = read(sealed->key_file);
  auto const moved =
      seal_root(state, dir.path("next"), combined(*sealed, sealed->share_files), {.key_file = sealed->key_file});
  ASSERT_TRUE(moved.ok()) << moved.error().detail();
  EXPECT_EQ(read(moved->key_file), before);
  EXPECT_FALSE(file_exists(sealed->key_file));
}

// The old key goes last: when it cannot, both are there, and it is said.
TEST_F(RootSealInShares, WhatCannotBeRemovedIsSaid) {
  auto const medium = dir.path("medium");
  ASSERT_TRUE(seal_root(state, medium, words(kRootWords)).ok());
  fs::create_symlink(medium + "/root.key", dir.path("link"));  // which is not followed to be destroyed
  auto const refused =
      seal_root(state, away, words(kRootWords), {.key_file = dir.path("link"), .shares = ShareCount{2, 2}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::file);
  EXPECT_THAT(refused.error().detail(), HasSubstr("is good, and the former one is still there"));
  EXPECT_TRUE(file_exists(medium + "/root.key"));
  ASSERT_EQ(combined_in_python({1, 2}).status, 0);
  EXPECT_EQ(opened(away + "/root.key").output, public_key());
}

}  // namespace
}  // namespace lenscap::ca::test
