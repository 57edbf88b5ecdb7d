// The REST certificate API's rules and errors, and the switches that turn them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/camsim/tool.h"

namespace lenscap::camsim {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string const kApi = "/config/rest/cert/v1";

std::string create(std::string const& members) { return R"({"data":{)" + members + "}}"; }

TEST(Rest, Refusals) {
  struct {
    char const* name;
    char const* verb;
    std::string path;
    std::string body;
    int status;
    char const* code;
  } const cases[] = {
      {"unknown API", "GET", "/config/rest/nothing/v1", "", 404, "1"},
      {"unknown alias", "GET", kApi + "/certificates/x", "", 404, "1"},
      {"unknown alias to delete", "DELETE", kApi + "/certificates/x", "", 404, "1"},
      {"wrong verb", "PUT", kApi + "/certificates/x", "{}", 405, "3"},
      {"wrong verb for an action", "GET", kApi + "/create_certificate", "", 405, "3"},
      {"no JSON", "POST", kApi + "/create_certificate", "{", 400, "2"},
      {"no alias", "POST", kApi + "/create_certificate", create(R"("subject":"CN=x")"), 400, "2"},
      {"no subject", "POST", kApi + "/create_certificate", create(R"("alias":"a")"), 400, "2"},
      {"empty alias", "POST", kApi + "/create_certificate", create(R"("alias":"","subject":"CN=x")"), 400, "2"},
      {"long alias", "POST", kApi + "/create_certificate",
       create(R"("alias":")" + std::string(129, 'a') + R"(","subject":"CN=x")"), 400, "2"},
      {"bad subject", "POST", kApi + "/create_certificate", create(R"("alias":"a","subject":"cam")"), 400, "2"},
      {"bad name", "POST", kApi + "/create_certificate",
       create(R"("alias":"a","subject":"CN=x","subject_alt_names":["cam"])"), 400, "2"},
      {"unknown key type", "POST", kApi + "/create_certificate",
       create(R"("alias":"a","subject":"CN=x","key_type":"NIST-P256")"), 400, "2"},
      {"key type of another keystore", "POST", kApi + "/create_certificate",
       create(R"("alias":"a","subject":"CN=x","key_type":"RSA-1024","keystore":"TEE0")"), 400, "5"},
      {"unknown field", "POST", kApi + "/create_certificate", create(R"("alias":"a","subject":"CN=x","taste":1)"), 400,
       "2"},
      {"alias in use", "POST", kApi + "/create_certificate", create(R"("alias":"used","subject":"CN=x")"), 409, "6"},
      {"another key's certificate", "PATCH", kApi + "/certificates/used", "", 400, "7"},
      {"no PEM", "PATCH", kApi + "/certificates/used", create(R"("certificate":"x")"), 400, "2"},
      {"device ID", "PATCH", kApi + "/certificates/Axis%20device%20ID%20ECC-P256%20(802.1AR)", "", 400, "2"},
      {"device ID to delete", "DELETE", kApi + "/certificates/Axis%20device%20ID%20ECC-P256%20(802.1AR)", "", 400, "2"},
      {"get_csr without a body", "POST", kApi + "/certificates/used/get_csr", "", 400, "2"},
      {"unknown keystore", "PATCH", kApi + "/settings/keystore", R"({"data":"X"})", 400, "2"},
  };
  Process camsim;
  OpensslCa const ca;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.https_url);
  ASSERT_EQ(client.post(kApi + "/create_certificate", create(R"("alias":"used","subject":"CN=x")")).status, 200);
  std::string const foreign = json::write(json::Object{{"data", json::Object{{"certificate", ca.issuing_pem()}}}});
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    bool const patches = std::string_view(c.verb) == "PATCH" && c.body.empty();
    WebAnswer const answer = client.send(c.verb, c.path, patches ? foreign : c.body);
    EXPECT_EQ(answer.status, c.status) << answer.body;
    EXPECT_EQ(json_text(parse_json(answer.body), "status"), "error");
    EXPECT_EQ(json_text(parse_json(answer.body), "error/code"), c.code) << answer.body;
  }
  WebAnswer const hardware = client.post(
      kApi + "/create_certificate", create(R"("alias":"a","subject":"CN=x","key_type":"RSA-3072","keystore":"SE0")"));
  EXPECT_EQ(json_text(parse_json(hardware.body), "error/message"),
            "Validation error: Failed to generate key pair: This key algorithm is not supported on secure element");
  EXPECT_EQ(camsim.flags(camera.serial).unknown_element, 1);
}

TEST(Rest, StatusesThatNobodyPublished) {
  Process camsim;
  OpensslCa const ca;
  DeviceInfo const camera = camsim.add(
      {.generation = "G7", .switches = {{"rest_wrong_verb", 404}, {"rest_exists", 400}, {"rest_mismatch", 409}}});
  Client const client(camera.https_url);
  std::string const body = create(R"("alias":"a","subject":"CN=x")");
  EXPECT_EQ(client.post(kApi + "/create_certificate", body).status, 200);
  EXPECT_EQ(client.post(kApi + "/create_certificate", body).status, 400);
  EXPECT_EQ(client.send("PUT", kApi + "/certificates/a", "{}").status, 404);
  json::Object const foreign{{"certificate", ca.issuing_pem()}};
  EXPECT_EQ(client.send("PATCH", kApi + "/certificates/a", json::write(json::Object{{"data", foreign}})).status, 409);
}

TEST(Rest, LimitsOfTheHttpLayer) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.https_url);
  EXPECT_EQ(client.post(kApi + "/create_certificate", std::string(1024 * 1024 + 1, 'x')).status, 413);
  EXPECT_EQ(client.get(kApi + "/certificates/" + std::string(9000, 'x')).status, 414);
}

TEST(Rest, KeystoresAndDefaults) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.https_url);
  EXPECT_EQ(client.get(kApi + "/keystores").body,
            R"({"status":"success","data":[{"certifications":[],"id":"TEE0","key_types":["RSA-2048","RSA-4096",)"
            R"("EC-P256","EC-P384","EC-P521"],"security_level":"TRUSTED_ENVIRONMENT"},{"certifications":["CC EAL6+"],)"
            R"("id":"SE0","key_types":["RSA-1024","RSA-2048","RSA-4096","EC-P256","EC-P384","EC-P521"],)"
            R"("security_level":"STRONG"}]})");
  EXPECT_EQ(client.get(kApi + "/settings/keystore").body, R"({"status":"success","data":"SE0"})");
  EXPECT_EQ(client.send("PATCH", kApi + "/settings/keystore", R"({"data":"TEE0"})").status, 200);
  client.post(kApi + "/create_certificate", create(R"("alias":"a","subject":"CN=x")"));
  EXPECT_EQ(json_text(parse_json(client.get(kApi + "/certificates/a").body), "data/keystore"), "TEE0");
}

TEST(Rest, EveryKeyType) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.https_url);
  struct {
    char const* type;
    char const* shown;
  } const cases[] = {{"EC-P256", "prime256v1"},
                     {"EC-P384", "secp384r1"},
                     {"EC-P521", "secp521r1"},
                     {"RSA-2048", "(2048 bit"},
                     {"RSA-4096", "(4096 bit"}};
  for (auto const& c : cases) {
    std::string const alias = c.type;
    EXPECT_EQ(client
                  .post(kApi + "/create_certificate",
                        create(R"("alias":")" + alias + R"(","subject":"CN=x","key_type":")" + c.type + "\""))
                  .status,
              200);
    std::string const csr =
        json_text(parse_json(client.post(kApi + "/certificates/" + alias + "/get_csr", R"({"data":{}})").body), "data");
    Ran const shown = run_tool({"openssl", "req", "-noout", "-verify", "-text"}, csr);
    EXPECT_EQ(shown.status, 0) << c.type;
    EXPECT_THAT(shown.out, HasSubstr(c.shown));
  }
}

// A field left out is copied from the certificate, an empty one is left out of the request.
TEST(Rest, FieldsOfACsr) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.https_url);
  client.post(kApi + "/create_certificate",
              create(R"("alias":"a","subject":"CN=made","subject_alt_names":["DNS:made.example"])"));
  struct {
    char const* body;
    char const* subject;
    char const* name;
  } const cases[] = {{"", "CN = made", "DNS:made.example"},
                     {R"("subject":"CN=other")", "CN = other", "DNS:made.example"},
                     {R"("subject":"")", "Subject: \n", "DNS:made.example"},
                     {R"("subject_alt_names":[])", "CN = made", nullptr},
                     {R"("subject_alt_names":["IP:192.0.2.7","DNS:b"])", "CN = made", "IP Address:192.0.2.7, DNS:b"}};
  for (auto const& c : cases) {
    SCOPED_TRACE(c.body);
    WebAnswer const answer = client.post(kApi + "/certificates/a/get_csr", create(c.body));
    std::string const text =
        run_tool({"openssl", "req", "-noout", "-text"}, json_text(parse_json(answer.body), "data")).out;
    EXPECT_THAT(text, HasSubstr(c.subject));
    if (c.name == nullptr)
      EXPECT_THAT(text, Not(HasSubstr("Alternative")));
    else
      EXPECT_THAT(text, HasSubstr(c.name));
  }
  camsim.switches(camera.serial, {{"csr_names_copied", false}});
  WebAnswer const bare = client.post(kApi + "/certificates/a/get_csr", create(""));
  EXPECT_THAT(run_tool({"openssl", "req", "-noout", "-text"}, json_text(parse_json(bare.body), "data")).out,
              Not(HasSubstr("Alternative")));
}

struct ChainCase {
  char const* position;
  int status;
  std::size_t served;
};
void PrintTo(ChainCase const& c, std::ostream* out) { *out << c.position; }
class ChainPatch : public testing::TestWithParam<ChainCase> {};

TEST_P(ChainPatch, ServedAfterwards) {
  Process camsim;
  OpensslCa const ca;
  DeviceInfo const camera = camsim.add({.generation = "G7", .switches = {{"chain_patch", GetParam().position}}});
  Client const client(camera.https_url);
  client.post(kApi + "/create_certificate", create(R"("alias":"a","subject":"CN=x")"));
  std::string const csr = json_text(parse_json(client.post(kApi + "/certificates/a/get_csr", create("")).body), "data");
  std::string const leaf = ca.sign(csr, "DNS:x");
  json::Object const whole{{"certificate", leaf + ca.issuing_pem()}};
  EXPECT_EQ(client.send("PATCH", kApi + "/certificates/a", json::write(json::Object{{"data", whole}})).status,
            GetParam().status);
  if (GetParam().status != 200) return;
  std::string const present = client.soap("<aweb:GetWebServerTlsConfiguration/>").body;
  unsigned const starts = camsim.starts(camera.serial);
  client.soap(
      "<aweb:SetWebServerTlsConfiguration><aweb:Configuration><aweb:Tls>true</aweb:Tls>"
      "<aweb:ConnectionPolicies><aweb:Admin>HttpAndHttps</aweb:Admin></aweb:ConnectionPolicies><aweb:Ciphers>" +
      between(present, "<aweb:Ciphers>", "</aweb:Ciphers>") +
      "</aweb:Ciphers><aweb:CertificateSet><acert:Certificates><acert:Id>a</acert:Id></acert:Certificates>"
      "</aweb:CertificateSet></aweb:Configuration></aweb:SetWebServerTlsConfiguration>");
  camsim.wait_for_start(camera.serial, starts);
  EXPECT_EQ(served_chain(camera).size(), GetParam().served);
}

INSTANTIATE_TEST_SUITE_P(Switch, ChainPatch,
                         testing::Values(ChainCase{"accept_serve", 200, 2}, ChainCase{"accept_leaf_only", 200, 1},
                                         ChainCase{"reject", 400, 0}),
                         [](auto const& c) { return std::string(c.param.position); });

TEST(Rest, PatchOfTheServedCertificate) {
  Process camsim;
  OpensslCa const ca;
  for (bool const reload : {true, false}) {
    DeviceInfo const camera = camsim.add({.generation = "G6", .switches = {{"reload_on_patch", reload}}});
    Client const client(camera.https_url);
    std::string const entity = kApi + "/certificates/Default(self-signed)";
    std::string const csr = json_text(parse_json(client.post(entity + "/get_csr", create("")).body), "data");
    std::string const leaf = ca.sign(csr, "DNS:x");
    unsigned const starts = camsim.starts(camera.serial);
    json::Object const data{{"certificate", leaf}};
    EXPECT_EQ(client.send("PATCH", entity, json::write(json::Object{{"data", data}})).status, 200);
    if (reload) camsim.wait_for_start(camera.serial, starts);
    auto const patched = std::chrono::steady_clock::now();
    while (!reload && std::chrono::steady_clock::now() - patched < std::chrono::milliseconds(200))
      ASSERT_EQ(camsim.starts(camera.serial), starts) << "the web server does not restart";
    EXPECT_EQ(camsim.info(camera.serial).certificate_sha256, reload ? fingerprint(leaf) : camera.certificate_sha256);
  }
}

TEST(Rest, DeleteOfTheServedCertificate) {
  Process camsim;
  DeviceInfo const strict = camsim.add({.generation = "G6", .switches = {{"delete_in_use_rest", "conflict"}}});
  std::string const entity = kApi + "/certificates/Default(self-signed)";
  EXPECT_EQ(Client(strict.https_url).send("DELETE", entity, "").status, 409);
  DeviceInfo const lax = camsim.add({.generation = "G6"});
  unsigned const starts = camsim.starts(lax.serial);
  EXPECT_EQ(Client(lax.https_url).send("DELETE", entity, "").status, 200);
  camsim.wait_for_start(lax.serial, starts);
  EXPECT_FALSE(camsim.info(lax.serial).https_on);
}

TEST(Rest, UploadWithAKeyIsFlaggedAndNotJournalled) {
  Process camsim;
  TemporaryFolder const folder;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  std::string const certificate = run_tool({"openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt",
                                            "ec_paramgen_curve:P-256", "-keyout", folder.path("key"), "-subj", "/CN=x"})
                                      .out;
  std::string const key = run_tool({"openssl", "pkey", "-in", folder.path("key")}).out;
  json::Object const data{{"alias", "up"}, {"certificate", certificate}, {"private_key", key}};
  WebAnswer const answer =
      Client(camera.https_url).post(kApi + "/certificates", json::write(json::Object{{"data", data}}));
  EXPECT_EQ(answer.status, 201);
  EXPECT_GE(camsim.flags(camera.serial).private_key_received, 1);
  EXPECT_THAT(json::write(camsim.journal(camera.serial)), Not(HasSubstr(key.substr(30, 40))));
}

TEST(Rest, CaCertificates) {
  Process camsim;
  OpensslCa const ca;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.https_url);
  json::Object const data{{"alias", "issuing"}, {"certificate", ca.issuing_pem()}};
  std::string const body = json::write(json::Object{{"data", data}});
  EXPECT_EQ(client.post(kApi + "/ca_certificates", body).status, 201);
  EXPECT_EQ(client.post(kApi + "/ca_certificates", body).status, 409);
  EXPECT_EQ(client.post(kApi + "/create_certificate", create(R"("alias":"issuing","subject":"CN=x")")).status, 409)
      << "one name space";
  EXPECT_EQ(json_text(parse_json(client.get(kApi + "/ca_certificates/issuing").body), "data/certificate"),
            ca.issuing_pem());
  EXPECT_EQ(client.send("DELETE", kApi + "/ca_certificates/issuing", "").status, 200);
  EXPECT_EQ(client.get(kApi + "/ca_certificates/issuing").status, 404);
}

TEST(Rest, VerbsAndPathOfTheBeta) {
  Process camsim;
  DeviceInfo const camera = camsim.add(
      {.generation = "G6", .switches = {{"rest", "v1beta"}, {"rest_set_verb", "PUT"}, {"discover", "beta"}}});
  Client const client(camera.https_url);
  std::string const api = json_text(parse_json(client.get("/config/discover").body), "apis/cert/v1/rest_api");
  EXPECT_EQ(api, "/config/rest/cert/v1beta");
  EXPECT_EQ(client.get(kApi + "/certificates").status, 404);
  EXPECT_EQ(client.send("PUT", api + "/create_certificate", create(R"("alias":"a","subject":"CN=x")")).status, 200);
  EXPECT_EQ(client.post(api + "/create_certificate", create(R"("alias":"b","subject":"CN=x")")).status, 405);
}

}  // namespace
}  // namespace lenscap::camsim
