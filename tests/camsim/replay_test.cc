// Requests in the shapes that public clients send, each written anew: what works against real cameras with them has to
// work here. The clients differ in prefixes, default namespaces, line breaks inside base64, and in whose id a signed
// certificate carries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/camsim/tool.h"

namespace lenscap::camsim {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char const* kEightCiphers[] = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
                                         "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
                                         "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
                                         "DHE-RSA-AES128-GCM-SHA256",     "DHE-RSA-AES256-GCM-SHA384"};

std::string hard_coded_ciphers() {
  std::string list;
  for (char const* cipher : kEightCiphers) list += "\n   <acert:Cipher>" + std::string(cipher) + "</acert:Cipher>";
  return list;
}

// A certificate with its key, made off the camera, as those clients do.
struct OffDevice {
  TemporaryFolder folder;
  std::string certificate;
  std::string pkcs8;
  std::string traditional;  // PKCS#1 or SEC1
  explicit OffDevice(bool rsa) {
    std::vector<std::string> words{"openssl",          "req",   "-x509",          "-nodes", "-keyout",
                                   folder.path("key"), "-subj", "/CN=cam.example"};
    if (rsa)
      words.insert(words.end(), {"-newkey", "rsa:2048"});
    else
      words.insert(words.end(), {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"});
    certificate = run_tool(words).out;
    pkcs8 = run_tool({"openssl", "pkey", "-in", folder.path("key")}).out;
    traditional = run_tool({"openssl", "pkey", "-traditional", "-in", folder.path("key")}).out;
  }
};

// The lines between the armour, line breaks kept.
std::string body_lines(std::string const& pem) { return between(pem, "-----\n", "-----END"); }

TEST(Replay, WholeEnvelopeInTheDefaultNamespace) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  WebAnswer const answer =
      Client(camera.https_url)
          .post("/vapix/services",
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\">\n  <Header/>\n  <Body >\n"
                "    <GetWebServerTlsConfiguration xmlns=\"http://www.axis.com/vapix/ws/webserver\"> "
                "</GetWebServerTlsConfiguration>\n  </Body>\n</Envelope>",
                "text/xml");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("<aweb:Configuration name=\"WebServer\"><aweb:Tls>true</aweb:Tls>"
                                     "<aweb:ConnectionPolicies><aweb:Admin>HttpAndHttps</aweb:Admin>"));
}

TEST(Replay, MixedPrefixesHardCodedCiphersAndPolicyHttps) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.https_url);
  client.post("/config/rest/cert/v1/create_certificate", R"({"data":{"alias":"bound","subject":"CN=x"}})");
  unsigned const starts = camsim.starts(camera.serial);
  WebAnswer const answer = client.soap(
      "<aweb:SetWebServerTlsConfiguration xmlns=\"http://www.axis.com/vapix/ws/webserver\">\n <Configuration>\n"
      "  <Tls>true</Tls>\n  <aweb:ConnectionPolicies>\n <aweb:Admin>Https</aweb:Admin>\n </aweb:ConnectionPolicies>\n"
      "  <aweb:Ciphers>" +
      hard_coded_ciphers() +
      "</aweb:Ciphers>\n  <aweb:CertificateSet>\n   <acert:Certificates>\n    <acert:Id>bound</acert:Id>\n"
      "   </acert:Certificates>\n   <acert:CACertificates></acert:CACertificates>\n"
      "   <acert:TrustedCertificates></acert:TrustedCertificates>\n  </aweb:CertificateSet>\n </Configuration>\n"
      "</aweb:SetWebServerTlsConfiguration>");
  EXPECT_EQ(answer.status, 200) << answer.body;
  camsim.wait_for_start(camera.serial, starts);
  WebAnswer const redirected = curl({}, camera.http_url + "/axis-cgi/param.cgi?action=list");
  EXPECT_EQ(redirected.status, 301);
  EXPECT_EQ(redirected.headers.at("location"), camera.https_url + "/axis-cgi/param.cgi?action=list");
  EXPECT_EQ(client.get("/axis-cgi/param.cgi?action=list&group=HTTPS.Enabled").body, "root.HTTPS.Enabled=yes\n");
}

TEST(Replay, UploadAsPkcs8WithDefaultNamespaceThenEverythingUnprefixed) {
  Process camsim;
  OffDevice const own(false);
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  Client const client(camera.http_url);
  WebAnswer const uploaded = client.soap(
      "<tds:LoadCertificateWithPrivateKey xmlns=\"http://www.onvif.org/ver10/device/wsdl\">\n"
      "<CertificateWithPrivateKey>\n<tt:CertificateID>acme-260215143025</tt:CertificateID>\n<tt:Certificate><tt:Data>" +
      base64_of_pem(own.certificate) + "</tt:Data></tt:Certificate>\n<tt:PrivateKey><tt:Data>" +
      base64_of_pem(own.pkcs8) +
      "</tt:Data></tt:PrivateKey>\n</CertificateWithPrivateKey>\n</tds:LoadCertificateWithPrivateKey>");
  ASSERT_EQ(uploaded.status, 200) << uploaded.body;
  std::string const line = client.get("/axis-cgi/param.cgi?action=list&group=HTTPS.Ciphers").body;
  std::string ciphers;
  for (std::string rest = between(line, "=", "\n") + ":"; !rest.empty(); rest = rest.substr(rest.find(':') + 1))
    ciphers += "<acert:Cipher>" + rest.substr(0, rest.find(':')) + "</acert:Cipher>";
  unsigned const starts = camsim.starts(camera.serial);
  WebAnswer const set = client.soap(
      "<SetWebServerTlsConfiguration xmlns=\"http://www.axis.com/vapix/ws/webserver\" "
      "xmlns:acert=\"http://www.axis.com/vapix/ws/cert\"><Configuration><Tls>true</Tls><ConnectionPolicies>"
      "<Admin>HttpAndHttps</Admin></ConnectionPolicies><Ciphers>" +
      ciphers +
      "</Ciphers><CertificateSet><acert:Certificates><acert:Id>acme-260215143025</acert:Id></acert:Certificates>"
      "<acert:CACertificates></acert:CACertificates><acert:TrustedCertificates></acert:TrustedCertificates>"
      "</CertificateSet></Configuration></SetWebServerTlsConfiguration>");
  EXPECT_EQ(set.status, 200) << set.body;
  camsim.wait_for_start(camera.serial, starts);
  EXPECT_EQ(camsim.info(camera.serial).certificate_sha256, fingerprint(own.certificate));
  EXPECT_GE(camsim.flags(camera.serial).private_key_received, 1);
  EXPECT_THAT(json::write(camsim.journal(camera.serial)), Not(HasSubstr(base64_of_pem(own.pkcs8).substr(0, 60))));
}

TEST(Replay, MultiLineBase64AndSeveralDeletesAtOnce) {
  Process camsim;
  OffDevice const own(true);
  DeviceInfo const camera = camsim.add({.generation = "G4"});
  Client const client(camera.http_url);
  for (char const* id : {"lego-1", "lego-2"}) {
    WebAnswer const uploaded = client.soap(
        "<tds:LoadCertificateWithPrivateKey xmlns=\"http://www.onvif.org/ver10/device/wsdl\">\n"
        "  <CertificateWithPrivateKey>\n    <tt:CertificateID>" +
        std::string(id) + "</tt:CertificateID>\n    <tt:Certificate>\n      <tt:Data>\n" + body_lines(own.certificate) +
        "</tt:Data>\n    </tt:Certificate>\n    <tt:PrivateKey>\n      <tt:Data>\n" + body_lines(own.traditional) +
        "</tt:Data>\n    </tt:PrivateKey>\n  </CertificateWithPrivateKey>\n</tds:LoadCertificateWithPrivateKey>");
    EXPECT_EQ(uploaded.status, 200) << uploaded.body;
  }
  WebAnswer const deleted = client.soap(
      "<tds:DeleteCertificates xmlns=\"http://www.onvif.org/ver10/device/wsdl\">\n"
      "            <CertificateID>lego-1</CertificateID>\n            <CertificateID>lego-2</CertificateID>\n"
      "</tds:DeleteCertificates>");
  EXPECT_EQ(deleted.status, 200) << deleted.body;
  EXPECT_THAT(client.soap("<tds:GetCertificates/>").body, Not(HasSubstr("lego-")));
}

TEST(Replay, SignedCertificateUnderANewId) {
  Process camsim;
  OpensslCa const ca;
  DeviceInfo const camera = camsim.add({.generation = "G3", .switches = {{"load_certificates", "match_key"}}});
  Client const client(camera.http_url);
  std::string const subject =
      "<acertificates:Subject>\n<acert:CN>cam.example</acert:CN>\n<acert:C>SE</acert:C>\n<acert:O>Acme</acert:O>\n"
      "</acertificates:Subject>\n";
  WebAnswer const created = client.soap(
      "<acertificates:CreateCertificate2 xmlns=\"http://www.axis.com/vapix/ws/certificates\">\n"
      "<acertificates:Id>CSR_2026-01-02T03:04:05</acertificates:Id>\n" +
      subject +
      "<acertificates:ValidNotBefore>2026-01-02T03:04:05</acertificates:ValidNotBefore>\n"
      "<acertificates:ValidNotAfter>2027-01-02T03:04:05</acertificates:ValidNotAfter>\n"
      "</acertificates:CreateCertificate2>\n");
  EXPECT_THAT(created.body, HasSubstr("<acertificates:CreateCertificate2Response>"));
  WebAnswer const requested = client.soap(
      "<acertificates:GetPkcs10Request2 xmlns=\"http://www.axis.com/vapix/ws/certificates\">\n"
      "<acertificates:Id>CSR_2026-01-02T03:04:05</acertificates:Id>\n" +
      subject + "</acertificates:GetPkcs10Request2>\n");
  std::string const csr = pem_of("CERTIFICATE REQUEST", between(requested.body, "<acertificates:Pkcs10Request>",
                                                                "</acertificates:Pkcs10Request>"));
  std::string const leaf = ca.sign(csr, "DNS:cam.example");
  WebAnswer const loaded = client.soap(
      "<tds:LoadCertificates xmlns=\"http://www.onvif.org/ver10/device/wsdl\"><NVTCertificate>"
      "<tt:CertificateID>CERT_2026-01-02T03:05:00</tt:CertificateID><tt:Certificate><tt:Data>\n" +
      body_lines(leaf) + "</tt:Data></tt:Certificate></NVTCertificate></tds:LoadCertificates>");
  EXPECT_EQ(loaded.status, 200) << loaded.body;
  WebAnswer const told = client.soap(
      "<tds:GetCertificateInformation xmlns=\"http://www.onvif.org/ver10/device/wsdl\">"
      "<CertificateID>CERT_2026-01-02T03:05:00</CertificateID></tds:GetCertificateInformation>");
  EXPECT_THAT(told.body, HasSubstr("<tt:IssuerDN>CN=Test issuing</tt:IssuerDN>"));
  EXPECT_EQ(fingerprint(between(told.body, "<acert:CertificatePEM>", "</acert:CertificatePEM>")), fingerprint(leaf));
  EXPECT_THAT(client.soap("<tds:GetCertificates/>").body, HasSubstr("CSR_2026-01-02T03:04:05")) << "both ids stay";
  camsim.switches(camera.serial, {{"match_key_leaves", "remove"}});
  WebAnswer const moved = client.soap(
      "<tds:LoadCertificates><tds:NVTCertificate><tt:CertificateID>CERT_3</tt:CertificateID><tt:Certificate><tt:Data>" +
      base64_of_pem(leaf) + "</tt:Data></tt:Certificate></tds:NVTCertificate></tds:LoadCertificates>");
  EXPECT_EQ(moved.status, 200) << moved.body;
  std::string const left = client.soap("<tds:GetCertificates/>").body;
  EXPECT_THAT(left, HasSubstr(">CERT_3<"));
  EXPECT_EQ(left.find(">CSR_2026") == std::string::npos, left.find(">CERT_2026") != std::string::npos)
      << "one of the two ids that the key had is gone";
  // The same under the default, where the id has to be that of the request.
  camsim.switches(camera.serial, {{"load_certificates", "same_id"}});
  WebAnswer const refused = client.soap(
      "<tds:LoadCertificates><tds:NVTCertificate><tt:CertificateID>other</tt:CertificateID><tt:Certificate><tt:Data>" +
      base64_of_pem(leaf) + "</tt:Data></tt:Certificate></tds:NVTCertificate></tds:LoadCertificates>");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("<SOAP-ENV:Text xml:lang=\"en\">Invalid ID</SOAP-ENV:Text>"));
}

TEST(Replay, UnnamespacedConfigurationIsATagMismatch) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  WebAnswer const answer = Client(camera.https_url)
                               .soap(
                                   "<aweb:SetWebServerTlsConfiguration><Configuration><Tls>true</Tls></Configuration>"
                                   "</aweb:SetWebServerTlsConfiguration>");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body,
              HasSubstr("<SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode>"
                        "<SOAP-ENV:Value>ter:TagMismatch</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code>"
                        "<SOAP-ENV:Reason><SOAP-ENV:Text xml:lang=\"en\">Tag mismatch</SOAP-ENV:Text>"));
  EXPECT_EQ(camsim.flags(camera.serial).unknown_element, 1);
}

TEST(Replay, ActionThatIsNotThere) {
  Process camsim;
  DeviceInfo const camera = camsim.add({.generation = "G7"});
  WebAnswer const answer = Client(camera.https_url).soap("<acertificates:GetCertificates/>");
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body,
              HasSubstr("<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Receiver</SOAP-ENV:Value>"
                        "<SOAP-ENV:Subcode><SOAP-ENV:Value>ter:ActionNotSupported</SOAP-ENV:Value></SOAP-ENV:Subcode>"
                        "</SOAP-ENV:Code><SOAP-ENV:Reason><SOAP-ENV:Text xml:lang=\"en\">Optional action not "
                        "implemented</SOAP-ENV:Text></SOAP-ENV:Reason><SOAP-ENV:Detail><SOAP-ENV:Text>The requested "
                        "action is optional and is not implemented</SOAP-ENV:Text></SOAP-ENV:Detail>"));
}

TEST(Replay, PfxWithItsPassword) {
  Process camsim;
  OffDevice const own(true);
  std::string const file = own.folder.write("cert", own.certificate);
  Ran const packed = run_tool({"openssl", "pkcs12", "-export", "-in", file, "-inkey", own.folder.path("key"), "-out",
                               own.folder.path("pfx"), "-passout", "pass:hush-hush"});
  ASSERT_EQ(packed.status, 0) << packed.err;
  std::string const pfx = run_tool({"openssl", "base64", "-A", "-in", own.folder.path("pfx")}).out;
  DeviceInfo const camera = camsim.add({.generation = "G4"});
  auto const load = [&](char const* id, char const* password) {
    return Client(camera.http_url)
        .soap("<acertificates:LoadPkcs12 xmlns=\"http://www.axis.com/vapix/ws/certificates\"><Pkcs12><acert:Id>" +
              std::string(id) + "</acert:Id><acert:Certificate>" + pfx + "</acert:Certificate><acert:Password>" +
              password + "</acert:Password></Pkcs12></acertificates:LoadPkcs12>");
  };
  EXPECT_THAT(load("pfx-1", "wrong").body, HasSubstr("CertificateFormatFault"));
  WebAnswer const loaded = load("pfx-1", "hush-hush");
  EXPECT_EQ(loaded.status, 200) << loaded.body;
  EXPECT_THAT(loaded.body, HasSubstr("<acertificates:LoadPkcs12Response/>"));
  std::string const journal = json::write(camsim.journal(camera.serial));
  EXPECT_THAT(journal, Not(HasSubstr("hush-hush")));
  EXPECT_THAT(journal, Not(HasSubstr(pfx.substr(0, 60))));
}

}  // namespace
}  // namespace lenscap::camsim
