#include "agent/devices/shared/axis_tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lenscap::agent::axis {
namespace {

soap::Element answer(std::string_view configuration) {
  auto root = soap::parse_xml(
      "<aweb:GetWebServerTlsConfigurationResponse"
      " xmlns:aweb=\"http://www.axis.com/vapix/ws/webserver\""
      " xmlns:acert=\"http://www.axis.com/vapix/ws/cert\">" +
      std::string(configuration) + "</aweb:GetWebServerTlsConfigurationResponse>");
  EXPECT_TRUE(root.ok());
  return *std::move(root);
}

// As AXIS OS 12.11 writes it.
constexpr std::string_view kModern =
    "<aweb:Configuration name=\"WebServer\"><aweb:Tls>true</aweb:Tls><aweb:ConnectionPolicies>"
    "<aweb:Admin>HttpAndHttps</aweb:Admin></aweb:ConnectionPolicies><aweb:Ciphers>"
    "<acert:Cipher>ECDHE-ECDSA-AES128-GCM-SHA256</acert:Cipher><acert:Cipher>ECDHE-RSA-AES128-GCM-SHA256</acert:Cipher>"
    "</aweb:Ciphers><aweb:CertificateSet><acert:Certificates><acert:Id>Device HTTPS lUZuIXuu</acert:Id>"
    "</acert:Certificates><acert:CACertificates></acert:CACertificates><acert:TrustedCertificates>"
    "</acert:TrustedCertificates></aweb:CertificateSet></aweb:Configuration>";

TEST(ReadTlsConfig, Modern) {
  auto const config = read_tls_config(answer(kModern));
  ASSERT_TRUE(config.ok()) << config.error().detail();
  EXPECT_TRUE(config->enabled);
  EXPECT_EQ(config->certificate_id(), "Device HTTPS lUZuIXuu");
  EXPECT_THAT(config->ciphers, testing::ElementsAre("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"));
  EXPECT_THAT(config->policies, testing::ElementsAre(testing::Pair("Admin", HttpsPolicy::http_and_https)));
}

TEST(ReadTlsConfig, ThreeRolesOfOldFirmwareComeBackAsTheyWere) {
  auto const config = read_tls_config(
      answer("<aweb:Configuration><aweb:Tls>false</aweb:Tls><aweb:ConnectionPolicies><aweb:Admin>Http</aweb:Admin>"
             "<aweb:Operator>Https</aweb:Operator><aweb:Viewer>Http</aweb:Viewer></aweb:ConnectionPolicies>"
             "<aweb:Ciphers><acert:Cipher>AES256-SHA</acert:Cipher></aweb:Ciphers></aweb:Configuration>"));
  ASSERT_TRUE(config.ok()) << config.error().detail();
  EXPECT_FALSE(config->enabled);
  EXPECT_TRUE(config->certificate_ids.empty());
  auto const next = config->with_certificate("lenscap-1");
  EXPECT_TRUE(next.enabled);
  EXPECT_THAT(next.policies, testing::ElementsAre(testing::Pair("Admin", HttpsPolicy::http_and_https),
                                                  testing::Pair("Operator", HttpsPolicy::https),
                                                  testing::Pair("Viewer", HttpsPolicy::http_and_https)));
  EXPECT_EQ(next.ciphers, config->ciphers);
}

TEST(ReadTlsConfig, RefusesWhatItDoesNotUnderstand) {
  struct Case {
    std::string_view name;
    std::string_view body;
  };
  Case const cases[] = {
      {"nothing", ""},
      {"other namespace", "<Configuration><Tls>true</Tls></Configuration>"},
      {"no Tls", "<aweb:Configuration/>"},
      {"unknown policy",
       "<aweb:Configuration><aweb:Tls>true</aweb:Tls><aweb:ConnectionPolicies><aweb:Admin>Maybe</aweb:Admin>"
       "</aweb:ConnectionPolicies></aweb:Configuration>"},
      {"unknown role",
       "<aweb:Configuration><aweb:Tls>true</aweb:Tls><aweb:ConnectionPolicies><aweb:Guest>Http</aweb:Guest>"
       "</aweb:ConnectionPolicies></aweb:Configuration>"},
      {"cipher with a colon",
       "<aweb:Configuration><aweb:Tls>true</aweb:Tls><aweb:Ciphers><acert:Cipher>A:B</acert:Cipher></aweb:Ciphers>"
       "</aweb:Configuration>"},
  };
  for (Case const& c : cases) EXPECT_FALSE(read_tls_config(answer(c.body)).ok()) << c.name;
}

TEST(SetTlsRequest, PutsEveryElementIntoItsNamespace) {
  auto config = read_tls_config(answer(kModern));
  ASSERT_TRUE(config.ok());
  auto const request = set_tls_request(config->with_certificate("lenscap-<x>&", {"lenscap-ca-1"}));
  std::string const text = soap::write_xml(request);
  EXPECT_EQ(
      text.substr(text.find("<aweb:Configuration>")),
      "<aweb:Configuration><aweb:Tls>true</aweb:Tls><aweb:ConnectionPolicies><aweb:Admin>HttpAndHttps</aweb:Admin>"
      "</aweb:ConnectionPolicies><aweb:Ciphers><acert:Cipher>ECDHE-ECDSA-AES128-GCM-SHA256</acert:Cipher>"
      "<acert:Cipher>ECDHE-RSA-AES128-GCM-SHA256</acert:Cipher></aweb:Ciphers><aweb:CertificateSet>"
      "<acert:Certificates><acert:Id>lenscap-&lt;x&gt;&amp;</acert:Id></acert:Certificates><acert:CACertificates>"
      "<acert:Id>lenscap-ca-1</acert:Id></acert:CACertificates><acert:TrustedCertificates/></aweb:CertificateSet>"
      "</aweb:Configuration></aweb:SetWebServerTlsConfiguration>");
}

TEST(Suits, OldCiphersAreForRsaAlone) {
  std::vector<std::string> const old = {"DHE-RSA-AES128-SHA", "AES256-SHA"};
  EXPECT_TRUE(suits(old, "RSA-2048"));
  EXPECT_FALSE(suits(old, "EC-P256"));
  EXPECT_TRUE(suits({"ECDHE-ECDSA-AES128-GCM-SHA256"}, "EC-P256"));
  EXPECT_FALSE(suits({"ECDHE-ECDSA-AES128-GCM-SHA256"}, "RSA-2048"));
  EXPECT_TRUE(suits({"TLS_AES_128_GCM_SHA256"}, "EC-P256"));
  EXPECT_FALSE(suits({}, "RSA-2048"));
}

TEST(SplitCiphers, KeepsOrderAndLeavesOutNonsense) {
  EXPECT_THAT(split_ciphers("DHE-RSA-AES128-SHA:AES256-SHA"), testing::ElementsAre("DHE-RSA-AES128-SHA", "AES256-SHA"));
  EXPECT_THAT(split_ciphers(":A::B<:"), testing::ElementsAre("A"));
  EXPECT_TRUE(split_ciphers("").empty());
}

}  // namespace
}  // namespace lenscap::agent::axis
