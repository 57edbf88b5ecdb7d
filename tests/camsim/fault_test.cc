// Every fault, seen by curl from outside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/camsim/tool.h"

namespace lenscap::camsim {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char const* kList = "/axis-cgi/param.cgi?action=list&group=Brand";
constexpr int kCurlCannotConnect = 7;
constexpr int kCurlTimeout = 28;
constexpr int kCurlEmptyReply = 52;
constexpr int kCurlReceiveError = 56;
constexpr int kCurlPartialFile = 18;

TEST(Fault, RefusesConnections) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  camsim.faults(camera.serial, R"([{"id":"F1","listener":"https"}])");
  EXPECT_EQ(curl({"-k"}, camera.https_url + kList).curl_status, kCurlCannotConnect);
  EXPECT_EQ(Client(camera.http_url).get(kList).status, 200);
  camsim.faults(camera.serial, R"([{"id":"F1"}])");
  EXPECT_EQ(curl({}, camera.http_url + kList).curl_status, kCurlCannotConnect);
  camsim.faults(camera.serial, "[]");
  EXPECT_EQ(Client(camera.https_url).get(kList).status, 200);
}

TEST(Fault, RefusesConnectionsAfterAnOperation) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  camsim.faults(camera.serial, R"([{"id":"F1","operation":"GET keystores"}])");
  Client const client(camera.http_url);
  EXPECT_EQ(client.get(kList).status, 200);
  EXPECT_EQ(client.get("/config/rest/cert/v1/keystores").status, 200);
  (void)camsim.state(camera.serial);  // answered by whoever closes the ports after that answer
  EXPECT_EQ(client.get(kList).curl_status, kCurlCannotConnect);
}

TEST(Fault, NeverAnswers) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  camsim.faults(camera.serial, R"([{"id":"F2"}])");
  EXPECT_EQ(curl({"--max-time", "0.5"}, camera.http_url + kList).curl_status, kCurlTimeout);
}

TEST(Fault, ResetsAfterSomeOctets) {
  Process camsim;
  for (bool const tls : {false, true}) {
    DeviceInfo const camera = camsim.add({.generation = "G7"});
    camsim.faults(camera.serial, R"([{"id":"F3","operation":"param.list","bytes":40,"count":1}])");
    Client const client(tls ? camera.https_url : camera.http_url);
    WebAnswer const cut = client.get(kList);
    EXPECT_THAT(cut.curl_status, testing::AnyOf(kCurlReceiveError, kCurlPartialFile, kCurlEmptyReply));
    EXPECT_THAT(cut.body, IsEmpty());
    EXPECT_EQ(client.get(kList).status, 200) << "once, as counted";
  }
}

TEST(Fault, Drips) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  camsim.faults(camera.serial, R"([{"id":"F4","interval_ms":2}])");
  auto const start = std::chrono::steady_clock::now();
  WebAnswer const whole = curl({}, camera.http_url + kList);
  EXPECT_EQ(whole.status, 401) << "the faults of every request strike before login";
  EXPECT_GE(std::chrono::steady_clock::now() - start, 2 * std::chrono::milliseconds(whole.body.size()));
  camsim.faults(camera.serial, R"([{"id":"F4","interval_ms":1000}])");
  EXPECT_EQ(curl({"--max-time", "1.5"}, camera.http_url + kList).curl_status, kCurlTimeout);
}

TEST(Fault, HttpErrors) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.https_url);
  for (int const status : {500, 502, 503}) {
    camsim.faults(camera.serial, R"([{"id":"F5","operation":"POST create_certificate","count":2,"skip":1,"status":)" +
                                     std::to_string(status) + "}]");
    std::string const alias = "a" + std::to_string(status);
    auto const create = [&](char const* more) {
      return client
          .post("/config/rest/cert/v1/create_certificate",
                R"({"data":{"alias":")" + alias + more + R"(","subject":"CN=x"}})")
          .status;
    };
    EXPECT_EQ(create("0"), 200) << "skipped";
    EXPECT_EQ(create("1"), status);
    EXPECT_EQ(create("1"), status);
    EXPECT_EQ(create("1"), 200) << "nothing was done before, so the alias is free";
  }
}

TEST(Fault, Garbage) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.http_url);
  camsim.faults(camera.serial, R"([{"id":"F6","operation":"GetCertificates","count":1},
                                   {"id":"F6","operation":"GET keystores","body":"{\"status\":"}])");
  EXPECT_THAT(client.soap("<tds:GetCertificates/>").body, Not(HasSubstr("Envelope")));
  EXPECT_EQ(client.get("/config/rest/cert/v1/keystores").body, "{\"status\":");
  EXPECT_THAT(client.soap("<tds:GetCertificates/>").body, HasSubstr("Envelope"));
}

TEST(Fault, HugeAnswer) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  camsim.faults(camera.serial, R"([{"id":"F7","operation":"GetCertificates"}])");
  WebAnswer const answer = Client(camera.http_url).soap("<tds:GetCertificates/>");
  EXPECT_EQ(answer.body.size(), 64U * 1024 * 1024);
}

TEST(Fault, DocumentTypeWithEntities) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  camsim.faults(camera.serial, R"([{"id":"F8","operation":"GetCertificates"}])");
  EXPECT_THAT(Client(camera.http_url).soap("<tds:GetCertificates/>").body, HasSubstr("<!DOCTYPE x [<!ENTITY"));
}

TEST(Fault, InstallStoresNothingOrRefuses) {
  Process camsim;
  OpensslCa const ca;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.https_url);
  std::string const entity = "/config/rest/cert/v1/certificates/a";
  client.post("/config/rest/cert/v1/create_certificate", R"({"data":{"alias":"a","subject":"CN=x"}})");
  std::string const before = json_text(parse_json(client.get(entity).body), "data/certificate");
  std::string const csr = json_text(parse_json(client.post(entity + "/get_csr", R"({"data":{}})").body), "data");
  std::string const leaf = ca.sign(csr, "DNS:x");
  std::string const patch = json::write(json::Object{{"data", json::Object{{"certificate", leaf}}}});
  std::string const load =
      "<tds:LoadCertificates><tds:NVTCertificate><tt:CertificateID>a</tt:CertificateID><tt:Certificate><tt:Data>" +
      base64_of_pem(leaf) + "</tt:Data></tt:Certificate></tds:NVTCertificate></tds:LoadCertificates>";

  camsim.faults(camera.serial, R"([{"id":"F23"}])");
  EXPECT_EQ(client.send("PATCH", entity, patch).status, 200);
  EXPECT_EQ(client.soap(load).status, 200);
  EXPECT_EQ(json_text(parse_json(client.get(entity).body), "data/certificate"), before);

  camsim.faults(camera.serial, R"([{"id":"F24"}])");
  WebAnswer const refused = client.send("PATCH", entity, patch);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(json_text(parse_json(refused.body), "error/code"), "7");
  EXPECT_THAT(client.soap(load).body, HasSubstr("CertificateFormatFault"));

  camsim.faults(camera.serial, "[]");
  EXPECT_EQ(client.send("PATCH", entity, patch).status, 200);
  EXPECT_EQ(fingerprint(json_text(parse_json(client.get(entity).body), "data/certificate")), fingerprint(leaf));
}

// The faults of the TLS switch; each with what is served afterwards.
struct SwitchCase {
  char const* name;
  char const* fault;
  bool answered;
  char const* served;  // "new", "old", "nothing", "factory"
};
void PrintTo(SwitchCase const& c, std::ostream* out) { *out << c.name; }
class TlsSwitch : public testing::TestWithParam<SwitchCase> {};

TEST_P(TlsSwitch, LeavesBehind) {
  SwitchCase const& c = GetParam();
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G6"});
  Client const client(camera.http_url);
  auto const choose = [&](std::string const& alias) {
    unsigned const starts = camsim.starts(camera.serial);
    WebAnswer const answer = client.soap(
        "<aweb:SetWebServerTlsConfiguration><aweb:Configuration><aweb:Tls>true</aweb:Tls><aweb:ConnectionPolicies>"
        "<aweb:Admin>HttpAndHttps</aweb:Admin></aweb:ConnectionPolicies><aweb:Ciphers><acert:Cipher>"
        "ECDHE-ECDSA-AES128-GCM-SHA256</acert:Cipher></aweb:Ciphers><aweb:CertificateSet><acert:Certificates>"
        "<acert:Id>" +
        alias +
        "</acert:Id></acert:Certificates></aweb:CertificateSet></aweb:Configuration>"
        "</aweb:SetWebServerTlsConfiguration>");
    camsim.wait_for_start(camera.serial, starts);
    return answer;
  };
  for (char const* alias : {"old", "new"})
    client.post("/config/rest/cert/v1/create_certificate",
                R"({"data":{"alias":")" + std::string(alias) + R"(","subject":"CN=x"}})");
  auto const fingerprint_of = [&](std::string const& alias) {
    WebAnswer const got = client.get("/config/rest/cert/v1/certificates/" + alias);
    return fingerprint(json_text(parse_json(got.body), "data/certificate"));
  };
  ASSERT_EQ(choose("old").status, 200);
  camsim.faults(camera.serial, c.fault);
  WebAnswer const answer = choose("new");
  EXPECT_EQ(answer.status, c.answered ? 200 : 401) << "of curl's two requests the first one was answered";
  EXPECT_EQ(answer.curl_status == 0, c.answered);
  std::string const served = camsim.info(camera.serial).certificate_sha256;
  std::string const wanted = c.served;
  if (wanted == "nothing") {
    EXPECT_EQ(served, "");
    EXPECT_EQ(curl({"-k"}, camera.https_url + kList).curl_status, kCurlCannotConnect);
  } else {
    EXPECT_EQ(served, wanted == "factory" ? fingerprint_of("Default(self-signed)") : fingerprint_of(wanted));
    EXPECT_EQ(fingerprint(served_chain(camera).at(0)), served);
  }
  camsim.faults(camera.serial, "[]");
  EXPECT_EQ(choose("old").status, 200) << "the way back leads over HTTP";
  EXPECT_EQ(camsim.info(camera.serial).certificate_sha256, fingerprint_of("old"));
}

INSTANTIATE_TEST_SUITE_P(
    Faults, TlsSwitch,
    testing::Values(
        SwitchCase{"None", "[]", true, "new"}, SwitchCase{"OldStaysServed", R"([{"id":"F25","count":1}])", true, "old"},
        SwitchCase{"HttpsNeverComesBack", R"([{"id":"F26","count":1}])", true, "nothing"},
        SwitchCase{"FactoryCertificateComesBack", R"([{"id":"F27","count":1}])", true, "factory"},
        SwitchCase{"AnswerIsLost", R"([{"id":"F28","operation":"SetWebServerTlsConfiguration"}])", false, "new"},
        SwitchCase{"RebootAfter", R"([{"id":"F33","operation":"SetWebServerTlsConfiguration"}])", false, "new"},
        SwitchCase{"RebootBefore", R"([{"id":"F33","operation":"SetWebServerTlsConfiguration","when":"before"}])",
                   false, "old"}),
    [](auto const& c) { return std::string(c.param.name); });

TEST(Fault, LongGap) {
  Process camsim({.time_scale = 0.01});
  DeviceInfo const camera = camsim.add({.generation = "G7", .switches = {{"restart_ms", 1}}});
  camsim.faults(camera.serial, R"([{"id":"F29","seconds":600}])");
  Client const client(camera.http_url);
  unsigned const starts = camsim.starts(camera.serial);
  client.get("/axis-cgi/param.cgi?action=update&HTTPS.Enabled=no");
  while (json_text(camsim.state(camera.serial), "life") != "restarting")
    ASSERT_EQ(camsim.starts(camera.serial), starts) << "the gap was missed";
  EXPECT_EQ(client.get(kList).curl_status, kCurlCannotConnect) << "6 s of gap at this scale";
  camsim.wait_for_start(camera.serial, starts);
}

TEST(Fault, ProbabilityIsSeeded) {
  std::vector<std::string> runs;
  for (int run = 0; run < 2; ++run) {
    Process camsim({.seed = 7});
    DeviceInfo const camera = camsim.add({.generation = "G7"});
    camsim.faults(camera.serial, R"([{"id":"F5","probability":0.5}])");
    std::string statuses;
    for (int i = 0; i < 12; ++i) statuses += curl({}, camera.http_url + kList).status == 503 ? "x" : ".";
    runs.push_back(statuses);
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_THAT(runs[0], HasSubstr("x"));
  EXPECT_THAT(runs[0], HasSubstr("."));
}

// A switch that has nothing to do with TLS does not put right what a fault left behind.
TEST(Fault, StaysWhenAnotherSwitchIsSet) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  camsim.faults(camera.serial, R"([{"id":"F26","count":1}])");
  Client const client(camera.http_url);
  unsigned const starts = camsim.starts(camera.serial);
  EXPECT_EQ(client
                .soap("<acertificates:SetCertSet><acertificates:CertSetName>WebServer</acertificates:CertSetName>"
                      "<acertificates:CertSet><acert:Certificates><acert:Id>Default(self-signed)</acert:Id>"
                      "</acert:Certificates></acertificates:CertSet></acertificates:SetCertSet>")
                .status,
            200);
  camsim.wait_for_start(camera.serial, starts);
  EXPECT_FALSE(camsim.info(camera.serial).https_on);
  camsim.switches(camera.serial, {{"nonce_count", false}});
  EXPECT_FALSE(camsim.info(camera.serial).https_on);
  camsim.switches(camera.serial, {{"ca_set_served", false}});
  EXPECT_TRUE(camsim.info(camera.serial).https_on) << "what TLS serves is loaded anew";
}

TEST(Fault, UnknownOnesAreRefused) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  for (char const* list :
       {R"([{"id":"F99"}])", R"([{"id":"F5","stauts":1}])", R"({"id":"F5"})", R"(["F5"])", "[",
        R"([{"id":"F1","listener":"ftp"}])", R"([{"id":"F33","operation":"restart","when":"during"}])",
        R"([{"id":"F5","operation":"GetCertificate"}])", R"([{"id":"F5","operation":"PATCH certificates"},{}])",
        R"([{"id":"F5","operation":"PATCH certificates/{id}"}])", R"([{"id":"F5","operation":"params.list"}])"})
    EXPECT_EQ(camsim.call("PUT", "/devices/" + camera.serial + "/faults", list).status, 400) << list;
}

}  // namespace
}  // namespace lenscap::camsim
