// The agent is killed with SIGKILL at every moment of an enrolment: before and after each write of its store, so with
// each step begun, done but not recorded, and recorded. At once afterwards every camera serves what it served or our
// certificate; then `lenscap-agent enroll --all` puts all of them right: served and proven, one certificate of ours on
// the camera, its key made once, and one certificate issued for it by the CA. The same on the way back, when a camera
// did not serve what it was given. For the first HTTPS of a camera, for SOAP and for REST.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "agent/commands/desk.h"
#include "agent/scheduler.h"
#include "tests/e2e/site.h"

namespace lenscap::e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// Before or after the n-th write; 0: never.
struct Moment {
  int write = 0;
  bool before = false;
};

class DyingStore final : public store::Store {
 public:
  DyingStore(store::Store& real, Moment moment) : real_(real), moment_(moment) {}

  void read(store::ReadBody const& body) override { real_.read(body); }
  bool write(store::WriteBody const& body) override {
    ++writes_;
    if (moment_.write == writes_ && moment_.before) raise(SIGKILL);
    bool const committed = real_.write(body);
    if (moment_.write == writes_ && !moment_.before) raise(SIGKILL);
    return committed;
  }
  void write_async(store::WriteBody, std::function<void(std::exception_ptr, bool)>, store::Urgency) override {
    bug("the agent writes and waits");
  }
  int writes() const { return writes_; }

 private:
  store::Store& real_;
  Moment moment_;
  int writes_ = 0;
};

net::Awaitable<> no_sleep(Seconds) { co_return; }

// What a whole run did, as its child wrote it down.
struct Done {
  int writes = 0;        // of the store
  int switch_begun = 0;  // the write with which the switch of HTTPS was begun
};

// In a process of its own. Gives what was done, when it was not killed.
int enrol(std::string const& folder, std::string const& serial, Moment moment, bool patient,
          std::string const& report) {
  auto desk = agent::Desk::open({.state_dir = folder});
  if (!desk.ok()) throw std::runtime_error(desk.error().detail());
  auto shop = (*desk)->workshop();
  if (!shop.ok()) throw std::runtime_error(shop.error().detail());
  DyingStore dying((*desk)->store(), moment);
  agent::Settings settings = (*shop)->settings;
  if (!patient) settings.verify_for = Seconds(0);
  Done done;
  agent::Workshop mine{.store = dying,
                       .sealer = (*shop)->sealer,
                       .settings = settings,
                       .membership = (*shop)->membership,
                       .acme = (*shop)->acme,
                       .devices = (*shop)->devices,
                       .clock = (*shop)->clock,
                       .sleep = no_sleep,
                       .log = Log::nowhere(),
                       .written = {}};
  mine.written = [&](agent::Journal const& journal) {
    if (journal.switch_begun && done.switch_begun == 0) done.switch_begun = dying.writes();
  };
  (*desk)->run(agent::run_task(mine, "enroll", {{serial, agent::Purpose::enroll}}));
  std::ofstream(report) << dying.writes() << " " << done.switch_begun;
  return 0;
}

class KillWalk : public SiteTest {
 protected:
  // As in Ran: 137 is what SIGKILL leaves.
  // `patient` false: the first look at what is served decides.
  static int enrol_in_child(Agent const& agent, Camera const& camera, Moment moment, bool patient = true) {
    std::string const log = site().folder("child.log");
    pid_t const pid = fork();
    if (pid == 0) {
      int const file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      dup2(file, STDOUT_FILENO);
      dup2(file, STDERR_FILENO);
      int code = 1;
      try {
        code = enrol(agent.folder(), camera.serial, moment, patient, site().folder("child.report"));
      } catch (std::exception const& error) {
        std::fprintf(stderr, "%s\n", error.what());
      }
      _exit(code);
    }
    int status = 0;
    if (!until([&] { return waitpid(pid, &status, WNOHANG) == pid; }, 60)) {
      kill(pid, SIGTERM);
      waitpid(pid, &status, 0);
    }
    int const code = exit_code_of(status);
    if (code != 0 && code != 128 + SIGKILL) ADD_FAILURE() << std::ifstream(log).rdbuf();
    return code;
  }

  static Done report() {
    Done done;
    std::ifstream(site().folder("child.report")) >> done.writes >> done.switch_begun;
    return done;
  }

  // Every moment from the write `first` to the last one.
  static std::vector<Moment> moments(int first, int last) {
    std::vector<Moment> all;
    for (int write = first; write <= last; ++write) {
      if (write > 1) all.push_back({write, true});
      all.push_back({write, false});
    }
    return all;
  }

  static std::string told(Moment moment) {
    return std::string("killed ") + (moment.before ? "before" : "after") + " write " + std::to_string(moment.write);
  }

  // What it served before, or ours: nothing else, and never nothing.
  static void expect_still_served(Camera const& camera) {
    if (camera.certificate_sha256.empty()) return;  // it had no HTTPS
    std::string served;
    EXPECT_TRUE(until([&] { return !(served = site().served(camera)).empty(); }, 10)) << "HTTPS does not answer";
    if (served != camera.certificate_sha256) {
      EXPECT_EQ(site().judge(camera, host_name(camera), camera.generation >= "G4"), "");
    }
  }

  static int count_done(Camera const& camera, std::string const& operation) {
    int count = 0;
    for (json::Object const& entry : objects(site().camsim().journal(camera.serial), "entries"))
      count += text(entry, "operation") == operation && text(entry, "status") == "200" ? 1 : 0;
    return count;
  }

  // After everything was put right. `issued`: certificates that the CA may have made for it at most.
  static void expect_right(Agent& agent, std::vector<Camera> const& cameras, std::vector<Moment> const& killed,
                           int issued_at_most) {
    auto const rows = objects(agent.run_json({"status"}), "devices");
    auto const certificates = objects(site().ca_json({"cert", "list", "--limit", "10000"}), "certificates");
    for (std::size_t i = 0; i < cameras.size(); ++i) {
      Camera const& camera = cameras[i];
      SCOPED_TRACE(camera.generation + " " + told(killed[i]));
      json::Object const* row = find_row(rows, "mac", camera.serial);
      ASSERT_NE(row, nullptr);
      EXPECT_EQ(text(*row, "status"), "OK");
      EXPECT_EQ(text(*row, "https"), "Enabled");
      EXPECT_EQ(text(*row, "fingerprint"), site().camsim().info(camera.serial).certificate_sha256);
      EXPECT_EQ(site().served(camera), text(*row, "fingerprint"));
      EXPECT_THAT(site().ours_on(camera), ElementsAre(site().served_id(camera)));
      int issued = 0;
      for (json::Object const& certificate : certificates)
        issued += json::write(certificate).find(host_name(camera)) != std::string::npos ? 1 : 0;
      EXPECT_GE(issued, 1);
      EXPECT_LE(issued, issued_at_most);
      char const* create = camera.generation == "G7" ? "POST create_certificate" : "CreateCertificate2";
      EXPECT_EQ(count_done(camera, create), issued) << "keys made";
      EXPECT_EQ(site().camsim().flags(camera.serial), camsim::Flags{});
    }
  }

  // Of the CA, whose orders were left at every moment; beside the running server.
  static void expect_promises_kept() {
    Ran const verified = site().ca({"store", "verify"});
    EXPECT_EQ(verified.code, 0) << verified.all();
  }

  // A camera is enrolled once without harm to learn how many moments there are; then one is killed at each of them.
  static void walk_forward(char const* generation) {
    Agent agent(site(), std::string("forward-") + generation, {}, 8);
    agent.join();
    Camera const whole = site().camera(generation);
    ASSERT_EQ(agent.add({whole}).code, 0);
    ASSERT_EQ(enrol_in_child(agent, whole, {}), 0);
    auto const walk = moments(1, report().writes);
    ASSERT_GT(walk.size(), 40U) << "ten steps, each written down before and after";

    auto const cameras = site().cameras(generation, static_cast<int>(walk.size()));
    Ran const added = agent.add(cameras);
    ASSERT_EQ(added.code, 0) << added.all();
    for (std::size_t i = 0; i < walk.size(); ++i) {
      SCOPED_TRACE(told(walk[i]));
      ASSERT_EQ(enrol_in_child(agent, cameras[i], walk[i]), 128 + SIGKILL);
      expect_still_served(cameras[i]);
    }
    Ran const again = agent.run({"enroll", "--all"});
    EXPECT_EQ(again.code, 0) << again.all();
    expect_right(agent, cameras, walk, 1);
    expect_promises_kept();
  }
};

TEST_F(KillWalk, EveryMomentOfTheFirstHttps) { walk_forward("G1"); }
TEST_F(KillWalk, EveryMomentBySoap) { walk_forward("G3"); }
TEST_F(KillWalk, EveryMomentByRest) { walk_forward("G7"); }

// F25: the camera says that it switched, and goes on serving its old certificate.
TEST_F(KillWalk, EveryMomentOfTheWayBack) {
  auto const fault = R"([{"id":"F25","operation":"SetWebServerTlsConfiguration","count":1}])";
  Agent agent(site(), "back", "verify_for = \"1s\"\n", 8);
  agent.join();
  Camera const whole = site().camera("G7");
  site().camsim().faults(whole.serial, fault);
  ASSERT_EQ(agent.add({whole}).code, 0);
  ASSERT_EQ(enrol_in_child(agent, whole, {}, false), 0);
  EXPECT_EQ(text(agent.result_of(whole), "status"), "Rolled back");
  EXPECT_THAT(site().ours_on(whole), SizeIs(0));
  Done const done = report();
  auto const walk = moments(done.switch_begun, done.writes);
  ASSERT_GT(walk.size(), 16U);

  auto const cameras = site().cameras("G7", static_cast<int>(walk.size()));
  for (Camera const& camera : cameras) site().camsim().faults(camera.serial, fault);
  ASSERT_EQ(agent.add(cameras).code, 0);
  for (std::size_t i = 0; i < walk.size(); ++i) {
    SCOPED_TRACE(told(walk[i]));
    ASSERT_EQ(enrol_in_child(agent, cameras[i], walk[i], false), 128 + SIGKILL);
    expect_still_served(cameras[i]);
  }
  // The first run ends the way back where there is one; the second enrols whoever is without a certificate.
  agent.run({"enroll", "--all"});
  for (Camera const& camera : cameras) expect_still_served(camera);
  Ran const again = agent.run({"enroll", "--all"});
  EXPECT_EQ(again.code, 0) << again.all();
  expect_right(agent, cameras, walk, 2);
  expect_promises_kept();
}

}  // namespace
}  // namespace lenscap::e2e
