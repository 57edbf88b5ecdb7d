// Cameras of every firmware generation are added and enrolled by the programs alone. Each of them then serves a
// certificate of its own that openssl and curl believe by name and by address; the one that cannot have a certificate
// is shown as what it is; status, results, verify and the CA's list agree; the simulator saw no password over plain
// HTTP or in a URL and no private key; and no secret was seen in any output, log, file or command line. A renewal makes
// a new key and takes the old one off the camera.
#include <gmock/gmock.h>

#include <fstream>

#include "agent/commands/desk.h"
#include "tests/e2e/site.h"

namespace lenscap::e2e {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// The search itself: without this, an empty list of leaks would say little.
TEST(Programs, SecretsAreFound) {
  Programs programs;
  // Of this process alone: every command line of the machine is looked at.
  auto const secret = "correct-horse-battery-" + std::to_string(::getpid());
  programs.keep_secret("the secret", secret);
  EXPECT_THAT(programs.leaks(), IsEmpty());
  programs.run({"cat"}, "say " + secret + " aloud");
  EXPECT_THAT(programs.leaks(), ElementsAre("the secret in the output of cat"));

  Programs watching;
  watching.keep_secret("the secret", secret);
  Background const careless({"tail", "-f", "/dev/null", secret}, "/dev/null");
  EXPECT_TRUE(until([&] { return watching.look_at_command_lines(), !watching.leaks().empty(); }));

  Programs reading;
  reading.keep_secret("the secret", secret);
  fakes::TempDir const folder;
  std::ofstream(folder.path("note")) << "xx" << '\0' << secret;
  EXPECT_THAT(reading.leaks({folder.path()}), SizeIs(1));
}

class Enroll : public SiteTest {
 protected:
  // The account's key in clear, which lies sealed in the agent's store, is to be seen nowhere.
  static void keep_account_key_secret(Agent const& agent) {
    auto desk = agent::Desk::open({.state_dir = agent.folder()});
    ASSERT_TRUE(desk.ok()) << desk.error().detail();
    auto const shop = (*desk)->workshop();
    ASSERT_TRUE(shop.ok()) << shop.error().detail();
    SecretBytes const pem = (*shop)->membership.account_key.to_pem();
    std::string const lines(pem.text());
    // The first line of every such key is the same but for a few letters; the second is the key.
    auto const first = lines.find('\n', lines.find('\n') + 1);
    site().programs().keep_secret("the account's key", lines.substr(first + 1, 60));
  }

  static void expect_proven(Agent& agent, Camera const& camera, std::string const& name) {
    SCOPED_TRACE(camera.generation + " " + camera.serial);
    json::Object const status = agent.status_of(camera);
    EXPECT_EQ(text(status, "https"), "Enabled");
    EXPECT_EQ(text(status, "status"), "OK");
    EXPECT_EQ(text(status, "attention"), "false");
    EXPECT_EQ(text(status, "firmware"), camera.firmware);
    EXPECT_EQ(text(status, "address"), at(camera));
    bool const chain_incomplete = text(status, "chain_incomplete") == "true";
    EXPECT_EQ(chain_incomplete, camera.generation < "G4") << "only firmware before 10.10 sends the leaf alone";
    std::string const served = site().served(camera);
    EXPECT_NE(served, camera.certificate_sha256);
    EXPECT_EQ(text(status, "fingerprint"), served);
    EXPECT_EQ(site().judge(camera, name, !chain_incomplete), "");

    auto const issued = site().issued_for(name);
    ASSERT_THAT(issued, SizeIs(1));
    EXPECT_EQ(text(issued[0], "status"), "issued");
    json::Object const shown = site().ca_json({"cert", "show", text(issued[0], "serial")});
    EXPECT_EQ(text(shown, "sha256"), served);

    EXPECT_THAT(site().ours_on(camera), ElementsAre(site().served_id(camera)));
    EXPECT_EQ(site().camsim().flags(camera.serial), camsim::Flags{});
  }
};

TEST_F(Enroll, EveryGeneration) {
  Agent agent(site(), "all");
  agent.join();
  keep_account_key_secret(agent);
  std::vector<Camera> cameras;
  for (char const* generation : {"G1", "G2", "G3", "G4", "G6", "G7"}) cameras.push_back(site().camera(generation));
  // Hardened: no plain HTTP at all, as many sites want it.
  std::vector<Camera> hardened;
  for (char const* generation : {"G3", "G7"})
    hardened.push_back(site().camera(generation, {}, {{"switches", json::Object{{"factory_policy", "Https"}}}}));
  cameras.insert(cameras.end(), hardened.begin(), hardened.end());
  Camera const gate = site().camera("G7");
  Camera const old = site().camera("G0");

  Ran const added = agent.add(cameras);
  EXPECT_EQ(added.code, 0) << added.all();
  EXPECT_THAT(added.out,
              HasSubstr(cameras[0].serial + "  " + at(cameras[0]) + "  AXIS Q6114-E PTZ Dome Network Camera"));
  EXPECT_EQ(agent.add({gate}, {"--name", "gate.cams.example"}).code, 0);
  Ran const unsupported = agent.add({old});
  EXPECT_EQ(unsupported.code, 0) << unsupported.all();
  EXPECT_THAT(unsupported.out, HasSubstr("unsupported firmware"));

  // What is seen before.
  Ran const before = agent.run({"status"});
  EXPECT_EQ(before.code, 6) << before.all();
  EXPECT_THAT(before.out, HasSubstr("10 devices: 0 OK, 10 need attention"));
  EXPECT_EQ(text(agent.status_of(cameras[0]), "https"), "Disabled (Missing server certificate)");
  EXPECT_EQ(text(agent.status_of(old), "https"), "Unsupported firmware");

  // A dry run says what would be done, and does not touch anything.
  site().camsim().clear_journal(gate.serial);
  Ran const dry = agent.run({"enroll", gate.serial, "--dry-run"});
  EXPECT_EQ(dry.code, 0) << dry.all();
  EXPECT_THAT(dry.out, HasSubstr("switch them to the new certificate"));
  EXPECT_THAT(site().camsim().operations(gate.serial), IsEmpty());

  int code = -1;
  json::Object const enrolled = agent.run_json({"--verbose", "enroll", "--all"}, &code);
  EXPECT_EQ(code, 0) << json::write_pretty(enrolled);
  EXPECT_EQ(text(enrolled, "what"), "enroll");
  auto const results = objects(enrolled, "results");
  EXPECT_THAT(results, SizeIs(9)) << "all but the one that cannot";
  for (json::Object const& result : results) {
    EXPECT_EQ(text(result, "status"), "Finished") << json::write(result);
    EXPECT_EQ(text(result, "error"), "");
  }
  EXPECT_EQ(text(agent.run_json({"results"}), "task"), text(enrolled, "task"));
  EXPECT_EQ(agent.run({"results"}).code, 0);

  for (Camera const& camera : cameras) expect_proven(agent, camera, host_name(camera));
  for (Camera const& camera : hardened)
    EXPECT_EQ(text(*site().camsim().state(camera.serial).find("tls")->as_object(), "admin"), "Https") << "as it was";
  expect_proven(agent, gate, "gate.cams.example");
  EXPECT_NE(site().judge(gate, host_name(gate), true), "") << "it was given another name";
  for (Camera const& camera : cameras) {
    json::Object const verified = agent.run_json({"verify", host_name(camera)}, &code);
    EXPECT_EQ(code, 0) << json::write(verified);
    for (char const* member : {"good", "reached", "key_matches", "names_match", "time_valid", "serial_checked"})
      EXPECT_EQ(text(verified, member), "true") << member << " " << camera.generation;
  }

  // The one that cannot: shown as what it is, and the reason for which a person has to look.
  Ran const status = agent.run({"status"});
  EXPECT_EQ(status.code, 6);
  EXPECT_THAT(status.out, HasSubstr("10 devices: 9 OK, 1 needs attention"));
  EXPECT_THAT(status.out, HasSubstr("Secrets are not sealed"));
  EXPECT_EQ(text(agent.status_of(old), "https"), "Unsupported firmware");
  EXPECT_THAT(text(agent.status_of(old), "next"), AllOf(HasSubstr("update the firmware"), HasSubstr("(E2103)")));
  Ran const refused = agent.run({"enroll", old.serial});
  EXPECT_EQ(refused.code, 1) << "named, it is looked at again";
  EXPECT_THAT(refused.out, AllOf(HasSubstr("no interface for certificates"), HasSubstr("(E2103)")));
  EXPECT_EQ(text(agent.status_of(old), "https"), "Unsupported firmware");
  EXPECT_EQ(text(agent.status_of(old), "status"), "OK");
  EXPECT_EQ(agent.run({"verify", old.serial}).code, 2);

  // Once more does nothing.
  Ran const again = agent.run({"enroll", "--all"});
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.out, HasSubstr("Nothing to do."));
  EXPECT_EQ(agent.run({"renew", "--due"}).out, "Nothing to do.\n");
  for (Camera const& camera : cameras) EXPECT_THAT(site().issued_for(host_name(camera)), SizeIs(1));
}

TEST_F(Enroll, RenewalMakesANewKeyAndRemovesTheOldOne) {
  Agent agent(site(), "renew");
  agent.join();
  for (char const* generation : {"G1", "G3", "G7"}) {
    SCOPED_TRACE(generation);
    Camera const camera = site().camera(generation);
    ASSERT_EQ(agent.add({camera}).code, 0);
    auto const factory_ids = site().ids_on(camera);
    EXPECT_EQ(agent.run({"renew", camera.serial}).code, 2) << "there is nothing to renew yet";
    ASSERT_EQ(agent.run({"enroll", camera.serial}).code, 0);
    camsim::DeviceInfo const first = site().camsim().info(camera.serial);
    std::string const first_id = site().served_id(camera);

    Ran const renewed = agent.run({"renew", host_name(camera)});
    EXPECT_EQ(renewed.code, 0) << renewed.all();
    camsim::DeviceInfo const second = site().camsim().info(camera.serial);
    EXPECT_NE(second.spki_sha256, first.spki_sha256);
    EXPECT_NE(second.certificate_sha256, first.certificate_sha256);
    EXPECT_NE(site().served_id(camera), first_id);
    EXPECT_THAT(site().ours_on(camera), ElementsAre(site().served_id(camera)));
    EXPECT_THAT(site().ids_on(camera), SizeIs(factory_ids.size() + 1)) << "what is not ours stays";
    EXPECT_EQ(site().judge(camera, host_name(camera), camera.generation >= "G4"), "");
    EXPECT_THAT(site().issued_for(host_name(camera)), SizeIs(2));
    EXPECT_EQ(text(agent.status_of(camera), "fingerprint"), second.certificate_sha256);
    EXPECT_EQ(site().camsim().flags(camera.serial), camsim::Flags{});
  }
}

// The service does by itself what `enroll` and `renew --due` do, and other commands work beside it.
TEST_F(Enroll, ServiceEnrollsWhatWasAdded) {
  Agent agent(site(), "service");
  agent.join();
  Camera const camera = site().camera("G7");
  Background service(
      {std::string(LENSCAP_BIN_DIR) + "/lenscap-agent", "--state", agent.folder(), "run", "--every", "1"},
      site().folder("service.log"));
  Ran const added = agent.add({camera});
  EXPECT_EQ(added.code, 0) << added.all();
  auto const enrolled = [&] {
    return site().camsim().info(camera.serial).certificate_sha256 != camera.certificate_sha256;
  };
  EXPECT_TRUE(until(enrolled, 60)) << service.log();
  EXPECT_TRUE(
      until([&] { return text(agent.status_of(camera), "status") == "OK" && agent.run({"status"}).code == 0; }, 60))
      << service.log();
  EXPECT_EQ(site().judge(camera, host_name(camera), true), "");
  EXPECT_EQ(service.stop(), 0) << service.log();
  site().programs().remember("the service's log", service.log());
}

// Told to stop in the middle of a round, it ends between two steps and goes on at the next start.
TEST_F(Enroll, ServiceThatIsStoppedInTheMiddleOfARound) {
  Agent agent(site(), "stopped", "verify_for = \"10s\"\n");  // time enough to be stopped in
  agent.join();
  Camera const camera = site().camera("G7");
  // The switch is not done, so what is served is looked at for a while.
  site().camsim().faults(camera.serial, R"([{"id":"F25","operation":"SetWebServerTlsConfiguration","count":1}])");
  ASSERT_EQ(agent.add({camera}).code, 0);
  std::vector<std::string> const words{
      std::string(LENSCAP_BIN_DIR) + "/lenscap-agent", "--state", agent.folder(), "run", "--every", "1"};
  Background service(words, site().folder("stopped.log"));
  ASSERT_TRUE(until([&] { return service.log().find("\"verify_served\"") != std::string::npos; }, 60)) << service.log();
  EXPECT_EQ(service.stop(), 0) << service.log();
  EXPECT_THAT(service.log(), HasSubstr("agent.stopped"));
  EXPECT_THAT(service.log(), Not(HasSubstr("\"restore\""))) << "the next step was not begun";
  agent.change_setting("verify_for = \"10s\"", "verify_for = \"3s\"");
  EXPECT_EQ(agent.run({"enroll", "--all"}).code, 1) << "put back as it was";
  EXPECT_EQ(site().served(camera), camera.certificate_sha256);
  EXPECT_EQ(agent.run({"enroll", camera.serial}).code, 0);
  EXPECT_EQ(site().judge(camera, host_name(camera), true), "");
}

}  // namespace
}  // namespace lenscap::e2e
