// The whole way of a certificate on every generation, walked with curl and openssl alone: the key is made in the
// camera, a CA of openssl's signs its request, the camera gets the certificate and serves it, and curl and openssl
// prove it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/camsim/tool.h"

namespace lenscap::camsim {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::string policies_of(std::string const& generation) {
  std::string text = "<aweb:Admin>HttpAndHttps</aweb:Admin>";
  if (generation == "G1") text += "<aweb:Operator>HttpAndHttps</aweb:Operator><aweb:Viewer>HttpAndHttps</aweb:Viewer>";
  return text;
}

// The present configuration with another certificate: ciphers are sent back as they were read.
std::string configuration_with(Client const& client, std::string const& generation, std::string const& id) {
  std::string const present = client.soap("<aweb:GetWebServerTlsConfiguration/>").body;
  std::string const ciphers = between(present, "<aweb:Ciphers>", "</aweb:Ciphers>");
  EXPECT_THAT(ciphers, HasSubstr("<acert:Cipher>"));
  return "<aweb:SetWebServerTlsConfiguration><aweb:Configuration><aweb:Tls>true</aweb:Tls><aweb:ConnectionPolicies>" +
         policies_of(generation) + "</aweb:ConnectionPolicies><aweb:Ciphers>" + ciphers +
         "</aweb:Ciphers><aweb:CertificateSet><acert:Certificates><acert:Id>" + id +
         "</acert:Id></acert:Certificates><acert:CACertificates/><acert:TrustedCertificates/></aweb:CertificateSet>"
         "</aweb:Configuration></aweb:SetWebServerTlsConfiguration>";
}

void choose(Process& camsim, DeviceInfo const& camera, Client const& client, std::string const& id) {
  unsigned const starts = camsim.starts(camera.serial);
  WebAnswer const answer = client.soap(configuration_with(client, camera.generation, id));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr("<aweb:SetWebServerTlsConfigurationResponse/>"));
  camsim.wait_for_start(camera.serial, starts);
}

std::string names_of(DeviceInfo const& camera) { return "DNS:cam.example,IP:" + camera.address; }

// What the camera serves is `leaf`, and strangers with the CA's files agree, by address and by name.
void expect_served(Process& camsim, DeviceInfo const& camera, OpensslCa const& ca, std::string const& leaf,
                   std::string const& id, std::size_t chain_size) {
  std::vector<std::string> const chain = served_chain(camera);
  ASSERT_THAT(chain, SizeIs(chain_size));
  EXPECT_EQ(fingerprint(chain.front()), fingerprint(leaf));
  EXPECT_EQ(camsim.info(camera.serial).certificate_sha256, fingerprint(leaf));
  std::string const port = std::to_string(camera.https_port);
  std::string const path = "/axis-cgi/param.cgi?action=list&group=Brand";
  std::string const trusted = chain_size > 1 ? ca.root_file() : ca.bundle_file();
  for (std::string const& host : {camera.address, std::string("cam.example")}) {
    WebAnswer const answer = curl({"--anyauth", "-u", "root:pass", "--cacert", trusted, "--resolve",
                                   "cam.example:" + port + ":" + camera.address},
                                  "https://" + host + ":" + port + path);
    EXPECT_EQ(answer.status, 200) << host;
  }
  EXPECT_NE(curl({"--cacert", trusted, "--resolve", "other.example:" + port + ":" + camera.address},
                 "https://other.example:" + port + path)
                .curl_status,
            0)
      << "the name is not in the certificate";
  std::string const status = Client(camera.http_url).soap("<tds:GetCertificatesStatus/>").body;
  EXPECT_THAT(status, HasSubstr("<tt:CertificateID>" + id + "</tt:CertificateID><tt:Status>true</tt:Status>"));
  EXPECT_EQ(status.find("<tt:Status>true"), status.rfind("<tt:Status>true")) << "exactly one is in use";
}

class SoapEnrolment : public testing::TestWithParam<char const*> {};

TEST_P(SoapEnrolment, KeyMadeInTheCamera) {
  Process camsim;
  OpensslCa const ca;
  DeviceInfo const camera = camsim.add({.generation = GetParam()});
  Client const client(camera.http_url);

  WebAnswer const created = client.soap(
      "<acertificates:CreateCertificate2><acertificates:Id>new-1</acertificates:Id><acertificates:Subject>"
      "<acert:CN>cam.example</acert:CN></acertificates:Subject></acertificates:CreateCertificate2>");
  ASSERT_EQ(created.status, 200) << created.body;
  std::string const self_signed = between(created.body, "<acertificates:Certificate>", "</acertificates:Certificate>");
  EXPECT_EQ(self_signed.find('\n'), std::string::npos) << "bare base64 in one line";

  WebAnswer const requested = client.soap(
      "<acertificates:GetPkcs10Request2><acertificates:Id>new-1</acertificates:Id></acertificates:GetPkcs10Request2>");
  std::string const csr = pem_of("CERTIFICATE REQUEST", between(requested.body, "<acertificates:Pkcs10Request>",
                                                                "</acertificates:Pkcs10Request>"));
  Ran const shown = run_tool({"openssl", "req", "-noout", "-verify", "-subject", "-text"}, csr);
  EXPECT_EQ(shown.status, 0);
  EXPECT_THAT(shown.out, HasSubstr("subject=CN = cam.example"));
  EXPECT_EQ(shown.out.find("Alternative"), std::string::npos) << "SOAP requests hold no names but the CN";

  std::string const leaf = ca.sign(csr, names_of(camera));
  WebAnswer const loaded = client.soap(
      "<tds:LoadCertificates><tds:NVTCertificate><tt:CertificateID>new-1</tt:CertificateID><tt:Certificate><tt:Data>" +
      base64_of_pem(leaf) + "</tt:Data></tt:Certificate></tds:NVTCertificate></tds:LoadCertificates>");
  EXPECT_EQ(loaded.status, 200) << loaded.body;
  choose(camsim, camera, client, "new-1");
  expect_served(camsim, camera, ca, leaf, "new-1", 1);
  EXPECT_EQ(camsim.flags(camera.serial), Flags{});
}

INSTANTIATE_TEST_SUITE_P(Generations, SoapEnrolment, testing::Values("G1", "G2", "G3", "G4", "G6", "G7"),
                         [](auto const& generation) { return std::string(generation.param); });

class RestEnrolment : public testing::TestWithParam<char const*> {};

TEST_P(RestEnrolment, KeyMadeInTheCameraAndChainServed) {
  Process camsim;
  OpensslCa const ca;
  DeviceInfo const camera = camsim.add({.generation = GetParam()});
  Client const client(camera.https_url);
  std::string const api = json_text(parse_json(client.get("/config/discover/apis/cert").body), "cert/v1/rest_api");
  ASSERT_EQ(api, "/config/rest/cert/v1");

  WebAnswer const created = client.post(
      api + "/create_certificate",
      R"({"data":{"alias":"new 1/ä","subject":"CN=cam.example,O=Acme\\, Inc","subject_alt_names":["DNS:cam.example","IP:)" +
          camera.address + R"("],"key_type":"EC-P256"}})");
  ASSERT_EQ(created.status, 200) << created.body;
  EXPECT_EQ(created.body, R"({"status":"success"})");
  std::string const entity = api + "/certificates/new%201%2F%C3%A4";
  std::string const csr = json_text(parse_json(client.post(entity + "/get_csr", R"({"data":{}})").body), "data");
  Ran const shown = run_tool({"openssl", "req", "-noout", "-verify", "-text"}, csr);
  EXPECT_THAT(shown.out, HasSubstr("O = \"Acme, Inc\", CN = cam.example")) << "text forms run the other way round";
  EXPECT_THAT(shown.out, HasSubstr("DNS:cam.example, IP Address:" + camera.address));

  std::string const leaf = ca.sign(csr, names_of(camera));
  json::Object const chain{{"certificate", leaf + ca.issuing_pem()}};
  WebAnswer const patched = client.send("PATCH", entity, json::write(json::Object{{"data", chain}}));
  EXPECT_EQ(patched.status, 200) << patched.body;
  EXPECT_THAT(json_text(parse_json(client.get(entity).body), "data/certificate"), HasSubstr(leaf));
  choose(camsim, camera, client, "new 1/ä");
  expect_served(camsim, camera, ca, leaf, "new 1/ä", 2);
  EXPECT_EQ(camsim.flags(camera.serial), Flags{});
}

INSTANTIATE_TEST_SUITE_P(Generations, RestEnrolment, testing::Values("G6", "G7"),
                         [](auto const& generation) { return std::string(generation.param); });

TEST(Enrolment, EveryTwoObjectsShareOneStore) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.https_url);
  client.post("/config/rest/cert/v1/create_certificate", R"({"data":{"alias":"both","subject":"CN=x"}})");
  EXPECT_THAT(client.soap("<tds:GetCertificates/>").body, HasSubstr("<tt:CertificateID>both</tt:CertificateID>"));
  EXPECT_EQ(client.soap("<tds:DeleteCertificates><tds:CertificateID>both</tds:CertificateID></tds:DeleteCertificates>")
                .status,
            200);
  EXPECT_EQ(client.get("/config/rest/cert/v1/certificates/both").status, 404);
}

}  // namespace
}  // namespace lenscap::camsim
