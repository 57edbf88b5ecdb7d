// The root's key in the hands of three people, of whom any two open it: the commands that seal it so and that open it,
// by files and at a terminal, what they say to whom brings the wrong shares, and that none of it shows a secret.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "base/json.h"
#include "tests/fakes/ca_process.h"

namespace lenscap {
namespace {

namespace fs = std::filesystem;
using fakes::CaProcess;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Words = std::vector<std::string>;

std::string field_of(std::string const& text, std::string const& name) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name + " ")) return line.substr(line.find_first_not_of(' ', name.size()));
  return "absent";
}
std::string without_blanks(std::string text) {
  std::erase(text, ' ');
  return text;
}

class RootShares : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ca_ = std::make_unique<CaProcess>();
    put("root-words", "the root's own words\n");
    put("new-words", "the words of the root from now on\n");
    sealed_ = ca().run({"root", "seal", "--to", path("medium"), "--shares", "2-of-3", "--shares-to", path("memory"),
                        "--passphrase-file", path("root-words")});
    ASSERT_EQ(sealed_.code, 0) << sealed_.all();
    keep_secrets(path("memory"), 3);
  }
  static void TearDownTestSuite() {
    EXPECT_THAT(ca().programs().leaks(), IsEmpty());
    ca_.reset();
  }

  static CaProcess& ca() { return *ca_; }
  static std::string path(std::string const& name) { return ca().path(name); }
  static void put(std::string const& name, std::string const& text) {
    std::ofstream(path(name)) << text;
    fs::permissions(path(name), fs::perms::owner_read | fs::perms::owner_write);
  }
  static std::string share(unsigned number) { return path("memory/share-" + std::to_string(number) + ".txt"); }
  // What the person with this file types.
  static std::string typed(std::string const& file) {
    auto const text = CaProcess::read(file);
    return field_of(text, "Number") + " " + field_of(text, "Share") + " " + field_of(text, "Check");
  }
  // From now on the shares that lie there, and what they give, must not be seen.
  static void keep_secrets(std::string const& folder, unsigned made) {
    Words combiner{"python3", LENSCAP_SOURCE_DIR "/tests/ca/combine_shares.py"};
    for (unsigned number = 1; number <= made; ++number) {
      auto const file = folder + "/share-" + std::to_string(number) + ".txt";
      auto const text = field_of(CaProcess::read(file), "Share");
      ca().programs().keep_secret(file, text);
      ca().programs().keep_secret(file + " without blanks", without_blanks(text));
      combiner.push_back(file);
    }
    auto passphrase = ca().programs().run(combiner, {}, 120, true).out;
    passphrase.pop_back();
    ASSERT_EQ(passphrase.size(), 32U);
    ca().programs().keep_secret("the passphrase of " + folder, passphrase);
    fs::create_directories(path("combined"));
    put("combined/" + fs::path(folder).filename().string(), passphrase + "\n");
  }
  // A key that was copied is sealed anew, so that the one on the medium stays.
  static e2e::Ran seal_copy(std::string const& to, Words const& more) {
    fs::remove_all(path("copy"));
    fs::copy(path("medium"), path("copy"));
    Words words{"root",   "seal", "--root-key", path("copy/root.key"), "--share", share(1), "--share",
                share(3), "--to", path(to)};
    words.insert(words.end(), more.begin(), more.end());
    return ca().run(words);
  }
  static e2e::Ran create(std::string const& site, Words const& more) {
    Words words{"issuer", "create", "--site", site, "--permit-dns", site + ".cams.example"};
    words.insert(words.end(), more.begin(), more.end());
    return ca().run(words);
  }
  static bool is_below_root(std::string const& site) {
    return ca().programs()
               .run({"openssl", "verify", "-CAfile", ca().root(), ca().state() + "/issuers/" + site + "/issuing.pem"})
               .code == 0;
  }

  static inline e2e::Ran sealed_;

 private:
  static inline std::unique_ptr<CaProcess> ca_;
};

TEST_F(RootShares, SealSaysWhatThereIsToDo) {
  EXPECT_THAT(sealed_.out, AllOf(HasSubstr("2 of 3 shares open it"), HasSubstr(share(1)), HasSubstr(share(3)),
                                 HasSubstr("Give each of 3 people one share")));
  EXPECT_FALSE(fs::exists(ca().state() + "/keys/root.key"));
  EXPECT_TRUE(fs::exists(path("medium/root.key")));
  EXPECT_EQ(field_of(CaProcess::read(share(2)), "Sealing"), field_of(sealed_.out, "Sealing").substr(0, 8));
}

TEST_F(RootShares, AnyTwoPeopleMakeAnIssuer) {
  auto const made = create("plant1", {"--root-key", path("medium/root.key"), "--share", share(3), "--share", share(1)});
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_TRUE(is_below_root("plant1"));
}

TEST_F(RootShares, AllThreeDoNoHarm) {
  auto const made = create(
      "plant2", {"--root-key", path("medium/root.key"), "--share", share(3), "--share", share(1), "--share", share(2)});
  ASSERT_EQ(made.code, 0) << made.all();
}

// One mistypes, and one brings the share that was there already; then it goes on.
TEST_F(RootShares, TypeAtTheTerminal) {
  auto const right = typed(share(2));
  auto wrong = right;
  wrong[10] = wrong[10] == 'A' ? 'B' : 'A';
  put("lines", wrong + "\n" + right + "\n" + right + "\n" + typed(share(3)) + "\n");
  auto const made =
      ca().programs().run({"python3", LENSCAP_SOURCE_DIR "/tests/acme/server/type_shares.py", path("lines"),
                           LENSCAP_BIN_DIR "/lenscap-ca", "--state", ca().state(), "issuer", "create", "--site",
                           "typed", "--permit-dns", "typed.cams.example", "--root-key", path("medium/root.key")});
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_THAT(made.out, AllOf(HasSubstr("(1 of 2)"), HasSubstr("its check does not fit"), HasSubstr("(2 of 2)"),
                              HasSubstr("Share 2 was entered already"), HasSubstr("Made      typed")));
  EXPECT_TRUE(is_below_root("typed"));
}

TEST_F(RootShares, WhoEntersNothingChangesNothing) {
  put("lines", typed(share(2)) + "\n\n");
  auto const ended =
      ca().programs().run({"python3", LENSCAP_SOURCE_DIR "/tests/acme/server/type_shares.py", path("lines"),
                           LENSCAP_BIN_DIR "/lenscap-ca", "--state", ca().state(), "issuer", "create", "--site",
                           "ended", "--permit-dns", "ended.cams.example", "--root-key", path("medium/root.key")});
  EXPECT_EQ(ended.code, 8) << ended.all();
  EXPECT_THAT(ended.out, HasSubstr("nothing was entered"));
  EXPECT_FALSE(fs::exists(ca().state() + "/issuers/ended"));
}

TEST_F(RootShares, WithoutATerminalTheFilesAreAskedFor) {
  auto const refused = ca().programs().run({"setsid", "--wait", LENSCAP_BIN_DIR "/lenscap-ca", "--state", ca().state(),
                                            "root", "roll-over", "--root-key", path("medium/root.key")});
  EXPECT_EQ(refused.code, 8) << refused.all();
  EXPECT_THAT(refused.err, HasSubstr("give the files of the shares (--share)"));
}

// Whoever combined them elsewhere has a passphrase as any other.
TEST_F(RootShares, APassphraseFromElsewhereOpensIt) {
  auto const made =
      create("plant3", {"--root-key", path("medium/root.key"), "--passphrase-file", path("combined/memory")});
  ASSERT_EQ(made.code, 0) << made.all();
}

TEST_F(RootShares, WhatIsRefusedSaysWhoseFaultItIs) {
  // Another sealing of this root, and another CA.
  ASSERT_EQ(seal_copy("medium2", {"--shares", "2-of-2"}).code, 0);
  keep_secrets(path("medium2"), 2);
  auto const elsewhere = path("elsewhere");
  ASSERT_EQ(ca().run_on(elsewhere, {"init", "--name", "Others", "--permit-dns", "other.example", "--url",
                                    "https://pki.other.example", "--passphrase-file", path("passphrases")})
                .code,
            0);
  ASSERT_EQ(ca().run_on(elsewhere, {"root", "seal", "--to", path("medium3"), "--shares", "2-of-2", "--passphrase-file",
                                    path("root-words")})
                .code,
            0);
  keep_secrets(path("medium3"), 2);
  auto text = CaProcess::read(share(2));
  auto const at = text.find("\nShare") + 20;
  text[at] = text[at] == 'A' ? 'B' : 'A';
  put("damaged.txt", text);
  text[at] = '!';
  put("dirty.txt", text);
  put("empty.txt", "");
  put("large.txt", std::string(100'000, 'x'));
  // The key of the other sealing, without the lines that say so.
  auto const key2 = CaProcess::read(path("medium2/root.key"));
  put("bare.key", key2.substr(key2.find("-----BEGIN")));
  auto const key1 = CaProcess::read(path("medium/root.key"));
  put("mixed.key", key1.substr(0, key1.find("-----BEGIN")) + key2.substr(key2.find("-----BEGIN")));

  auto const medium = path("medium/root.key");
  struct Case {
    std::string key;
    Words shares;
    int code;
    std::string says;
  };
  for (auto const& c : std::vector<Case>{
           {medium, {share(2)}, 2, "2 of the 3 shares of sealing"},
           {medium, {share(2)}, 2, "and 1 is given"},
           {medium, {share(2), share(2)}, 2, "share 2 is given twice"},
           {medium, {share(1), share(2), share(1)}, 2, "share 1 is given twice"},
           {medium, {share(1), path("medium2/share-2.txt")}, 2, "medium2/share-2.txt: this is a share of sealing"},
           {medium, {path("medium3/share-1.txt"), share(1)}, 2, "medium3/share-1.txt: this is a share of another root"},
           {medium, {share(1), path("damaged.txt")}, 1, "damaged.txt: share 2 is damaged: its check does not fit"},
           {medium, {path("dirty.txt"), share(1)}, 1, "dirty.txt: share 2 is damaged"},
           {medium, {path("empty.txt"), share(1)}, 1, "empty.txt: this is no share"},
           {medium, {path("large.txt"), share(1)}, 1, "large.txt is longer than"},
           {medium, {path("none.txt"), share(1)}, 1, "none.txt: No such file"},
           {medium, {medium, share(1)}, 1, "root.key: this is no share"},
           {path("bare.key"), {share(1), share(2)}, 1, "do not open this key"},
           {path("mixed.key"), {share(1), share(2)}, 1, "do not open this key"},
           {path("bare.key"), {share(1), path("medium2/share-2.txt")}, 2, "this is a share of sealing"},
       }) {
    Words more{"--root-key", c.key};
    for (auto const& file : c.shares) more.insert(more.end(), {"--share", file});
    auto const refused = create("refused", more);
    EXPECT_EQ(refused.code, c.code) << c.says << ": " << refused.all();
    EXPECT_THAT(refused.err, HasSubstr(c.says));
    EXPECT_FALSE(fs::exists(ca().state() + "/issuers/refused")) << c.says;
  }
  // Which the same shares open that were made with it, whatever its first lines say.
  auto const made = create("bare", {"--root-key", path("bare.key"), "--share", path("medium2/share-1.txt"), "--share",
                                    path("medium2/share-2.txt")});
  EXPECT_EQ(made.code, 0) << made.all();
}

TEST_F(RootShares, OptionsThatDoNotGoTogether) {
  struct Case {
    Words more;
    std::string says;
  };
  for (auto const& c : std::vector<Case>{
           {{"--shares", "1-of-3"}, "K-of-N"},
           {{"--shares", "4-of-3"}, "K-of-N"},
           {{"--shares-to", path("x")}, "--shares-to is for --shares"},
           {{"--shares", "2-of-3", "--new-passphrase-file", path("new-words")}, "excludes"},
           {{"--passphrase-file", path("new-words")}, "excludes"},
           {{"--new-passphrase-file", path("short")}, "at least 12 characters"},
           {{"--new-passphrase-file", path("issuing")}, "a passphrase of its own"},
       }) {
    put("short", "short\n");
    put("issuing", "the issuing key's words\n");
    auto const refused = seal_copy("never", c.more);
    EXPECT_EQ(refused.code, 2) << c.says << ": " << refused.all();
    EXPECT_THAT(refused.all(), HasSubstr(c.says));
    EXPECT_TRUE(fs::exists(path("copy/root.key")));
    EXPECT_FALSE(fs::exists(path("never"))) << c.says;
  }
}

// Somebody leaves: two of those who stay make other shares. In the end all of them trust one person again.
TEST_F(RootShares, AreSealedAnewAndBackToOnePassphrase) {
  auto const again = seal_copy("medium4", {"--shares", "3-of-4", "--output", "json"});
  ASSERT_EQ(again.code, 0) << again.all();
  keep_secrets(path("medium4"), 4);
  auto const said = json::parse_object(again.out).value();
  EXPECT_EQ(json::need_string(said, "sealing").value(),
            field_of(CaProcess::read(path("medium4/share-4.txt")), "Sealing"));
  EXPECT_EQ(json::need_int(said, "shares_needed").value(), 3);
  EXPECT_EQ(json::need_string(said, "key").value(), path("medium4/root.key"));
  ASSERT_NE(said.find("shares"), nullptr);
  EXPECT_EQ(said.find("shares")->as_array()->size(), 4U);
  EXPECT_FALSE(fs::exists(path("copy/root.key"))) << "the former one";

  Words back{"root",
             "seal",
             "--to",
             path("medium5"),
             "--root-key",
             path("medium4/root.key"),
             "--new-passphrase-file",
             path("new-words")};
  for (auto const* number : {"1", "2", "4"})
    back.insert(back.end(), {"--share", path("medium4/share-" + std::string(number) + ".txt")});
  auto const done = ca().run(back);
  ASSERT_EQ(done.code, 0) << done.all();
  EXPECT_FALSE(fs::exists(path("medium4/root.key")));
  EXPECT_THAT(CaProcess::read(path("medium5/root.key")), Not(HasSubstr("Sealing")));
  auto const opened = ca().programs().run(
      {"openssl", "pkey", "-in", path("medium5/root.key"), "-passin", "file:" + path("new-words"), "-noout", "-check"});
  EXPECT_EQ(opened.code, 0) << opened.all();
  auto const made = create("plant5", {"--root-key", path("medium5/root.key"), "--passphrase-file", path("new-words")});
  EXPECT_EQ(made.code, 0) << made.all();
}

// The next root, made with shares of the one before.
TEST_F(RootShares, TheNextRootIsMadeByTheSamePeople) {
  fs::copy(ca().state(), path("state2"), fs::copy_options::recursive);
  auto const made =
      ca().run_on(path("state2"), {"root", "roll-over", "--root-key", path("medium/root.key"), "--share", share(1),
                                   "--share", share(2), "--new-passphrase-file", path("new-words")});
  ASSERT_EQ(made.code, 0) << made.all();
  auto const sealed = ca().run_on(path("state2"), {"root", "seal", "--to", path("medium6"), "--shares", "2-of-3",
                                                   "--passphrase-file", path("new-words")});
  ASSERT_EQ(sealed.code, 0) << sealed.all();
  keep_secrets(path("medium6"), 3);
  EXPECT_THAT(CaProcess::read(path("medium6/share-1.txt")), HasSubstr("Root CA 2"));
}

}  // namespace
}  // namespace lenscap
