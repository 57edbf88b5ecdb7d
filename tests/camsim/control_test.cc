// The control API, and the tables that it shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "tests/camsim/generations.h"
#include "tests/camsim/switches.h"
#include "tests/camsim/tool.h"

namespace lenscap::camsim {
namespace {

using testing::HasSubstr;

TEST(Control, RefusesWhatItDoesNotUnderstand) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  struct {
    char const* verb;
    std::string path;
    char const* body;
    int status;
  } const cases[] = {
      {"POST", "/devices", "{", 400},
      {"POST", "/devices", "{}", 400},
      {"POST", "/devices", R"({"generation":"G9"})", 400},
      {"POST", "/devices", R"({"generation":"G3","serial":"x"})", 400},
      {"POST", "/devices", R"({"generation":"G3","serial":"ACCC8EF7DE6B"})", 409},
      {"POST", "/devices", R"({"generation":"G3","address":"192.0.2.1"})", 409},
      {"POST", "/devices", R"({"generation":"G3","taste":1})", 400},
      {"POST", "/devices", R"({"generation":"G3","switches":{"taste":1}})", 400},
      {"POST", "/devices", R"({"generation":"G3","switches":{"rest":"perhaps"}})", 400},
      {"POST", "/devices", R"({"generation":"G3","faults":[{"id":"F0"}]})", 400},
      {"GET", "/devices/000000000000", "", 404},
      {"GET", "/nothing", "", 404},
      {"POST", "/devices/" + camera.serial + "/dance", "", 404},
      {"POST", "/devices/" + camera.serial + "/restore", "", 404},
      {"PUT", "/devices/" + camera.serial + "/clock", R"({"offset_s":"x"})", 400},
  };
  for (auto const& c : cases) EXPECT_EQ(camsim.call(c.verb, c.path, c.body).status, c.status) << c.path << c.body;
}

TEST(Control, NeverShowsPasswords) {
  Process camsim;
  json::Object const user{{"password", "hush-hush"}};
  DeviceInfo const camera = camsim.add({.generation = "G3", .users = {{"root", user}}});
  std::string const state = json::write(camsim.state(camera.serial));
  EXPECT_EQ(state.find("hush-hush"), std::string::npos);
  EXPECT_EQ(state.find("PRIVATE KEY"), std::string::npos);
}

TEST(Control, AThousandCamerasEachAnswer) {
  Process camsim;
  std::vector<DeviceInfo> const cameras = camsim.add_many({.generation = "G7"}, 1000);
  ASSERT_EQ(cameras.size(), 1000U);
  std::set<std::string> serials;
  std::set<std::string> addresses;
  for (DeviceInfo const& camera : cameras) {
    serials.insert(camera.serial);
    addresses.insert(camera.address);
  }
  EXPECT_EQ(serials.size(), 1000U);
  EXPECT_EQ(addresses.size(), 1000U);
  // One curl for all of them: each says its own serial number over TLS.
  TemporaryFolder const folder;
  std::string config;
  for (DeviceInfo const& camera : cameras)
    config +=
        "url = \"" + camera.https_url + "/axis-cgi/param.cgi?action=list&group=Properties.System.SerialNumber\"\n";
  Ran const ran =
      run_tool({"curl", "-sSk", "-u", "root:pass", "--noproxy", "*", "-K", folder.write("curl.cfg", config)});
  EXPECT_EQ(ran.status, 0) << ran.err;
  for (DeviceInfo const& camera : cameras)
    EXPECT_THAT(ran.out, HasSubstr("root.Properties.System.SerialNumber=" + camera.serial + "\n"));
}

TEST(Control, RemovedCameraIsGoneAndItsSerialFree) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  camsim.remove(camera.serial);
  EXPECT_NE(curl({}, camera.http_url + "/").curl_status, 0);
  EXPECT_EQ(camsim.add({.generation = "G3"}).serial, camera.serial);
}

TEST(Control, SameSeedSameSerials) {
  std::vector<std::string> runs[2];
  for (auto& run : runs) {
    Process camsim({.seed = 5});
    for (DeviceInfo const& camera : camsim.add_many({.generation = "G6"}, 4)) run.push_back(camera.serial);
  }
  EXPECT_EQ(runs[0], runs[1]);
}

TEST(Control, AddressAndPortsAsAsked) {
  Process camsim;
  DeviceInfo const first = camsim.add({.generation = "G3", .address = "127.8.7.6"});
  EXPECT_EQ(first.address, "127.8.7.6");
  std::string const port = std::to_string(first.http_port);
  HttpAnswer const taken =
      camsim.call("POST", "/devices", R"({"generation":"G3","address":"127.8.7.6","http_port":)" + port + "}");
  EXPECT_EQ(taken.status, 409);
  EXPECT_THAT(taken.body, HasSubstr("127.8.7.6:" + port));
}

TEST(Process, EndsWithItsParent) {
  TemporaryFolder const folder;
  std::string const program = std::string(LENSCAP_BIN_DIR) + "/camsim";
  // The shell starts it on a pipe and ends; tail sees the pipe's other end close only when camsim has ended too.
  Ran const ran =
      run_tool({"bash", "-c", "true | " + program + " --exit-with-parent --port-file " + folder.path("port")});
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.out, HasSubstr("control http://127.0.0.1:"));
}

TEST(Process, DevicesFileAndPortFile) {
  TemporaryFolder const folder;
  std::string const program = std::string(LENSCAP_BIN_DIR) + "/camsim";
  std::string const devices = folder.write("devices.json", R"([{"generation":"G1"},{"generation":"G7","count":3}])");
  std::string const script = program + " --port-file " + folder.path("port") + " --devices " + devices +
                             " > >(head -1 >/dev/null; curl -s $(cat " + folder.path("port") + ")/devices >" +
                             folder.path("out") + "; touch " + folder.path("done") + ") & while [ ! -e " +
                             folder.path("done") + " ]; do :; done; kill -TERM $!; wait $!; echo end=$?; cat " +
                             folder.path("out");
  Ran const ran = run_tool({"bash", "-c", script});
  EXPECT_THAT(ran.out, HasSubstr("end=0")) << "SIGTERM is an orderly end";
  EXPECT_THAT(ran.out, HasSubstr("\"generation\":\"G1\""));
  EXPECT_NE(run_tool({program, "--devices", folder.write("bad.json", "[{}]")}).status, 0);
}

TEST(Switches, EveryPositionCanBeSet) {
  Switches switches;
  json::Array const rows = describe_switches();
  ASSERT_EQ(rows.size(), switch_rows().size());
  for (json::Value const& row : rows) {
    std::string const name = json_text(*row.as_object(), "name");
    EXPECT_FALSE(json_text(*row.as_object(), "meaning").empty()) << name;
    for (json::Value const& choice : *row.as_object()->find("choices")->as_array()) {
      json::Object values;
      values.set(name, choice);
      EXPECT_TRUE(set_switches(switches, values).ok()) << name;
      EXPECT_EQ(*to_json(switches).find(name), choice) << name;
    }
  }
  EXPECT_FALSE(set_switch(switches, "soap", "perhaps").ok());
  EXPECT_FALSE(set_switch(switches, "restart_ms", "-1").ok());
  EXPECT_FALSE(set_switch(switches, "restart_ms", "1x").ok());
  EXPECT_FALSE(set_switch(switches, "rest", "v2").ok());
  EXPECT_FALSE(set_switch(switches, "nothing", "on").ok());
}

TEST(Switches, DefaultsOfEachGenerationAreTold) {
  Process camsim;
  json::Object const all = parse_json(camsim.call("GET", "/switches").body);
  for (Generation const& generation : generations()) {
    json::Object const told = *all.find("generations")->as_object()->find(generation.id)->as_object();
    EXPECT_EQ(told, to_json(switches_of(generation)));
  }
}

}  // namespace
}  // namespace lenscap::camsim
