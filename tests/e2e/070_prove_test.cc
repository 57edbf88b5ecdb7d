// A camera whose name and address the agent's key does not grant: the server wants proof of both, by http-01, and the
// agent answers in the camera's place, as where a router sends the camera's port 80 to it. It does so while it works
// and no longer, and without that setting it says what is missing. The names are answered by a DNS server of the test's
// own.
#include <gmock/gmock.h>

#include "tests/e2e/site.h"
#include "tests/fakes/ca_process.h"
#include "tests/fakes/dns_server.h"
#include "tests/fakes/free_port.h"

namespace lenscap::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Prove : testing::Test {
  std::vector<std::string> const scope{"--prove-dns", kDnsSuffix,  "--prove-ip",
                                       "127.0.0.0/8", "--profile", "camera-https"};
  fakes::DnsServer dns;
  unsigned short port = fakes::free_port();
  Site site{"http_port = " + std::to_string(port) + "\nresolver = [\"" + dns.resolver() + "\"]\n"};
  Camera const camera = site.camera("G7");
  std::string const answered_at = camera.address + ":" + std::to_string(port);

  Agent agent_with(std::string const& name, std::string const& settings) {
    Agent agent(site, name, settings);
    Ran const joined = agent.join_with(site.join_word(scope));
    EXPECT_EQ(joined.code, 0) << joined.all();
    EXPECT_EQ(agent.add({camera}).code, 0);
    return agent;
  }
  int nobody_answers() { return site.programs().run({"curl", "-sS", "--noproxy", "*", "http://" + answered_at}).code; }
};

TEST_F(Prove, TheAgentAnswersForItsCamera) {
  dns.set(host_name(camera), {camera.address});
  Agent agent = agent_with("answers", "[http_01]\nlisten = \"" + answered_at + "\"\n");
  Ran const enrolled = agent.run({"enroll", "--all"});
  EXPECT_EQ(enrolled.code, 0) << enrolled.all() << site.server_log();
  EXPECT_EQ(site.judge(camera, host_name(camera), true), "");
  EXPECT_THAT(site.server_log(), HasSubstr("validation.done"));
  EXPECT_THAT(site.server_log(), Not(HasSubstr("\"valid\":false")));
  EXPECT_EQ(nobody_answers(), 7) << "the port is open while a command works, and no longer";

  Ran const renewed = agent.run({"renew", camera.serial});
  EXPECT_EQ(renewed.code, 0) << renewed.all();
  EXPECT_EQ(site.judge(camera, host_name(camera), true), "");
  EXPECT_EQ(site.camsim().flags(camera.serial), camsim::Flags{});
  EXPECT_EQ(site.leaks(), std::vector<std::string>{});
  EXPECT_EQ(site.stop_server(), 0) << site.server_log();
}

TEST_F(Prove, WithoutTheSettingItSaysWhatIsMissing) {
  Agent agent = agent_with("silent", "");
  EXPECT_EQ(agent.run({"enroll", "--all"}).code, 1);
  auto const result = json::write(agent.result_of(camera));
  EXPECT_THAT(result, HasSubstr("wants proof of"));
  EXPECT_THAT(result, HasSubstr("[http_01] listen"));
  EXPECT_EQ(site.served(camera), camera.certificate_sha256) << "nothing was changed on the camera";
  EXPECT_THAT(site.server_log(), Not(HasSubstr("validation.done")));
}

}  // namespace
}  // namespace lenscap::e2e
