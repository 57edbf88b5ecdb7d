// The SOAP service's rules and faults, and the switches that turn them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/camsim/tool.h"

namespace lenscap::camsim {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string create(std::string const& id) {
  return "<acertificates:CreateCertificate2><acertificates:Id>" + id +
         "</acertificates:Id><acertificates:Subject><acert:C>SE</acert:C><acert:ST /><acert:CN>cam</acert:CN>"
         "</acertificates:Subject></acertificates:CreateCertificate2>";
}
std::string remove(std::string const& id) {
  return "<tds:DeleteCertificates><tds:CertificateID>" + id + "</tds:CertificateID></tds:DeleteCertificates>";
}
std::string set_tls(std::string const& inner) {
  return "<aweb:SetWebServerTlsConfiguration><aweb:Configuration>" + inner +
         "</aweb:Configuration></aweb:SetWebServerTlsConfiguration>";
}
std::string const kSet =
    "<aweb:CertificateSet><acert:Certificates><acert:Id>Default(self-signed)</acert:Id>"
    "</acert:Certificates></aweb:CertificateSet>";
std::string const kCiphers = "<aweb:Ciphers><acert:Cipher>AES256-SHA</acert:Cipher></aweb:Ciphers>";
std::string const kAdmin = "<aweb:ConnectionPolicies><aweb:Admin>HttpAndHttps</aweb:Admin></aweb:ConnectionPolicies>";
std::string const kOn = "<aweb:Tls>true</aweb:Tls>";

TEST(Soap, Refusals) {
  struct {
    char const* name;
    std::string body;
    int status;
    char const* text;
  } const cases[] = {
      {"no envelope", "nonsense", 400, "ter:WellFormed"},
      {"empty id", create(""), 400, "Invalid ID"},
      {"id of the factory's", create("Default(self-signed)"), 400, "CertificateIdInUseFault"},
      {"unknown id for a request",
       "<acertificates:GetPkcs10Request2><acertificates:Id>x</acertificates:Id></acertificates:GetPkcs10Request2>", 400,
       "Invalid ID"},
      {"unknown id to delete", remove("x"), 400, "Invalid ID"},
      {"served certificate", remove("Default(self-signed)"), 400, "Certificate in use"},
      {"unknown id to describe",
       "<tds:GetCertificateInformation><tds:CertificateID>x</tds:CertificateID></tds:GetCertificateInformation>", 400,
       "Invalid ID"},
      {"bad certificate",
       "<tds:LoadCertificates><tds:NVTCertificate><tt:CertificateID>x</tt:CertificateID><tt:Certificate><tt:Data>AAAA"
       "</tt:Data></tt:Certificate></tds:NVTCertificate></tds:LoadCertificates>",
       400, "CertificateFormatFault"},
      {"bad CA certificate",
       "<tds:LoadCACertificates><tds:CACertificate><tt:CertificateID>x</tt:CertificateID><tt:Certificate><tt:Data>!"
       "</tt:Data></tt:Certificate></tds:CACertificate></tds:LoadCACertificates>",
       400, "CertificateFormatFault"},
      {"bad date",
       "<acertificates:CreateCertificate2><acertificates:Id>d</acertificates:Id><acertificates:ValidNotBefore>soon"
       "</acertificates:ValidNotBefore></acertificates:CreateCertificate2>",
       400, "Invalid date"},
      {"Tls is no bool", set_tls("<aweb:Tls>perhaps</aweb:Tls>" + kAdmin + kCiphers + kSet), 400, "InvalidArgVal"},
      {"no cipher", set_tls(kOn + kAdmin + "<aweb:Ciphers/>" + kSet), 400, "No cipher"},
      {"unknown cipher",
       set_tls(kOn + kAdmin + "<aweb:Ciphers><acert:Cipher>NULL-MD5</acert:Cipher></aweb:Ciphers>" + kSet), 400,
       "NULL-MD5"},
      {"unknown policy",
       set_tls(kOn + "<aweb:ConnectionPolicies><aweb:Admin>Maybe</aweb:Admin></aweb:ConnectionPolicies>" + kCiphers +
               kSet),
       400, "A policy is"},
      {"no certificate", set_tls(kOn + kAdmin + kCiphers), 400, "One certificate"},
      {"unknown set",
       "<acertificates:GetCertSet><acertificates:CertSetName>Nothing</acertificates:CertSetName>"
       "</acertificates:GetCertSet>",
       400, "Invalid cert set"},
      {"wrong element", "<tds:GetCertificates><tds:Extra/></tds:GetCertificates>", 400, "Tag mismatch"},
      {"silent fault", "<tds:GetDot1XConfigurations/>", 400, "<SOAP-ENV:Text xml:lang=\"en\"></SOAP-ENV:Text>"},
  };
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  Client const client(camera.http_url);
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    WebAnswer const answer = client.soap(c.body);
    EXPECT_EQ(answer.status, c.status);
    EXPECT_THAT(answer.body, HasSubstr(c.text));
    EXPECT_THAT(answer.body, HasSubstr("<SOAP-ENV:Fault>"));
  }
  EXPECT_EQ(camsim.info(camera.serial).certificate_sha256, camera.certificate_sha256) << "nothing has changed";
  camsim.switches(camera.serial, {{"soap_fault_status", "200"}});
  EXPECT_EQ(client.soap(remove("x")).status, 200);
}

TEST(Soap, PoliciesOf650AndLater) {
  Process camsim;
  DeviceInfo const g1 = camsim.add({.generation = "G1"});
  DeviceInfo const g3 = camsim.add({.generation = "G3"});
  std::string const three =
      "<aweb:ConnectionPolicies><aweb:Admin>HttpAndHttps</aweb:Admin><aweb:Operator>Https</aweb:Operator>"
      "<aweb:Viewer>Http</aweb:Viewer></aweb:ConnectionPolicies>";
  Client const old(g1.http_url);
  ASSERT_EQ(old.soap(create("Default(self-signed)")).status, 200) << "6.50 leaves the factory without a certificate";
  EXPECT_THAT(old.soap("<aweb:GetWebServerTlsConfiguration/>").body,
              HasSubstr("<aweb:Tls>false</aweb:Tls><aweb:ConnectionPolicies><aweb:Admin>Http</aweb:Admin>"
                        "<aweb:Operator>Http</aweb:Operator><aweb:Viewer>Http</aweb:Viewer>"));
  EXPECT_EQ(old.soap(set_tls(kOn + kAdmin + kCiphers + kSet)).status, 400) << "all three are needed";
  unsigned starts = camsim.starts(g1.serial);
  EXPECT_EQ(old.soap(set_tls(kOn + three + kCiphers + kSet)).status, 200);
  camsim.wait_for_start(g1.serial, starts);
  EXPECT_THAT(old.get("/axis-cgi/param.cgi?action=list&group=System.BoaGroupPolicy").body,
              HasSubstr("root.System.BoaGroupPolicy.admin=both\nroot.System.BoaGroupPolicy.operator=https\n"
                        "root.System.BoaGroupPolicy.viewer=http\n"));
  camsim.switches(g1.serial, {{"policies_required", false}});
  EXPECT_EQ(old.soap(set_tls(kOn + kAdmin + kCiphers + kSet)).status, 200);

  Client const young(g3.http_url);
  EXPECT_THAT(young.soap(set_tls(kOn + three + kCiphers + kSet)).body, HasSubstr("ter:TagMismatch"));
  camsim.switches(g3.serial, {{"policies_extra", "ignore"}});
  starts = camsim.starts(g3.serial);
  EXPECT_EQ(young.soap(set_tls(kOn + three + kCiphers + kSet)).status, 200);
  camsim.wait_for_start(g3.serial, starts);
  EXPECT_EQ(json_text(camsim.state(g3.serial), "tls/viewer"), "HttpAndHttps");
}

TEST(Soap, SwitchesOfTheStore) {
  Process camsim;
  DeviceInfo const camera = camsim.add(
      {.generation = "G3", .switches = {{"max_certificates", 2}, {"id_length_max", 8}, {"csr_digest", "sha1"}}});
  Client const client(camera.http_url);
  EXPECT_THAT(client.soap(create("ninechars")).body, HasSubstr("Invalid ID"));
  EXPECT_EQ(client.soap(create("one")).status, 200);
  EXPECT_THAT(client.soap(create("two")).body, HasSubstr("MaxNumberOfCertificatesFault"));
  WebAnswer const requested = client.soap(
      "<acertificates:GetPkcs10Request2><acertificates:Id>one</acertificates:Id></acertificates:GetPkcs10Request2>");
  std::string const csr = pem_of("CERTIFICATE REQUEST", between(requested.body, "<acertificates:Pkcs10Request>",
                                                                "</acertificates:Pkcs10Request>"));
  EXPECT_THAT(run_tool({"openssl", "req", "-noout", "-text"}, csr).out, HasSubstr("sha1WithRSAEncryption"));
  camsim.switches(camera.serial, {{"unknown_element", "ignore"}});
  EXPECT_EQ(client.soap("<tds:GetCertificates><tds:Extra/></tds:GetCertificates>").status, 200);
  EXPECT_EQ(camsim.flags(camera.serial).unknown_element, 1) << "journalled all the same";
}

TEST(Soap, CiphersThatTheFirmwareLacks) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3", .switches = {{"unknown_cipher", "ignore"}}});
  Client const client(camera.http_url);
  unsigned const starts = camsim.starts(camera.serial);
  EXPECT_EQ(
      client
          .soap(set_tls(kOn + kAdmin +
                        "<aweb:Ciphers><acert:Cipher>NULL-MD5</acert:Cipher><acert:Cipher>AES256-SHA</acert:Cipher>"
                        "</aweb:Ciphers>" +
                        kSet))
          .status,
      200);
  camsim.wait_for_start(camera.serial, starts);
  EXPECT_EQ(json_text(camsim.state(camera.serial), "tls/ciphers"), R"(["AES256-SHA"])");
}

TEST(Soap, WebServerSetByItself) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  Client const client(camera.http_url);
  ASSERT_EQ(client.soap(create("mine")).status, 200);
  std::string const set =
      "<acertificates:SetCertSet><acertificates:CertSetName>WebServer</acertificates:CertSetName>"
      "<acertificates:CertSet><acert:Certificates><acert:Id>mine</acert:Id></acert:Certificates>"
      "</acertificates:CertSet></acertificates:SetCertSet>";
  camsim.switches(camera.serial, {{"web_server_set", "refuse"}});
  EXPECT_EQ(client.soap(set).status, 400);
  camsim.switches(camera.serial, {{"web_server_set", "allow"}});
  unsigned const starts = camsim.starts(camera.serial);
  EXPECT_EQ(client.soap(set).status, 200);
  camsim.wait_for_start(camera.serial, starts);
  EXPECT_NE(camsim.info(camera.serial).certificate_sha256, camera.certificate_sha256);
}

TEST(Soap, DeletingTheServedCertificateBreaksHttpsByOneSwitch) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3", .switches = {{"delete_in_use_soap", "breaks_https"}}});
  unsigned const starts = camsim.starts(camera.serial);
  EXPECT_EQ(Client(camera.http_url).soap(remove("Default(self-signed)")).status, 200);
  camsim.wait_for_start(camera.serial, starts);
  EXPECT_FALSE(camsim.info(camera.serial).https_on);
}

TEST(Soap, DeviceIdsStay) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.http_url);
  EXPECT_EQ(client.soap(remove("Axis device ID RSA-4096 (802.1AR)")).status, 400);
  camsim.switches(camera.serial, {{"delete_device_id", "allow"}});
  EXPECT_EQ(client.soap(remove("Axis device ID RSA-4096 (802.1AR)")).status, 200);
}

TEST(Soap, CertSets) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.https_url);
  std::string const names = client.soap("<acertificates:ListCertSets/>").body;
  std::size_t count = 0;
  for (auto at = names.find("<acert:CertSetNames>"); at != std::string::npos;
       at = names.find("<acert:CertSetNames>", at + 1))
    ++count;
  EXPECT_EQ(count, 17U);
  WebAnswer const web = client.soap(
      "<acertificates:GetCertSet><acertificates:CertSetName>WebServer</acertificates:CertSetName>"
      "</acertificates:GetCertSet>");
  EXPECT_THAT(web.body, HasSubstr("<acert:Id>Axis device ID ECC-P256 (802.1AR)</acert:Id>"));
  std::string const ca =
      between(client.soap("<tds:GetCACertificates/>").body, "<tt:CertificateID>", "</tt:CertificateID>");
  EXPECT_THAT(ca, HasSubstr("[CA]_"));
  auto const set = [&](std::string const& id) {
    return client.soap(
        "<acertificates:SetCertSet><acertificates:CertSetName>RemoteSyslog</acertificates:CertSetName>"
        "<acertificates:CertSet><acert:CACertificates><acert:Id>" +
        id + "</acert:Id></acert:CACertificates></acertificates:CertSet></acertificates:SetCertSet>");
  };
  EXPECT_EQ(set("nothing").status, 400);
  EXPECT_EQ(set(ca).status, 200);
  EXPECT_THAT(json_text(camsim.state(camera.serial), "cert_sets/RemoteSyslog"), HasSubstr(ca));
}

TEST(Soap, Dot1X) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  Client const client(camera.http_url);
  ASSERT_EQ(client.soap(create("mine")).status, 200);
  auto const set = [&](std::string const& token, std::string const& method, std::string const& id) {
    return client.soap("<tds:SetDot1XConfiguration><tds:Dot1XConfiguration><tt:Dot1XConfigurationToken>" + token +
                       "</tt:Dot1XConfigurationToken><tt:Identity>axis-accc8ef7de6b</tt:Identity><tt:EAPMethod>" +
                       method + "</tt:EAPMethod><tt:EAPMethodConfiguration><tt:TLSConfiguration><tt:CertificateID>" +
                       id +
                       "</tt:CertificateID></tt:TLSConfiguration></tt:EAPMethodConfiguration></tds:Dot1XConfiguration>"
                       "</tds:SetDot1XConfiguration>");
  };
  EXPECT_THAT(set("EAPTLS_WIFI", "13", "mine").body, HasSubstr("InvalidArgVal"));
  EXPECT_THAT(set("EAPTLS_WIRED", "25", "mine").body, HasSubstr("InvalidArgVal"));
  EXPECT_THAT(set("EAPTLS_WIRED", "13", "nothing").body, HasSubstr("Invalid ID"));
  EXPECT_EQ(json_text(camsim.state(camera.serial), "cert_sets/EAPTLS_WIRED/certificates"), "[]");
  EXPECT_THAT(set("EAPTLS_WIRED", "13", "mine").body, HasSubstr("<tds:SetDot1XConfigurationResponse/>"));
  EXPECT_EQ(json_text(camsim.state(camera.serial), "cert_sets/EAPTLS_WIRED/certificates"), R"(["mine"])");
  EXPECT_THAT(client.get("/axis-cgi/param.cgi?action=list&group=Network.Interface.I0.dot1x").body,
              HasSubstr("EAPTLS.Identity=axis-accc8ef7de6b\n"));
  EXPECT_EQ(camsim.flags(camera.serial), Flags{});
}

// Certificates with and without a key share one name space.
TEST(Soap, AnIdIsTakenOnce) {
  Process camsim;
  OpensslCa const ca;
  DeviceInfo const camera = camsim.add({.generation = "G3", .switches = {{"load_certificates", "match_key"}}});
  Client const client(camera.http_url);
  ASSERT_EQ(client.soap(create("k")).status, 200);
  std::string const csr = pem_of(
      "CERTIFICATE REQUEST", between(client
                                         .soap("<acertificates:GetPkcs10Request2><acertificates:Id>k</acertificates:Id>"
                                               "</acertificates:GetPkcs10Request2>")
                                         .body,
                                     "<acertificates:Pkcs10Request>", "</acertificates:Pkcs10Request>"));
  auto const load = [&](std::string const& operation, std::string const& item, std::string const& pem) {
    return client.soap("<tds:" + operation + "><tds:" + item +
                       "><tt:CertificateID>authority</tt:CertificateID><tt:Certificate><tt:Data>" + base64_of_pem(pem) +
                       "</tt:Data></tt:Certificate></tds:" + item + "></tds:" + operation + ">");
  };
  ASSERT_EQ(load("LoadCACertificates", "CACertificate", ca.issuing_pem()).status, 200);
  EXPECT_THAT(load("LoadCertificates", "NVTCertificate", ca.sign(csr, "DNS:x")).body,
              HasSubstr("CertificateIdInUseFault"));
}

TEST(Soap, WhatAGetShowsAndASetTakes) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.https_url);
  auto const shown = [&] { return client.soap("<aweb:GetWebServerTlsConfiguration/>").body; };
  EXPECT_THAT(shown(), Not(HasSubstr("aweb:Viewer")));
  camsim.switches(camera.serial, {{"policies_shown", "all"}});
  EXPECT_THAT(shown(), HasSubstr("<aweb:Viewer>HttpAndHttps</aweb:Viewer>"));
  std::string const ca =
      between(client.soap("<tds:GetCACertificates/>").body, "<tt:CertificateID>", "</tt:CertificateID>");
  std::string const served =
      "<aweb:CertificateSet><acert:Certificates><acert:Id>Axis device ID ECC-P256 (802.1AR)"
      "</acert:Id></acert:Certificates>";
  std::string const with_ca = set_tls(
      kOn + kAdmin + "<aweb:Ciphers><acert:Cipher>ECDHE-ECDSA-AES128-GCM-SHA256</acert:Cipher></aweb:Ciphers>" +
      served + "<acert:CACertificates><acert:Id>" + ca + "</acert:Id></acert:CACertificates></aweb:CertificateSet>");
  camsim.switches(camera.serial, {{"web_server_cas", "refuse"}});
  EXPECT_THAT(client.soap(with_ca).body, HasSubstr("takes no CA certificates"));
  camsim.switches(camera.serial, {{"web_server_cas", "allow"}});
  EXPECT_EQ(client.soap(with_ca).status, 200);
}

TEST(Policy, HttpsAloneFromTheFactory) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3", .switches = {{"factory_policy", "Https"}}});
  std::string const path = "/axis-cgi/param.cgi?action=list&group=Brand";
  EXPECT_EQ(curl({}, camera.http_url + path).status, 301);
  EXPECT_EQ(Client(camera.https_url).get(path).status, 200);
}

// A chain is sent from the certificate itself, from the set's CA certificates, or, by a switch, from the CA store.
TEST(Soap, WhereTheServedChainComesFrom) {
  struct {
    char const* name;
    json::Object switches;
    bool in_set;
    std::size_t served;
  } const cases[] = {
      {"leaf only", {{"chain_served", "leaf"}}, true, 1},
      {"set", {{"ca_set_served", true}}, true, 2},
      {"set not looked at", {{"ca_set_served", false}}, true, 1},
      {"store not looked at", {{"ca_store_served", false}}, false, 1},
      {"store", {{"ca_store_served", true}}, false, 2},
  };
  Process camsim;
  OpensslCa const ca;
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    DeviceInfo const camera = camsim.add({.generation = "G4", .switches = c.switches});
    Client const client(camera.http_url);
    client.soap(create("k"));
    WebAnswer const requested = client.soap(
        "<acertificates:GetPkcs10Request2><acertificates:Id>k</acertificates:Id></acertificates:GetPkcs10Request2>");
    std::string const csr = pem_of("CERTIFICATE REQUEST", between(requested.body, "<acertificates:Pkcs10Request>",
                                                                  "</acertificates:Pkcs10Request>"));
    client.soap(
        "<tds:LoadCertificates><tds:NVTCertificate><tt:CertificateID>k</tt:CertificateID><tt:Certificate>"
        "<tt:Data>" +
        base64_of_pem(ca.sign(csr, "DNS:cam.example")) +
        "</tt:Data></tt:Certificate></tds:NVTCertificate></tds:LoadCertificates>");
    EXPECT_EQ(client
                  .soap("<tds:LoadCACertificates><tds:CACertificate><tt:CertificateID>issuing</tt:CertificateID>"
                        "<tt:Certificate><tt:Data>" +
                        base64_of_pem(ca.issuing_pem()) +
                        "</tt:Data></tt:Certificate></tds:CACertificate></tds:LoadCACertificates>")
                  .status,
              200);
    unsigned const starts = camsim.starts(camera.serial);
    std::string const cas = c.in_set ? "<acert:CACertificates><acert:Id>issuing</acert:Id></acert:CACertificates>" : "";
    EXPECT_EQ(client
                  .soap(set_tls(kOn + kAdmin +
                                "<aweb:Ciphers><acert:Cipher>ECDHE-RSA-AES128-GCM-SHA256</acert:Cipher></aweb:Ciphers>"
                                "<aweb:CertificateSet><acert:Certificates><acert:Id>k</acert:Id></acert:Certificates>" +
                                cas + "</aweb:CertificateSet>"))
                  .status,
              200);
    camsim.wait_for_start(camera.serial, starts);
    EXPECT_EQ(served_chain(camera).size(), c.served);
  }
}

TEST(Tls, VersionsOfTheGeneration) {
  struct {
    char const* generation;
    char const* flag;
    bool works;
  } const cases[] = {{"G3", "-tls1", true},    {"G3", "-tls1_2", true}, {"G3", "-tls1_3", false},
                     {"G4", "-tls1_1", false}, {"G4", "-tls1_2", true}, {"G7", "-tls1_3", true}};
  Process camsim;
  for (auto const& c : cases) {
    SCOPED_TRACE(std::string(c.generation) + c.flag);
    DeviceInfo const camera = camsim.add({.generation = c.generation});
    EXPECT_EQ(!served_chain(camera, {c.flag, "-cipher", "ALL:@SECLEVEL=0"}).empty(), c.works);
  }
}

// No camera can answer a tls-alpn-01 challenge.
TEST(Tls, NoProtocolIsAgreed) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Ran const shown = run_tool({"openssl", "s_client", "-connect",
                              camera.address + ":" + std::to_string(camera.https_port), "-alpn", "h2,acme-tls/1"});
  EXPECT_THAT(shown.out, HasSubstr("No ALPN negotiated"));
}

TEST(Tls, DeviceIdIsTheFactoryCertificateOf12) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  TemporaryFolder const folder;
  std::string const root = folder.write("root.pem", json_text(parse_json(camsim.call("GET", "/pki").body), "root"));
  std::vector<std::string> const chain = served_chain(camera);
  ASSERT_EQ(chain.size(), 2U);
  std::string const rest = folder.write("rest.pem", chain[1]);
  std::string const leaf = folder.write("leaf.pem", chain[0]);
  EXPECT_EQ(run_tool({"openssl", "verify", "-CAfile", root, "-untrusted", rest, leaf}).status, 0);
  std::string const text = run_tool({"openssl", "x509", "-noout", "-text", "-in", leaf}).out;
  EXPECT_THAT(text, HasSubstr("serialNumber = b8a44f631339"));
  EXPECT_THAT(text, HasSubstr("othername: 1.3.6.1.5.5.7.8.4"));
  EXPECT_THAT(text, HasSubstr("Not After : Dec 31 23:59:59 9999 GMT"));
  EXPECT_THAT(text, HasSubstr("Intermediate CA ECC 2 (TEST)"));
  for (char const* absent : {"Basic Constraints", "X509v3 Key Usage", "DNS:"})
    EXPECT_THAT(text, Not(HasSubstr(absent)));
}

TEST(Onvif, ClockAndServicesWithoutALogin) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G3"});
  std::string const url = camera.http_url + "/onvif/device_service";
  WebAnswer const clock = curl({"-X", "POST"}, url, soap_envelope("<tds:GetSystemDateAndTime/>"));
  EXPECT_THAT(clock.body, HasSubstr("<tt:UTCDateTime><tt:Time><tt:Hour>"));
  EXPECT_EQ(curl({"-X", "POST"}, url, soap_envelope("<tds:GetUsers/>")).status, 401);
}

}  // namespace
}  // namespace lenscap::camsim
