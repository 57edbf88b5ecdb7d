// A root that follows another, as an agent and its cameras live through it: the agent believes the next root on the
// word of the one that it trusts and tells the server so, every certificate on the way is one that its clients trust,
// and after the last step all of it stands below the next root alone. Judges: curl and openssl.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/e2e/site.h"

namespace lenscap::e2e {
namespace {

using testing::IsEmpty;

class RollOverRoot : public testing::Test {
 protected:
  Site site;
  Agent agent{site, "plant"};

  // The passphrases that the site was made with are two lines; the commands here take one each.
  std::string root_words() const {
    std::ifstream in(site.folder("passphrases"));
    std::string line;
    std::getline(in, line);
    std::getline(in, line);
    return put("root-words", line);
  }
  std::string put(std::string const& name, std::string const& text) const {
    auto const path = site.folder(name);
    std::ofstream(path) << text << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return path;
  }
  void must(std::vector<std::string> const& words) {
    auto const ran = site.ca(words);
    ASSERT_EQ(ran.code, 0) << ran.all();
  }
  // How many accounts have said that they trust each of the roots.
  std::vector<std::string> trusted_by() {
    std::vector<std::string> counts;
    for (auto const& root : objects(site.ca_json({"root", "status"}), "roots"))
      counts.push_back(text(root, "trusted_by"));
    return counts;
  }
  // Lets the service of the agent work until it has told of both roots.
  void let_agent_follow() {
    Background const service({LENSCAP_BIN_DIR "/lenscap-agent", "--state", agent.folder(), "run", "--every", "1"},
                             site.folder("agent.log"));
    EXPECT_TRUE(until([&] { return trusted_by() == std::vector<std::string>{"1", "1"}; }, 60)) << service.log();
  }
  std::string root_subject() { return text(site.ca_json({"root", "show"}), "subject"); }
};

TEST_F(RollOverRoot, NoCameraIsEverServedWhatItsClientsDoNotTrust) {
  agent.join();
  auto const camera = site.camera("G7");
  ASSERT_EQ(agent.add({camera}).code, 0);
  ASSERT_EQ(agent.run({"enroll", "--all"}).code, 0);
  EXPECT_EQ(site.judge(camera, host_name(camera), true), "");

  auto const former = root_subject();
  auto const next_words = put("next-words", "the next root's own passphrase");
  must({"root", "roll-over", "--passphrase-file", root_words(), "--new-passphrase-file", next_words});
  must({"issuer", "roll-over", "--after", "0s", "--passphrase-file", next_words});
  ASSERT_EQ(site.stop_server(), 0) << site.server_log();
  site.start_server();
  EXPECT_EQ(root_subject(), former);
  EXPECT_EQ(trusted_by(), (std::vector<std::string>{"0", "0"}));
  EXPECT_EQ(text(site.ca_json({"root", "status"}), "silent"), "1");

  // Before the agent knows of the next root: a certificate of the next issuer, below the root that all trust.
  auto const renewed = agent.run({"renew", camera.serial});
  ASSERT_EQ(renewed.code, 0) << renewed.all();
  EXPECT_EQ(site.judge(camera, host_name(camera), true), "");
  let_agent_follow();
  EXPECT_EQ(text(site.ca_json({"root", "status"}), "silent"), "0");

  must({"root", "roll-over", "--lead"});
  ASSERT_EQ(site.stop_server(), 0) << site.server_log();
  site.start_server();
  EXPECT_EQ(root_subject(), "CN=Test Cameras Root CA 2,O=Test Cameras");
  auto const again = agent.run({"renew", camera.serial});
  ASSERT_EQ(again.code, 0) << again.all();
  EXPECT_EQ(site.judge(camera, host_name(camera), true), "") << "by the next root alone";
  EXPECT_EQ(agent.run({"verify", camera.serial}).code, 0);

  // Who joins now learns the next root.
  Agent late(site, "late");
  late.join();
  EXPECT_EQ(site.ca({"store", "verify"}).code, 0);
  EXPECT_EQ(site.stop_server(), 0) << site.server_log();
  EXPECT_THAT(site.leaks(), IsEmpty());
}

}  // namespace
}  // namespace lenscap::e2e
