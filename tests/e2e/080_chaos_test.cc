// The server uses every freedom that RFC 8555 gives, all switches of [chaos] at once: good nonces are refused,
// Retry-After comes as seconds and as a date, lists come in no order, validation and finalize take their time, and
// authorizations are used again. The agent enrolls and renews its cameras all the same, names that its key grants and
// names that it has to prove, and whatever is served afterwards is believed by openssl and curl.
#include <gmock/gmock.h>

#include <memory>

#include "tests/e2e/site.h"
#include "tests/fakes/ca_process.h"
#include "tests/fakes/dns_server.h"
#include "tests/fakes/free_port.h"

namespace lenscap::e2e {
namespace {

using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char const* kEverySwitch =
    "\n[chaos]\n"
    "bad_nonce = 50\n"
    "retry_after = \"mixed\"\n"
    "shuffle = true\n"
    "slow_validation = \"1s\"\n"
    "async_finalize = \"1s\"\n"
    "reuse_authorizations = \"always\"\n"
    "seed = 7\n";

int count_of(std::string_view what, std::string const& text) {
  int count = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

struct World {
  fakes::DnsServer dns;
  unsigned short port = fakes::free_port();
  Site site{"http_port = " + std::to_string(port) + "\nresolver = [\"" + dns.resolver() + "\"]\n", kEverySwitch};
};

class EverySwitch : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = std::make_unique<World>();
    EXPECT_THAT(site().server_log(), HasSubstr("chaos.on"));
  }
  static void TearDownTestSuite() {
    EXPECT_THAT(count_of("\"status\":400", site().server_log()), Gt(10)) << "nonces were refused";
    EXPECT_THAT(site().leaks(), IsEmpty());
    EXPECT_EQ(site().stop_server(), 0) << site().server_log();
    world_.reset();
  }
  static World& world() { return *world_; }
  static Site& site() { return world_->site; }

  static void expect_proven(Camera const& camera, std::size_t certificates) {
    SCOPED_TRACE(camera.generation);
    EXPECT_EQ(site().judge(camera, host_name(camera), camera.generation >= "G4"), "");
    EXPECT_THAT(site().issued_for(host_name(camera)), SizeIs(certificates)) << "no order was made in vain";
    EXPECT_EQ(site().camsim().flags(camera.serial), camsim::Flags{});
  }

 private:
  static std::unique_ptr<World> world_;
};
std::unique_ptr<World> EverySwitch::world_;

TEST_F(EverySwitch, NamesThatAreGranted) {
  Agent agent(site(), "granted");
  agent.join();
  std::vector<Camera> const cameras{site().camera("G1"), site().camera("G6"), site().camera("G7")};
  ASSERT_EQ(agent.add(cameras).code, 0);
  Ran const enrolled = agent.run({"enroll", "--all"});
  EXPECT_EQ(enrolled.code, 0) << enrolled.all() << site().server_log();
  for (Camera const& camera : cameras) expect_proven(camera, 1);
}

TEST_F(EverySwitch, NamesThatAreProved) {
  Camera const camera = site().camera("G7");
  world().dns.set(host_name(camera), {camera.address});
  Agent agent(site(), "proves",
              "[http_01]\nlisten = \"" + camera.address + ":" + std::to_string(world().port) + "\"\n");
  Ran const joined = agent.join_with(
      site().join_word({"--prove-dns", kDnsSuffix, "--prove-ip", "127.0.0.0/8", "--profile", "camera-https"}));
  ASSERT_EQ(joined.code, 0) << joined.all();
  ASSERT_EQ(agent.add({camera}).code, 0);

  Ran const enrolled = agent.run({"enroll", "--all"});
  EXPECT_EQ(enrolled.code, 0) << enrolled.all() << site().server_log();
  expect_proven(camera, 1);
  EXPECT_EQ(count_of("validation.done", site().server_log()), 2) << "of its name and of its address";
  EXPECT_THAT(site().server_log(), Not(HasSubstr("\"valid\":false")));

  Ran const renewed = agent.run({"renew", camera.serial});
  EXPECT_EQ(renewed.code, 0) << renewed.all() << site().server_log();
  expect_proven(camera, 2);
  EXPECT_EQ(count_of("validation.done", site().server_log()), 2) << "what was proved once is used again";
}

}  // namespace
}  // namespace lenscap::e2e
