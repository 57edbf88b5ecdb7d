// Who each firmware generation says it is, and which interfaces answer before and after a login.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/camsim/tool.h"

namespace lenscap::camsim {
namespace {

using testing::HasSubstr;

constexpr char const* kInfo = R"({"apiVersion":"1.0","method":"getAllProperties"})";
constexpr char const* kOpenInfo = R"({"apiVersion":"1.0","context":"abc","method":"getAllUnrestrictedProperties"})";
constexpr char const* kReady = R"({"apiVersion":"1.0","method":"systemready","params":{"timeout":20}})";
constexpr char const* kApis = R"({"apiVersion":"1.0","method":"getApiList"})";

struct Case {
  char const* generation;
  char const* firmware;
  char const* server;  // beginning of the Server header
  bool https;          // from the factory
  int info;            // HTTP status of basicdeviceinfo with a login
  bool open_info;      // without a login
  int apis;            // HTTP status of apidiscovery without a login
  char const* ready;   // API version of systemready; empty: 404
  int soap;            // HTTP status of /vapix/services
  int rest;            // HTTP status of /config/rest/cert/v1/certificates
};
constexpr Case kCases[] = {
    {"G0", "5.10.3", "Boa/", false, 404, false, 401, "", 404, 404},
    {"G1", "6.50.1.2", "Apache/2.4", false, 404, false, 401, "", 200, 404},
    {"G2", "7.30.1", "Apache/2.4", true, 404, false, 401, "", 200, 404},
    {"G3", "9.80.2.2", "Apache/2.4", true, 200, false, 401, "1.1", 200, 404},
    {"G4", "10.12.228", "Apache/2.4", true, 200, true, 401, "1.2", 200, 404},
    {"G6", "11.11.135", "Apache/2.4", true, 200, true, 200, "1.4", 200, 200},
    {"G7", "12.11.77", "Apache/2.4", true, 200, true, 200, "1.5", 200, 200},
};

TEST(Identification, EveryGeneration) {
  Process camsim;
  for (Case const& c : kCases) {
    SCOPED_TRACE(c.generation);
    DeviceInfo const camera = camsim.add({.generation = c.generation});
    EXPECT_EQ(camera.https_on, c.https);
    EXPECT_EQ(camera.firmware, c.firmware);
    Client const client(camera.http_url);

    WebAnswer const params = client.get(
        "/axis-cgi/param.cgi?action=list&group=root.Brand,root.Properties.Firmware.Version,"
        "Properties.System.SerialNumber,Properties.HTTPS.HTTPS");
    EXPECT_EQ(params.status, 200);
    EXPECT_THAT(params.headers.at("server"), HasSubstr(c.server));
    EXPECT_THAT(params.body, HasSubstr("root.Brand.Brand=AXIS\n"));
    EXPECT_THAT(params.body, HasSubstr("root.Properties.Firmware.Version=" + std::string(c.firmware) + "\n"));
    EXPECT_THAT(params.body, HasSubstr("root.Properties.System.SerialNumber=" + camera.serial + "\n"));
    EXPECT_THAT(params.body, HasSubstr("root.Properties.HTTPS.HTTPS=yes\n"));

    WebAnswer const info = client.post("/axis-cgi/basicdeviceinfo.cgi", kInfo);
    EXPECT_EQ(info.status, c.info);
    if (c.info == 200) {
      json::Object const body = parse_json(info.body);
      EXPECT_EQ(json_text(body, "data/propertyList/SerialNumber"), camera.serial);
      EXPECT_EQ(json_text(body, "data/propertyList/Version"), c.firmware);
      EXPECT_FALSE(json_text(body, "data/propertyList/Architecture").empty());
    }
    WebAnswer const open = curl({"-X", "POST"}, camera.http_url + "/axis-cgi/basicdeviceinfo.cgi", kOpenInfo);
    EXPECT_EQ(open.status, c.open_info ? 200 : 401);
    if (c.open_info) {
      EXPECT_EQ(json_text(parse_json(open.body), "context"), "abc");
      EXPECT_EQ(json_text(parse_json(open.body), "data/propertyList/Architecture"), "") << "needs a login";
    }
    EXPECT_EQ(curl({"-X", "POST"}, camera.http_url + "/axis-cgi/apidiscovery.cgi", kApis).status, c.apis);
    WebAnswer const ready = curl({"-X", "POST"}, camera.http_url + "/axis-cgi/systemready.cgi", kReady);
    if (*c.ready == 0) {
      EXPECT_EQ(ready.status, 404);
    } else {
      EXPECT_EQ(json_text(parse_json(ready.body), "apiVersion"), c.ready);
      EXPECT_EQ(json_text(parse_json(ready.body), "data/systemready"), "yes");
      EXPECT_EQ(json_text(parse_json(ready.body), "data/needsetup"), "no");
      EXPECT_EQ(json_text(parse_json(ready.body), "data/bootid").size(), std::string_view(c.ready) >= "1.4" ? 36 : 0);
    }
    EXPECT_EQ(client.soap("<tds:GetCertificates/>").status, c.soap);
    EXPECT_EQ(client.get("/config/rest/cert/v1/certificates").status, c.rest);
    EXPECT_EQ(client.get("/config/discover").status, c.rest);
    EXPECT_EQ(camsim.flags(camera.serial), Flags{});
  }
}

TEST(Identification, ApiListOf980HasItsThirtyThreeIds) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  WebAnswer const answer = Client(camera.http_url).post("/axis-cgi/apidiscovery.cgi", kApis);
  EXPECT_EQ(answer.headers.at("content-type"), "application/json;charset=utf8");
  json::Object const body = parse_json(answer.body);
  auto const data = json::need_object(body, "data");
  ASSERT_TRUE(data.ok());
  auto const list = json::need_array(*data, "apiList");
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->size(), 33U);
}

TEST(Identification, ErrorsOfTheJsonCgis) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.http_url);
  struct {
    char const* name;
    char const* path;
    char const* body;
    char const* code;
  } const cases[] = {
      {"unknown method", "/axis-cgi/basicdeviceinfo.cgi", R"({"apiVersion":"1.0","method":"nothing"})", "2004"},
      {"unknown version", "/axis-cgi/basicdeviceinfo.cgi", R"({"apiVersion":"9.0","method":"getAllProperties"})",
       "2003"},
      {"no JSON", "/axis-cgi/basicdeviceinfo.cgi", "{", "4000"},
      {"unknown property", "/axis-cgi/basicdeviceinfo.cgi",
       R"({"apiVersion":"1.0","method":"getProperties","params":{"propertyList":["Taste"]}})", "1000"},
      {"no JSON, newer API", "/axis-cgi/time.cgi", "{", "3000"},
      {"unknown method, newer API", "/axis-cgi/time.cgi", R"({"apiVersion":"1.0","method":"x"})", "4000"},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    WebAnswer const answer = client.post(c.path, c.body);
    EXPECT_EQ(answer.status, 200) << "errors of these CGIs have status 200";
    EXPECT_EQ(json_text(parse_json(answer.body), "error/code"), c.code);
  }
  WebAnswer const get = client.get("/axis-cgi/basicdeviceinfo.cgi");
  EXPECT_EQ(json_text(parse_json(get.body), "error/code"), "2002") << "only POST";
}

TEST(Identification, UnknownPathIsTheRecordedPage) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G0"});
  WebAnswer const answer = Client(camera.http_url).get("/axis-cgi/apidiscovery.cgi");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.headers.at("content-type"), "text/html; charset=ISO-8859-1");
  EXPECT_EQ(answer.body,
            "<HTML><HEAD><TITLE>404 Not Found</TITLE></HEAD>\n<BODY><H1>404 Not Found</H1>\n"
            "The requested URL /axis-cgi/apidiscovery.cgi was not found on this server.\n</BODY></HTML>\n");
}

TEST(Identification, UnknownParameterGroup) {
  Process camsim;
  DeviceInfo const old = camsim.add({.generation = "G3"});
  DeviceInfo const young = camsim.add({.generation = "G7"});
  std::string const path = "/axis-cgi/param.cgi?action=list&group=Nothing,HTTPS.Port";
  std::string const error = "# Error: Error -1 getting param in group 'Nothing'\n";
  EXPECT_EQ(Client(old.http_url).get(path).body, error + "root.HTTPS.Port=" + std::to_string(old.https_port) + "\n");
  EXPECT_EQ(Client(young.http_url).get(path).body, error + "HTTPS.Port=" + std::to_string(young.https_port) + "\n")
      << "12.11 loses the prefix after an error";
}

TEST(Identification, ClockIsTheDevices) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  camsim.clock(camera.serial, -10LL * 365 * 86'400);
  WebAnswer const answer =
      Client(camera.http_url).post("/axis-cgi/time.cgi", R"({"apiVersion":"1.0","method":"getDateTimeInfo"})");
  std::string const year = json_text(parse_json(answer.body), "data/dateTime").substr(0, 4);
  EXPECT_THAT(answer.headers.at("date"), HasSubstr(" " + year + " "));
  EXPECT_LT(std::stoi(year), 2020);
}

}  // namespace
}  // namespace lenscap::camsim
