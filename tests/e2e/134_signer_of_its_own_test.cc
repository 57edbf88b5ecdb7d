// A signer with a user of its own, which `signer split` has made out of the server's: what the server can no longer
// read, and who follows whom when one of them starts anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/local_socket.h"
#include "ca/issuer_messages.h"
#include "tests/e2e/signer_process.h"

namespace lenscap::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Three users where this is root; else all of them are this one, and what the kernel would keep apart is not asked.
struct SignerOfItsOwn : SignerProcess {
  static constexpr uid_t kFront = 61001, kSigner = 61002, kStranger = 61003;
  static constexpr gid_t kBoth = 61000;
  std::string const program = LENSCAP_BIN_DIR "/lenscap-ca";
  std::string const there = ca.path("signer");
  std::string const key = there + "/keys/issuing.key";
  std::string const socket = ca.path("run/signer.socket");
  bool const has_users = ::geteuid() == 0 && ca.programs().run(as(kFront, {program, "--version"})).code == 0;
  std::unique_ptr<Background> signer;
  int started = 0;

  static std::vector<std::string> as(uid_t user, std::vector<std::string> words) {
    words.insert(words.begin(),
                 {"setpriv", "--reuid=" + std::to_string(user), "--regid=" + std::to_string(kBoth), "--clear-groups"});
    return words;
  }
  std::vector<std::string> with_credential(uid_t user, std::string const& folder, std::vector<std::string> words = {}) {
    words.insert(words.begin(), {"env", "CREDENTIALS_DIRECTORY=" + folder});
    return has_users ? as(user, std::move(words)) : words;
  }
  void give(std::string const& folder, uid_t user) const {
    if (!has_users) return;
    auto const one = [&](std::filesystem::path const& path) {
      if (::lchown(path.c_str(), user, kBoth) != 0) throw std::runtime_error("chown");
    };
    one(folder);
    for (auto const& entry : std::filesystem::recursive_directory_iterator(folder)) one(entry.path());
  }
  void put_credential(std::string const& folder, std::string const& words, uid_t user) const {
    std::filesystem::create_directory(folder);
    std::ofstream(folder + "/words") << words << "\n";
    std::filesystem::permissions(folder + "/words", std::filesystem::perms(0600));
    give(folder, user);
  }

  // The settings are the same for both; what the credential is, each is told by its own supervisor.
  void SetUp() override {
    auto const file = ca.state() + "/ca.toml";
    auto text = fakes::CaProcess::read(file);
    auto const at = text.find("passphrase = \"");
    text.replace(at, text.find("\"", at + 14) + 1 - at, "passphrase = \"credential:words\"");
    text += "[signer]\nsocket = \"" + socket + "\"\n";
    if (has_users) text += "front_user = \"" + std::to_string(kFront) + "\"\n";
    std::ofstream(file) << text;
    ca::SignedEntry const earlier{.issuer = "abcd",
                                  .at = SystemClock().now() - kHour,
                                  .serial_hex = "0102030405",
                                  .tbs_hash = std::string(64, 'a')};
    std::ofstream(ledger) << ca::to_line(earlier);
    std::filesystem::permissions(ledger, std::filesystem::perms(0600));
    for (auto const* each : {"front-words", "signer-words", "run"}) std::filesystem::create_directory(ca.path(each));
    put_credential(ca.path("front-words"), kPassphrase, kFront);
    put_credential(ca.path("signer-words"), "words of the signer alone", kSigner);
  }
  Ran split() {
    return ca.run({"signer", "split", "--to", there, "--passphrase-file", ca.path("passphrases"),
                   "--new-passphrase-file", ca.path("signer-words/words")});
  }
  void hand_out() {
    give(there, kSigner);
    give(ca.path("run"), kSigner);
    give(ca.state(), kFront);
    if (!has_users) return;
    auto const base = std::filesystem::path(there).parent_path();
    std::filesystem::permissions(base, std::filesystem::perms(0755));
    ASSERT_EQ(::chown(base.c_str(), kFront, kBoth), 0);
  }
  void start_signer() {
    auto const log = ca.path("signer-log-" + std::to_string(++started));  // else the last one's words would be there
    signer = std::make_unique<Background>(
        with_credential(kSigner, ca.path("signer-words"), {program, "--state", there, "signer"}), log);
    ASSERT_TRUE(until([this] { return says("signer.waiting") || !signer->alive(); }));
    ASSERT_TRUE(signer->alive()) << signer->log();
  }
  bool says(std::string const& event) const { return signer->log().find("\"" + event + "\"") != std::string::npos; }
  void serve() { ca.serve(with_credential(kFront, ca.path("front-words"))); }
};

TEST_F(SignerOfItsOwn, TheServerSignsThroughItAndCannotHaveTheKey) {
  auto const done = split();
  ASSERT_EQ(done.code, 0) << done.all();
  EXPECT_FALSE(std::filesystem::exists(ca.state() + "/keys/issuing.key"));
  EXPECT_FALSE(std::filesystem::exists(ledger));
  auto const with_old =
      ca.programs().run({"openssl", "pkey", "-in", key, "-noout", "-passin", "file:" + ca.path("front-words/words")});
  EXPECT_NE(with_old.code, 0) << "what the server knows opens the key";
  auto const with_new =
      ca.programs().run({"openssl", "pkey", "-in", key, "-noout", "-passin", "file:" + ca.path("signer-words/words")});
  EXPECT_EQ(with_new.code, 0) << with_new.all();
  hand_out();
  start_signer();
  EXPECT_THAT(signer->log(), HasSubstr("\"calls_filtered\":true"));
  serve();
  EXPECT_THAT(logged("signer.ready", "socket"), HasSubstr(socket));
  EXPECT_EQ(logged("signer.unknown_certificate", "serial"), "\"0102030405\"") << "it is told over the socket";
  auto const fetched = ca.programs().run({"curl", "-s", "--cacert", ca.root(), ca.directory()});
  EXPECT_THAT(fetched.out, HasSubstr("newOrder"));
  auto const recorded = fakes::CaProcess::read(ca::signing_ledger_file(there));
  EXPECT_EQ(std::count(recorded.begin(), recorded.end(), '\n'), 3) << recorded;  // one from before, one, and a list
  EXPECT_FALSE(std::filesystem::exists(ledger));
  if (has_users) {
    for (auto const& file : {key, ca::signing_ledger_file(there), ca.path("signer-words/words")}) {
      auto const tried = ca.programs().run(as(kFront, {"cat", file}));
      EXPECT_NE(tried.code, 0) << file;
      EXPECT_THAT(tried.err, HasSubstr("Permission denied"));
    }
  }

  // Whether the store knows all of it: asked by whoever may read the ledger.
  EXPECT_THAT(ca.run({"store", "verify"}).out, Not(HasSubstr("S1")));
  auto const verified = ca.run({"store", "verify", "--signer-ledger", ca::signing_ledger_file(there)});
  EXPECT_EQ(verified.code, 6) << verified.all();
  EXPECT_THAT(verified.out, HasSubstr("signer.ledger/0102030405"));
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

TEST_F(SignerOfItsOwn, ItOutlivesTheServerAndNotTheOtherWayRound) {
  ASSERT_EQ(split().code, 0);
  hand_out();
  start_signer();
  serve();
  EXPECT_EQ(ca.stop(), 0) << ca.log();
  ASSERT_TRUE(until([this] { return says("signer.front_went"); }));
  serve();  // the next one is taken
  EXPECT_EQ(logged("signer.ready", "calls_filtered"), "true") << ca.log();
  EXPECT_EQ(signer->kill(), 128 + SIGKILL);
  auto const ended = [this] {
    return ca.log().find("server.stopped", ca.log().find("signer.ended")) != std::string::npos;
  };
  ASSERT_TRUE(until([&] { return ca.log().find("signer.ended") != std::string::npos && ended(); })) << ca.log();
  EXPECT_EQ(ca.stop(), 1) << "so that the supervisor starts it again";
  EXPECT_EQ(logged("signer.ended", "how"), "\"the end of its connection\"");
  EXPECT_THROW(serve(), std::runtime_error) << "there is nobody to sign";
  start_signer();
  serve();
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

// As after signer split, or an accident: clients of the server notice nothing.
TEST_F(SignerOfItsOwn, TheServerFollowsOneThatIsStartedAnew) {
  ASSERT_EQ(split().code, 0);
  hand_out();
  start_signer();
  serve();
  EXPECT_EQ(signer->kill(), 128 + SIGKILL);
  start_signer();
  ASSERT_TRUE(until([this] { return ca.log().find("reload.done") != std::string::npos; })) << ca.log();
  EXPECT_TRUE(says("signer.front_came"));
  auto const fetched = ca.programs().run({"curl", "-s", "--cacert", ca.root(), ca.directory()});
  EXPECT_THAT(fetched.out, HasSubstr("newOrder"));
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

// Made where the server's files are, and of no use there. The directory is the signer's by then, and what root puts
// into it is the signer's, too.
TEST_F(SignerOfItsOwn, ANewIssuersKeyGoesToIt) {
  ASSERT_EQ(split().code, 0);
  hand_out();
  auto const root_words = ca.path("root-words");
  std::ofstream(root_words) << "the root's own words\n";
  std::filesystem::permissions(root_words, std::filesystem::perms(0600));
  std::string const own_key = "/issuers/default-2/issuing.key";
  auto const made =
      ca.programs().run({"env", "CREDENTIALS_DIRECTORY=" + ca.path("front-words"), program, "--state", ca.state(),
                         "issuer", "roll-over", "--after", "0s", "--passphrase-file", root_words});
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_THAT(made.out, HasSubstr("signer split"));
  EXPECT_TRUE(std::filesystem::exists(ca.state() + own_key));
  give(ca.state(), kFront);
  auto const usual = ::umask(077);  // of an administrator who is careful
  auto const moved = split();
  ::umask(usual);
  ASSERT_EQ(moved.code, 0) << moved.all();
  EXPECT_FALSE(std::filesystem::exists(ca.state() + own_key));
  EXPECT_TRUE(std::filesystem::exists(there + own_key));
  start_signer();
  serve();
  auto const fetched = ca.programs().run(
      {"curl", "-s", "--cacert", ca.root(), "--write-out", "%{certs}", "--output", "/dev/null", ca.directory()});
  EXPECT_THAT(fetched.out, HasSubstr("Issuing CA 2"));
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

TEST_F(SignerOfItsOwn, AStrangerIsSentAway) {
  ASSERT_EQ(split().code, 0);
  hand_out();
  start_signer();
  if (!has_users) GTEST_SKIP() << "there is one user";
  pid_t const child = ::fork();
  if (child == 0) {  // in the group that may open the socket, and yet not the front end
    if (::setgid(kBoth) != 0 || ::setuid(kStranger) != 0) ::_exit(9);
    auto const reached = connect_to(socket);
    if (!reached) ::_exit(8);
    auto const opening = ca::encode(ca::Opening{SecretBytes()});
    (void)::send(*reached, opening.data(), opening.size(), MSG_NOSIGNAL);
    char octet = 0;
    ::_exit(::recv(*reached, &octet, 1, 0) > 0 ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(signer->log(), HasSubstr("\"uid\":" + std::to_string(kStranger)));
  serve();
  EXPECT_EQ(ca.stop(), 0) << ca.log();
}

TEST_F(SignerOfItsOwn, WhatWasNotMovedIsSaid) {
  auto const short_words = ca.path("short");
  std::ofstream(short_words) << "short\n";
  std::filesystem::permissions(short_words, std::filesystem::perms(0600));
  auto const with = [&](std::string const& to, std::string const& words) {
    return ca.run(
        {"signer", "split", "--to", to, "--passphrase-file", ca.path("passphrases"), "--new-passphrase-file", words});
  };
  EXPECT_THAT(with(there, short_words).all(), HasSubstr("at least 12 characters"));
  EXPECT_THAT(with(there, ca.path("front-words/words")).all(), HasSubstr("the one that the server has"));
  EXPECT_THAT(with(ca.state() + "/signer", ca.path("signer-words/words")).all(), HasSubstr("inside the state"));
  EXPECT_TRUE(std::filesystem::exists(ca.state() + "/keys/issuing.key"));
  EXPECT_TRUE(std::filesystem::exists(ledger));
  ASSERT_EQ(split().code, 0);
  std::ofstream(ca.state() + "/profiles/camera-https.toml", std::ios::app) << "# changed\n";
  auto const again = split();
  EXPECT_EQ(again.code, 0) << again.all();
  EXPECT_THAT(again.out, Not(HasSubstr("moved")));
  EXPECT_THAT(fakes::CaProcess::read(there + "/profiles/camera-https.toml"), HasSubstr("# changed"));
}

}  // namespace
}  // namespace lenscap::e2e
