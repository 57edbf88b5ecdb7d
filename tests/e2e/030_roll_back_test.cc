// Cameras that go wrong in the middle of an enrolment: the install or the switch is answered with success and does not
// happen, HTTPS does not come back or comes back with the factory's certificate, answers are lost, the camera reboots.
// A camera that does not serve its new certificate is rolled back and serves what it served; nothing of ours stays on
// it; status and results say so. A lost answer alone is no failure. Once the fault is gone, the next `enroll` succeeds.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/e2e/site.h"

namespace lenscap::e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char const* kSwitch = "SetWebServerTlsConfiguration";
constexpr char const* kPatch = "PATCH certificates/{alias}";
constexpr char const* kNotServed = "switched_but_not_served";

struct Case {
  char const* name;
  char const* generation;
  char const* fault;      // its id
  char const* operation;  // that it strikes
  int count;              // how often
  char const* result;     // in `results`; "?": nothing ends, or the HTTP client asks again and it goes well
  char const* error;      // its code there
  char const* more = "";  // members of the fault
};

constexpr Case kCases[] = {
    {"the switch is not done, SOAP", "G3", "F25", kSwitch, 1, "Rolled back", kNotServed},
    {"the switch is not done, REST", "G7", "F25", kSwitch, 1, "Rolled back", kNotServed},
    {"HTTPS does not come back, SOAP", "G3", "F26", kSwitch, 1, "Rolled back", kNotServed},
    {"HTTPS does not come back, REST", "G7", "F26", kSwitch, 1, "Rolled back", kNotServed},
    {"the first HTTPS does not come up", "G1", "F26", kSwitch, 1, "Rolled back", kNotServed},
    {"the factory's certificate comes back, SOAP", "G3", "F27", kSwitch, 1, "Rolled back", kNotServed},
    {"the factory's certificate comes back, REST", "G7", "F27", kSwitch, 1, "Rolled back", kNotServed},
    {"the install is not done, SOAP", "G3", "F23", "LoadCertificates", 1, "Waiting", "bad_certificate"},
    {"the install is not done, REST", "G7", "F23", kPatch, 1, "Waiting", "bad_certificate"},
    {"the install is refused, SOAP", "G3", "F24", "LoadCertificates", 2, "Failed", "key_mismatch"},
    {"the install is refused, REST", "G7", "F24", kPatch, 2, "Failed", "key_mismatch"},
    {"the switch's answer is lost, first HTTPS", "G1", "F28", kSwitch, 1, "Finished", ""},
    {"the switch's answer is lost, SOAP", "G3", "F28", kSwitch, 1, "Finished", ""},
    {"the switch's answer is lost, REST", "G7", "F28", kSwitch, 1, "Finished", ""},
    {"the key's answer is lost, plain HTTP", "G1", "F28", "CreateCertificate2", 1, "?", "unreachable"},
    {"the key's answer is lost, SOAP", "G3", "F28", "CreateCertificate2", 1, "?", "unreachable"},
    {"the key's answer is lost, REST", "G7", "F28", "POST create_certificate", 1, "?", "unreachable"},
    {"the install's answer is lost, SOAP", "G3", "F28", "LoadCertificates", 1, "?", "unreachable"},
    {"the install's answer is lost, REST", "G7", "F28", kPatch, 1, "?", "unreachable"},
    {"it reboots before the switch", "G7", "F33", kSwitch, 1, "?", kNotServed, R"(,"when":"before")"},
    {"it reboots after the switch", "G7", "F33", kSwitch, 1, "Finished", "", R"(,"when":"after")"},
    {"it reboots after the install", "G3", "F33", "LoadCertificates", 1, "?", "unreachable", R"(,"when":"after")"},
};

class RollBack : public SiteTest {
 protected:
  // How many requests the fault has struck: a case whose fault never does would show nothing.
  static int struck(Camera const& camera, std::string const& fault) {
    auto const entries = objects(site().camsim().journal(camera.serial), "entries");
    return static_cast<int>(std::count_if(entries.begin(), entries.end(),
                                          [&](auto const& entry) { return text(entry, "fault") == fault; }));
  }
};

TEST_F(RollBack, EveryFault) {
  Agent agent(site(), "faults", "verify_for = \"2s\"\nverify_while_away = \"12s\"\n", 16);
  agent.join();
  std::vector<Camera> cameras;
  std::vector<std::vector<std::string>> factory_ids;
  for (Case const& c : kCases) {
    cameras.push_back(site().camera(c.generation));
    factory_ids.push_back(site().ids_on(cameras.back()));
    std::string const fault = std::string(R"([{"id":")") + c.fault + R"(","operation":")" + c.operation +
                              R"(","count":)" + std::to_string(c.count) + c.more + "}]";
    site().camsim().faults(cameras.back().serial, fault);
  }
  Ran const added = agent.add(cameras);
  ASSERT_EQ(added.code, 0) << added.all();

  int code = -1;
  auto const results = objects(agent.run_json({"enroll", "--all"}, &code), "results");
  EXPECT_EQ(code, 3) << "some finished";
  EXPECT_EQ(agent.run({"results"}).code, 3);
  auto const status = objects(agent.run_json({"status"}, &code), "devices");
  EXPECT_EQ(code, 6);
  for (std::size_t i = 0; i < cameras.size(); ++i) {
    Case const& c = kCases[i];
    Camera const& camera = cameras[i];
    SCOPED_TRACE(c.name);
    json::Object const* result = find_row(results, "mac", camera.serial);
    json::Object const* row = find_row(status, "mac", camera.serial);
    ASSERT_TRUE(result != nullptr && row != nullptr);
    EXPECT_GE(struck(camera, c.fault), 1);
    EXPECT_LE(struck(camera, c.fault), c.count);
    std::string const outcome = text(*result, "status");
    if (c.result != std::string("?")) {
      EXPECT_EQ(outcome, c.result) << text(*result, "description");
    }
    std::string const served = site().served(camera);
    if (outcome == "Finished") {
      EXPECT_EQ(text(*row, "status"), "OK");
      EXPECT_EQ(text(*row, "fingerprint"), served);
      continue;
    }
    EXPECT_EQ(text(*result, "error"), c.error) << text(*result, "description");
    EXPECT_EQ(text(*row, "error"), c.error);
    EXPECT_EQ(served, camera.certificate_sha256) << "what it served before";
    EXPECT_EQ(text(*row, "attention"), "true");
    EXPECT_NE(text(*result, "description"), "");
    if (outcome == "Rolled back") {
      EXPECT_EQ(text(*row, "status"), "Rolled back");
      EXPECT_THAT(text(*result, "description"), HasSubstr("the device serves again what it served before"));
      EXPECT_THAT(text(*row, "next"), HasSubstr("tries again"));
    }
    if (outcome != "Waiting") {
      EXPECT_EQ(site().ids_on(camera), factory_ids[i]) << "nothing of ours stays";
      EXPECT_THAT(site().our_authorities_on(camera), IsEmpty());
    }
  }

  for (Camera const& camera : cameras) site().camsim().faults(camera.serial, "[]");
  Ran const again = agent.run({"enroll", "--all"});
  EXPECT_EQ(again.code, 0) << again.all();
  EXPECT_EQ(agent.run({"status"}).code, 0);
  for (std::size_t i = 0; i < cameras.size(); ++i) {
    SCOPED_TRACE(kCases[i].name);
    Camera const& camera = cameras[i];
    EXPECT_EQ(site().judge(camera, host_name(camera), camera.generation >= "G4"), "");
    EXPECT_THAT(site().ours_on(camera), ElementsAre(site().served_id(camera)));
    EXPECT_EQ(site().camsim().flags(camera.serial), camsim::Flags{});
  }
}

// A renewal that goes wrong leaves our former certificate at work, and it stays the live one. Also when the camera fell
// back to the factory's certificate: its key was in the camera before, and the way back goes over TLS.
TEST_F(RollBack, RenewalGoesBackToOurFormerCertificate) {
  for (std::string const fault : {"F25", "F27"}) {
    SCOPED_TRACE(fault);
    Agent agent(site(), "renewal-" + fault, "verify_for = \"1s\"\n");
    agent.join();
    Camera const camera = site().camera("G7");
    ASSERT_EQ(agent.add({camera}).code, 0);
    ASSERT_EQ(agent.run({"enroll", "--all"}).code, 0);
    std::string const before = site().served(camera);
    std::string const id = site().served_id(camera);
    site().camsim().clear_journal(camera.serial);
    site().camsim().faults(camera.serial,
                           R"([{"id":")" + fault + R"(","operation":"SetWebServerTlsConfiguration","count":1}])");
    Ran const renewed = agent.run({"renew", camera.serial});
    EXPECT_EQ(renewed.code, 1) << renewed.all();
    EXPECT_THAT(renewed.out, HasSubstr("Rolled back"));
    EXPECT_EQ(site().served(camera), before);
    EXPECT_THAT(site().ours_on(camera), ElementsAre(id));
    EXPECT_EQ(text(agent.status_of(camera), "fingerprint"), before);
    EXPECT_EQ(text(agent.status_of(camera), "https"), "Enabled");
    EXPECT_EQ(agent.run({"verify", camera.serial}).code, 0);
    EXPECT_EQ(agent.run({"renew", camera.serial}).code, 0);
    EXPECT_NE(site().served(camera), before);
    EXPECT_THAT(site().ours_on(camera), ElementsAre(site().served_id(camera)));
    for (json::Object const& entry : objects(site().camsim().journal(camera.serial), "entries"))
      EXPECT_TRUE(text(entry, "auth_used").empty() || text(entry, "listener") == "https") << json::write(entry);
  }
}

// What cannot be put back is said loudly, and put back as soon as it can be.
TEST_F(RollBack, CameraThatIsAwayDuringTheWayBack) {
  Agent agent(site(), "away", "verify_for = \"1s\"\nverify_while_away = \"5s\"\n");
  agent.join();
  Camera const camera = site().camera("G7");
  auto const factory_ids = site().ids_on(camera);
  // Both listeners shut once the switch is done, until the faults are set anew.
  site().camsim().faults(camera.serial, R"([{"id":"F1","operation":"SetWebServerTlsConfiguration","count":1}])");
  ASSERT_EQ(agent.add({camera}).code, 0);
  Ran const enrolled = agent.run({"enroll", "--all"});
  EXPECT_EQ(enrolled.code, 1) << enrolled.all();
  EXPECT_THAT(enrolled.out, HasSubstr("Rollback failed"));
  EXPECT_THAT(enrolled.out, HasSubstr("look at the device"));
  EXPECT_EQ(agent.run({"status"}).code, 6);
  EXPECT_EQ(text(agent.status_of(camera), "status"), "Rollback failed");
  EXPECT_EQ(text(agent.status_of(camera), "error"), "rollback_failed");

  site().camsim().faults(camera.serial, "[]");
  Ran const back = agent.run({"enroll", "--all"});
  EXPECT_EQ(back.code, 1) << back.all();
  EXPECT_THAT(back.out, HasSubstr("Rolled back"));
  EXPECT_EQ(site().served(camera), camera.certificate_sha256);
  EXPECT_EQ(site().ids_on(camera), factory_ids);
  EXPECT_EQ(agent.run({"enroll", "--all"}).code, 0);
  EXPECT_EQ(site().judge(camera, host_name(camera), true), "");
  EXPECT_EQ(site().camsim().flags(camera.serial), camsim::Flags{});
}

}  // namespace
}  // namespace lenscap::e2e
