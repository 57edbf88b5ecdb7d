// The program as people run it, as far as it gets without a network: help, words that are off, exit codes, and what is
// never printed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include "agent/journal_record.h"
#include "base/file.h"
#include "store/store.h"
#include "tests/agent/agent_values.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Ran {
  int code = -1;
  std::string output;  // both streams
};

struct CommandsTest : ::testing::Test {
  // `words` are ours, and need no quoting beyond what they have.
  Ran run(std::string const& words) {
    std::string const line =
        std::string(LENSCAP_BIN_DIR) + "/lenscap-agent --state " + dir.path("state") + " " + words + " 2>&1 </dev/null";
    Ran ran;
    FILE* const pipe = ::popen(line.c_str(), "r");
    std::array<char, 4096> buffer{};
    while (std::size_t const count = std::fread(buffer.data(), 1, buffer.size(), pipe))
      ran.output.append(buffer.data(), count);
    ran.code = WEXITSTATUS(::pclose(pipe));
    return ran;
  }
  fakes::TempDir dir;
};

TEST_F(CommandsTest, EveryCommandHasHelpWithTwoExamples) {
  for (std::string const command : {"join", "add", "remove", "enroll", "renew", "status", "results", "verify", "run"}) {
    auto const help = run(command + " --help");
    EXPECT_EQ(help.code, 0) << command;
    auto const examples = help.output.find("Examples:");
    ASSERT_NE(examples, std::string::npos) << command;
    int count = 0;
    std::string const example = "\n  lenscap-agent ";
    for (auto at = help.output.find(example, examples); at != std::string::npos; at = help.output.find(example, at + 1))
      ++count;
    EXPECT_EQ(count, 2) << help.output;
  }
  EXPECT_EQ(run("--help").code, 0);
  EXPECT_THAT(run("--version").output, HasSubstr("lenscap-agent "));
}

TEST_F(CommandsTest, ExitCodes) {
  ASSERT_TRUE(write_file(dir.path("password"), "pass\n", 0600).ok());
  std::string const password = " --password-file " + dir.path("password");
  struct Case {
    std::string words;
    int code;
    std::string_view text;
  };
  Case const cases[] = {
      {"", 2, ""},
      {"explode", 2, ""},
      {"status --frobnicate", 2, ""},
      {"--output xml status", 2, ""},
      {"enroll", 2, "name devices, or say --all"},
      {"enroll --all cam1", 2, ""},
      {"renew", 2, ""},
      {"join nonsense", 2, "no join string"},
      {"join -", 2, "standard input"},
      {"run --every 0", 2, ""},
      {"add 10.0.0.1 10.0.0.2 --name a.example" + password, 2, "one camera's name"},
      {"add 10.0.0.1 --name '*.example'" + password, 2, "wildcard"},
      {"add 10.0.0.1 --name 'a b'" + password, 2, "--name"},
      {"add 10.0.0.1 --accept-fingerprint 1234" + password, 2, "64 hexadecimal digits"},
      {"add 10.0.0.1:99999" + password, 2, "port"},
      {"add not/a/host also:wrong:1:" + password, 2, ""},
      {"add 127.0.0.1:1 --http-port 0" + password, 7, "127.0.0.1:1: "},
      {"add 10.0.0.1 --password-file " + dir.path("absent"), 1, "absent"},
      {"enroll nobody", 4, "no device is called"},
      {"verify nobody", 4, "lenscap-agent status"},
      {"remove nobody", 4, ""},
      {"renew nobody", 4, ""},
      {"results", 4, "no task"},
      {"enroll --all", 0, "Nothing to do."},
      {"enroll --all --dry-run", 0, "Nothing to do."},
      {"renew --due", 0, "Nothing to do."},
      {"status", 0, "0 devices"},
      {"status --quiet --verbose", 2, "--quiet"},
      {"status --config " + dir.path("absent.toml"), 1, "absent.toml"},
  };
  for (auto const& c : cases) {
    auto const ran = run(c.words);
    EXPECT_EQ(ran.code, c.code) << c.words << "\n" << ran.output;
    EXPECT_THAT(ran.output, HasSubstr(std::string(c.text))) << c.words;
  }
}

TEST_F(CommandsTest, AddGoesOnAfterAFailure) {
  ASSERT_TRUE(write_file(dir.path("password"), "pass\n", 0600).ok());
  auto const ran = run("add 127.0.0.1:1 300.1.1.1 127.0.0.1:2 --http-port 0 --password-file " + dir.path("password"));
  EXPECT_THAT(ran.output, HasSubstr("127.0.0.1:1: "));
  EXPECT_THAT(ran.output, HasSubstr("300.1.1.1"));
  EXPECT_THAT(ran.output, HasSubstr("127.0.0.1:2: "));
  EXPECT_EQ(run("status").output.find("127.0.0.1"), std::string::npos) << "nothing is half added";
}

TEST_F(CommandsTest, APasswordFileThatOthersMayReadIsRefused) {
  ASSERT_TRUE(write_file(dir.path("password"), "a-very-secret-password\n", 0644).ok());
  auto const ran = run("add 127.0.0.1:1 --password-file " + dir.path("password"));
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.output, HasSubstr("chmod 600"));
  EXPECT_THAT(ran.output, Not(HasSubstr("a-very-secret-password")));
}

// Typed at the wrong place it is still a secret.
TEST_F(CommandsTest, AJoinStringIsNeverRepeated) {
  std::string const word = "lenscap1.c2VjcmV0LXNlY3JldA";
  for (auto const& words :
       std::vector<std::string>{"join " + word, "join " + word + " " + word, "enroll " + word + " --x", word,
                                "status " + word, "--output " + word + " status", "join x " + word + ",y"}) {
    auto const ran = run(words);
    EXPECT_EQ(ran.code, 2) << words << ran.output;
    EXPECT_THAT(ran.output, Not(HasSubstr("c2VjcmV0"))) << words;
  }
}

TEST_F(CommandsTest, SettingsThatAreWrongAreUsage) {
  ASSERT_EQ(run("enroll --all").code, 0);
  ASSERT_TRUE(write_file(dir.path("state/agent.toml"), "[site]\nparalel = 3\n").ok());
  for (std::string const command : {"enroll --all", "status", "run"}) {
    auto const ran = run(command);
    EXPECT_EQ(ran.code, 2) << command << ran.output;
    EXPECT_THAT(ran.output, HasSubstr("did you mean site.parallel")) << command;
  }
}

TEST_F(CommandsTest, AnotherSettingsFileIsTakenWhole) {
  ASSERT_EQ(run("enroll --all").code, 0);
  ASSERT_TRUE(write_file(dir.path("other.toml"), "[site]\nparalel = 3\n").ok());
  EXPECT_EQ(run("status").code, 0);
  EXPECT_THAT(run("status --config " + dir.path("other.toml")).output, HasSubstr("other.toml"));
}

// The snapshot that leads back is in the journal alone.
TEST_F(CommandsTest, ADeviceInTheMiddleOfAChangeIsNotForgotten) {
  ASSERT_EQ(run("enroll --all").code, 0);
  {
    auto const store = store::open("lmdb:db", dir.path("state")).value();
    auto journal = begin_journal(testing::camera(), Purpose::enroll, "lenscap-00000002", "", testing::kNow);
    while (next_step(journal) != Step::verify_served) {
      auto const step = next_step(journal).value();
      journal = testing::succeed(begin_step(journal, step, testing::kNow), step);
    }
    journal = note_failure(begin_step(journal, Step::verify_served, testing::kNow),
                           {"switched_but_not_served", Retry::later, ""}, testing::kNow);
    store->write([&](store::WriteTxn& txn) {
      save_device(txn, testing::camera());
      save_journal(txn, journal);
      return true;
    });
  }
  auto const refused = run("remove ACCC8E68D4D2");
  EXPECT_EQ(refused.code, 5) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr("former HTTPS settings are known to this agent alone"));
  EXPECT_THAT(run("status").output, HasSubstr("ACCC8E68D4D2"));
  auto const planned = run("enroll --all --dry-run");
  EXPECT_THAT(planned.output, HasSubstr("put the device's former HTTPS settings back"));
  EXPECT_THAT(planned.output, Not(HasSubstr("new key")));
  EXPECT_EQ(run("remove ACCC8E68D4D2 --force").code, 0);
  EXPECT_THAT(run("status").output, Not(HasSubstr("ACCC8E68D4D2")));
}

TEST_F(CommandsTest, QuietSaysRefusalsAlone) {
  ASSERT_EQ(run("enroll --all").output, "Nothing to do.\n");
  auto const fine = run("status --quiet");
  EXPECT_EQ(fine.code, 0);
  EXPECT_EQ(fine.output, "");
  auto const refused = run("--quiet verify nobody");
  EXPECT_EQ(refused.code, 4);
  EXPECT_THAT(refused.output, HasSubstr("no device is called"));
}

TEST_F(CommandsTest, AServiceWhoseKeyIsGoneFails) {
  ASSERT_EQ(run("enroll --all").code, 0);
  ASSERT_EQ(std::remove(dir.path("state/vault.key").c_str()), 0);
  auto const ran = run("run");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.output, HasSubstr("is gone"));
}

}  // namespace
}  // namespace lenscap::agent
