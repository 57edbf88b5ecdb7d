// The life of a camera: its web server's restart after a change, reboots, factory defaults, power, snapshots.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <future>

#include "tests/camsim/keys.h"
#include "tests/camsim/server.h"
#include "tests/camsim/tool.h"

namespace lenscap::camsim {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char const* kList = "/axis-cgi/param.cgi?action=list&group=Brand";
constexpr int kCurlCannotConnect = 7;

// A certificate made in the camera and chosen for the web server; gives its SHA-256. REST generations.
std::string make_certificate(Client const& client, std::string const& alias) {
  client.post("/config/rest/cert/v1/create_certificate",
              R"({"data":{"alias":")" + alias + R"(","subject":"CN=cam","key_type":"EC-P256"}})");
  json::Object const answer = parse_json(client.get("/config/rest/cert/v1/certificates/" + alias).body);
  return fingerprint(json_text(answer, "data/certificate"));
}

WebAnswer choose(Client const& client, std::string const& alias, std::string const& policy = "HttpAndHttps") {
  return client.soap(
      "<aweb:SetWebServerTlsConfiguration><aweb:Configuration><aweb:Tls>true</aweb:Tls><aweb:ConnectionPolicies>"
      "<aweb:Admin>" +
      policy +
      "</aweb:Admin></aweb:ConnectionPolicies><aweb:Ciphers><acert:Cipher>ECDHE-ECDSA-AES128-GCM-SHA256</acert:Cipher>"
      "</aweb:Ciphers><aweb:CertificateSet><acert:Certificates><acert:Id>" +
      alias +
      "</acert:Id></acert:Certificates><acert:CACertificates/><acert:TrustedCertificates/></aweb:CertificateSet>"
      "</aweb:Configuration></aweb:SetWebServerTlsConfiguration>");
}

std::string life(Process& camsim, DeviceInfo const& camera) { return json_text(camsim.state(camera.serial), "life"); }

TEST(Restart, AnswersFirstThenRefusesThenServesTheNewCertificate) {
  Process camsim({.time_scale = 1});
  DeviceInfo const camera = camsim.add(
      {.generation = "G7", .switches = {{"keygen_ec_ms", 1}, {"restart_after_ms", 1}, {"restart_ms", 5000}}});
  Client const client(camera.http_url);
  std::string const wanted = make_certificate(client, "new");
  unsigned const starts = camsim.starts(camera.serial);
  EXPECT_EQ(choose(client, "new").status, 200) << "the answer comes before the gap";
  while (life(camsim, camera) != "restarting") ASSERT_EQ(camsim.starts(camera.serial), starts) << "the gap was missed";
  EXPECT_EQ(curl({}, camera.http_url + kList).curl_status, kCurlCannotConnect);
  EXPECT_EQ(curl({"-k"}, camera.https_url + kList).curl_status, kCurlCannotConnect);
  camsim.wait_for_start(camera.serial, starts);
  EXPECT_EQ(camsim.info(camera.serial).certificate_sha256, wanted);
  EXPECT_EQ(fingerprint(served_chain(camera).at(0)), wanted);
  EXPECT_EQ(camsim.info(camera.serial).https_port, camera.https_port) << "the port stays the camera's";
}

TEST(Restart, OpenConnectionsAreDropped) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  int const connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(camera.http_port);
  inet_pton(AF_INET, camera.address.c_str(), &where.sin_addr);
  ASSERT_EQ(connect(connection, reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
  camsim.action(camera.serial, "reboot");
  char octet = 0;
  EXPECT_LE(read(connection, &octet, 1), 0);
  close(connection);
}

TEST(Policy, HttpsAloneAndItsSwitch) {
  Process camsim;
  for (char const* way : {"redirect", "403", "closed"}) {
    SCOPED_TRACE(way);
    DeviceInfo const camera = camsim.add({.generation = "G7", .switches = {{"http_under_https", way}}});
    Client const client(camera.https_url);
    unsigned const starts = camsim.starts(camera.serial);
    EXPECT_EQ(choose(client, "Axis device ID ECC-P256 (802.1AR)", "Https").status, 200);
    camsim.wait_for_start(camera.serial, starts);
    WebAnswer const plain = curl({}, camera.http_url + kList);
    if (std::string_view(way) == "closed") {
      EXPECT_EQ(plain.curl_status, kCurlCannotConnect);
    } else {
      EXPECT_EQ(plain.status, std::string_view(way) == "403" ? 403 : 301);
    }
    EXPECT_EQ(client.get(kList).status, 200);
  }
}

TEST(Policy, HttpAloneShutsHttps) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G6"});
  Client const client(camera.http_url);
  make_certificate(client, "new");
  unsigned const starts = camsim.starts(camera.serial);
  EXPECT_EQ(choose(client, "new", "Http").status, 200);
  camsim.wait_for_start(camera.serial, starts);
  EXPECT_EQ(curl({"-k"}, camera.https_url + kList).curl_status, kCurlCannotConnect);
  EXPECT_EQ(client.get(kList).status, 200);
}

TEST(Policy, OfOneRoleOnOldFirmware) {
  Process camsim;
  json::Object const all{{"password", "pass"}};
  json::Object const viewer{{"password", "pass"}, {"groups", json::Array{json::Value("viewer")}}};
  DeviceInfo const camera = camsim.add({.generation = "G1",
                                        .switches = {{"https_factory", true}, {"factory_certificate", "self_signed"}},
                                        .users = {{"root", all}, {"eve", viewer}}});
  unsigned const starts = camsim.starts(camera.serial);
  Client(camera.http_url).get("/axis-cgi/param.cgi?action=update&root.System.BoaGroupPolicy.viewer=https");
  camsim.wait_for_start(camera.serial, starts);
  EXPECT_EQ(Client(camera.http_url).get(kList).status, 200);
  EXPECT_EQ(Client(camera.http_url, "eve:pass").get(kList).status, 301);
  EXPECT_EQ(Client(camera.https_url, "eve:pass").get(kList).status, 200);
}

TEST(Reboot, NewBootIdAndNotReadyAtFirst) {
  Process camsim({.time_scale = 1});
  DeviceInfo const camera = camsim.add({.generation = "G7", .switches = {{"reboot_ms", 1}, {"boot_ms", 600'000}}});
  std::string const before = json_text(camsim.state(camera.serial), "boot_id");
  unsigned const starts = camsim.starts(camera.serial);
  EXPECT_EQ(Client(camera.http_url).get("/axis-cgi/restart.cgi").status, 200);
  camsim.wait_for_start(camera.serial, starts);
  WebAnswer const ready = curl({"-X", "POST"}, camera.http_url + "/axis-cgi/systemready.cgi",
                               R"({"apiVersion":"1.0","method":"systemready","params":{"timeout":0}})");
  EXPECT_EQ(json_text(parse_json(ready.body), "data/systemready"), "no");
  EXPECT_NE(json_text(parse_json(ready.body), "data/bootid"), before);
  EXPECT_EQ(json_text(parse_json(ready.body), "data/bootid"), json_text(camsim.state(camera.serial), "boot_id"));
}

TEST(Reboot, WithoutABatteryTheClockFallsBack) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3", .switches = {{"rtc", "none"}}});
  unsigned const starts = camsim.starts(camera.serial);
  camsim.action(camera.serial, "reboot");
  camsim.wait_for_start(camera.serial, starts);
  EXPECT_THAT(curl({}, camera.http_url + kList).headers["date"], HasSubstr(" 1970 "));
}

TEST(FactoryDefault, TakesCertificatesAndUsersAndMakesANewKey) {
  Process camsim;
  for (char const* cgi : {"factorydefault", "hardfactorydefault"}) {
    DeviceInfo const camera = camsim.add({.generation = "G6"});
    Client const client(camera.http_url);
    make_certificate(client, "mine");
    camsim.clock(camera.serial, 500);
    unsigned const starts = camsim.starts(camera.serial);
    EXPECT_EQ(client.get("/axis-cgi/" + std::string(cgi) + ".cgi").status, 200);
    camsim.wait_for_start(camera.serial, starts);
    json::Object const state = camsim.state(camera.serial);
    EXPECT_EQ(json_text(state, "needs_setup"), "true");
    EXPECT_THAT(json_text(state, "certificates"), Not(HasSubstr("\"mine\"")));
    EXPECT_THAT(json_text(state, "certificates"), HasSubstr("802.1AR")) << "device IDs stay";
    EXPECT_NE(json_text(state, "certificate_sha256"), camera.certificate_sha256);
    EXPECT_NE(json_text(state, "spki_sha256"), camera.spki_sha256);
    EXPECT_EQ(json_text(state, "clock_offset_s"), std::string_view(cgi) == "factorydefault" ? "500" : "0");
  }
}

TEST(FactoryDefault, KeepsTheKeyByOneSwitch) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3", .switches = {{"factory_key", "kept"}}});
  unsigned const starts = camsim.starts(camera.serial);
  camsim.action(camera.serial, "factorydefault");
  camsim.wait_for_start(camera.serial, starts);
  EXPECT_EQ(camsim.info(camera.serial).spki_sha256, camera.spki_sha256);
  EXPECT_NE(camsim.info(camera.serial).certificate_sha256, camera.certificate_sha256);
}

TEST(HttpsParameter, StopsHttpsUnlessRefused) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3", .switches = {{"https_parameter", "refuse"}}});
  Client const client(camera.http_url);
  std::string const update = "/axis-cgi/param.cgi?action=update&root.HTTPS.Enabled=no";
  EXPECT_EQ(client.get(update).body, "# Error: Error setting 'root.HTTPS.Enabled' to 'no'!\n");
  camsim.switches(camera.serial, {{"https_parameter", "allow"}});
  unsigned const starts = camsim.starts(camera.serial);
  EXPECT_EQ(client.get(update).body, "OK\n");
  camsim.wait_for_start(camera.serial, starts);
  EXPECT_FALSE(camsim.info(camera.serial).https_on);
}

TEST(Power, OffAndOn) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  camsim.action(camera.serial, "poweroff");
  EXPECT_EQ(curl({}, camera.http_url + kList).curl_status, kCurlCannotConnect);
  EXPECT_EQ(life(camsim, camera), "off");
  camsim.action(camera.serial, "poweron");
  EXPECT_EQ(Client(camera.http_url).get(kList).status, 200);
}

// The camera is switched off while its answer to the switch is still on its way: that must not wake it.
TEST(Power, ACameraThatIsOffStaysOff) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.http_url);
  make_certificate(client, "new");
  camsim.faults(camera.serial, R"([{"id":"F4","operation":"SetWebServerTlsConfiguration","interval_ms":10}])");
  auto choosing = std::async(std::launch::async, [&] { return choose(client, "new"); });
  auto const is_answering = [&] {
    auto const seen = camsim.operations(camera.serial);
    return std::find(seen.begin(), seen.end(), "SetWebServerTlsConfiguration") != seen.end();
  };
  while (!is_answering()) {
  }
  camsim.action(camera.serial, "poweroff");
  EXPECT_NE(choosing.get().curl_status, 0);
  unsigned const starts = camsim.starts(camera.serial);
  auto const start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(300))
    ASSERT_EQ(life(camsim, camera), "off");
  camsim.action(camera.serial, "reboot");
  EXPECT_EQ(life(camsim, camera), "off") << "nor does a reboot";
  EXPECT_EQ(camsim.starts(camera.serial), starts);
}

TEST(Snapshot, Restores) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.http_url);
  camsim.action(camera.serial, "snapshot");
  make_certificate(client, "later");
  unsigned const starts = camsim.starts(camera.serial);
  choose(client, "later");
  camsim.wait_for_start(camera.serial, starts);
  EXPECT_NE(camsim.info(camera.serial).certificate_sha256, camera.certificate_sha256);
  camsim.action(camera.serial, "restore");
  EXPECT_EQ(camsim.info(camera.serial).certificate_sha256, camera.certificate_sha256);
  EXPECT_EQ(fingerprint(served_chain(camera).at(0)), camera.certificate_sha256);
}

TEST(Keys, OthersAreServedMeanwhile) {
  Process camsim({.time_scale = 1});
  DeviceInfo const camera = camsim.add({.generation = "G7", .switches = {{"keygen_ec_ms", 5000}}});
  std::string const url = camera.https_url + "/config/rest/cert/v1/";
  Ran const ran =
      run_tool({"bash", "-c",
                "(curl -sk -u root:pass -o /dev/null " + url +
                    "create_certificate -d '{\"data\":{\"alias\":\"a\",\"subject\":\"CN=a\"}}'; echo made) & "
                    "curl -sk -u root:pass -o /dev/null " +
                    url + "keystores; echo served; wait"});
  EXPECT_EQ(ran.out, "served\nmade\n");
  EXPECT_THAT(json_text(camsim.state(camera.serial), "certificates"), HasSubstr("\"alias\":\"a\""));
}

TEST(Keys, ASecondWaitsUnlessASwitchSaysOtherwise) {
  for (bool const waits : {true, false}) {
    SCOPED_TRACE(waits);
    Process camsim({.time_scale = 1});
    DeviceInfo const camera =
        camsim.add({.generation = "G7",
                    .switches = {{"keygen_waits", waits}, {"keygen_ec_ms", 1}, {"keygen_rsa4096_ms", 600'000}}});
    auto const create = [&](char const* alias, char const* type, char const* patience) {
      return curl({"-k", "-u", "root:pass", "--max-time", patience},
                  camera.https_url + "/config/rest/cert/v1/create_certificate",
                  R"({"data":{"alias":")" + std::string(alias) + R"(","subject":"CN=a","key_type":")" + type + "\"}}")
          .status;
    };
    EXPECT_EQ(create("slow", "RSA-4096", "5"), 0);  // time enough to reach the camera
    EXPECT_EQ(create("quick", "EC-P256", waits ? "1" : "30"), waits ? 0 : 200);
  }
}

// From outside nobody can see how many primes a key has.
TEST(RealKeys, HaveTwoPrimes) {
  for (bool const real : {false, true}) {
    Loop loop;
    Keys keys(loop);
    KeyRef made;
    keys.take("RSA-2048", real, [&](KeyRef key) {
      made = std::move(key);
      loop.stop();
    });
    loop.run();
    ASSERT_NE(made, nullptr);
    BIGNUM* third = nullptr;
    EXPECT_EQ(EVP_PKEY_get_bn_param(made.get(), OSSL_PKEY_PARAM_RSA_FACTOR3, &third) == 1, !real);
    BN_clear_free(third);
    ossl::take_errors();
  }
}

TEST(RealKeys, AreMadeForTheSwitch) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3", .switches = {{"real_keygen", true}}});
  WebAnswer const made = Client(camera.http_url)
                             .soap(
                                 "<acertificates:CreateCertificate2><acertificates:Id>r</acertificates:Id>"
                                 "</acertificates:CreateCertificate2>");
  EXPECT_EQ(made.status, 200) << made.body;
  EXPECT_THAT(json_text(camsim.state(camera.serial), "certificates"), HasSubstr("\"key_type\":\"RSA-2048\""));
}

// The program ends in order while a key is being made and a client waits for it; the sanitizers look on.
TEST(Keys, TheProgramMayEndMeanwhile) {
  TemporaryFolder const folder;
  Ran const ran =
      run_tool({"bash", "-c",
                std::string(LENSCAP_BIN_DIR) + "/camsim --port-file " + folder.path("port") + " >" +
                    folder.path("out") + " & camsim=$!; while [ ! -e " + folder.path("port") +
                    " ]; do :; done; control=$(cat " + folder.path("port") +
                    "); curl -s $control/devices -d '{\"generation\":\"G3\",\"address\":\"127.9.250.1\"}' >" +
                    folder.path("device") + "; url=$(grep -o 'http://127.9.250.1:[0-9]*' " + folder.path("device") +
                    "); curl -s --digest -u root:pass $url/vapix/services --data @" +
                    folder.write("create", soap_envelope("<acertificates:CreateCertificate2><acertificates:Id>k"
                                                         "</acertificates:Id></acertificates:CreateCertificate2>")) +
                    " & until curl -s $control/devices/ACCC8EF7DE6B/journal | grep -q '\"n\":1'; do :; done; for i in "
                    "1 2 3 4 5; do curl -s $control/devices "
                    ">/dev/null; done; kill $camsim; "
                    "wait $camsim; echo end=$?"});
  EXPECT_THAT(ran.out, HasSubstr("end=0")) << ran.err;
}

}  // namespace
}  // namespace lenscap::camsim
