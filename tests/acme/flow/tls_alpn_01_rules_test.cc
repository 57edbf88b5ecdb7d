#include "acme/flow/tls_alpn_01_rules.h"

#include <gtest/gtest.h>

#include "tests/acme/flow/fixtures.h"
#include "tests/base/x509/acme_certificate_maker.h"

namespace lenscap::acme::test {
namespace {

using x509::testing::acme_certificate;
using x509::testing::acme_identifier;
using x509::testing::subject_alt_name;

TEST(TlsAlpn01ServerName, OfNamesAndAddresses) {  // 8737-3-1, 8738-6-1
  struct Case {
    char const* host;
    char const* name;
  };
  Case const cases[] = {
      {"cam1.cams.example", "cam1.cams.example"},
      {"10.20.0.1", "1.0.20.10.in-addr.arpa"},
      {"192.168.255.0", "0.255.168.192.in-addr.arpa"},
      {"2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
      {"fd00:20:a:b:c:d:e:f123", "3.2.1.f.e.0.0.0.d.0.0.0.c.0.0.0.b.0.0.0.a.0.0.0.0.2.0.0.0.0.d.f.ip6.arpa"},
  };
  for (auto const& c : cases) EXPECT_EQ(tls_alpn_01_server_name(id_of(c.host)), c.name);
}

// 8737-3-2, and RFC 8738 6 for addresses.
TEST(JudgeTlsAlpn01, WhoseNameAndWhoseDigest) {  // B-12, K-23
  Bytes const v4{10, 20, 0, 1};
  Bytes const v6{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  struct Case {
    char const* name;
    char const* host;
    x509::testing::Extension subject_alt_name;
    char const* key_authorization;
    bool ok;
  };
  Case const cases[] = {
      {"its name", "cam1.cams.example", subject_alt_name({"cam1.cams.example"}, {}), "T.K", true},
      {"in another case", "cam1.cams.example", subject_alt_name({"CAM1.Cams.Example"}, {}), "T.K", true},
      {"its IPv4 address", "10.20.0.1", subject_alt_name({}, {v4}), "T.K", true},
      {"its IPv6 address", "2001:db8::1", subject_alt_name({}, {v6}), "T.K", true},
      {"another name", "cam1.cams.example", subject_alt_name({"cam2.cams.example"}, {}), "T.K", false},
      {"with a dot behind", "cam1.cams.example", subject_alt_name({"cam1.cams.example."}, {}), "T.K", false},
      {"with a zero behind", "cam1.cams.example", subject_alt_name({std::string("cam1.cams.example\0", 18)}, {}), "T.K",
       false},
      {"its wildcard", "cam1.cams.example", subject_alt_name({"*.cams.example"}, {}), "T.K", false},
      {"empty", "cam1.cams.example", subject_alt_name({""}, {}), "T.K", false},
      {"another address", "10.20.0.1", subject_alt_name({}, {Bytes{10, 20, 0, 2}}), "T.K", false},
      {"address as a name", "10.20.0.1", subject_alt_name({"10.20.0.1"}, {}), "T.K", false},
      {"reverse name", "10.20.0.1", subject_alt_name({"1.0.20.10.in-addr.arpa"}, {}), "T.K", false},
      {"IPv4 in IPv6", "10.20.0.1",
       subject_alt_name({}, {Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 20, 0, 1}}), "T.K", false},
      {"three octets", "10.20.0.1", subject_alt_name({}, {Bytes{10, 20, 0}}), "T.K", false},
      {"with a mask", "10.20.0.1", subject_alt_name({}, {Bytes{10, 20, 0, 1, 255, 255, 255, 255}}), "T.K", false},
      {"name as an address", "cam1.cams.example", subject_alt_name({}, {v4}), "T.K", false},
      {"another digest", "cam1.cams.example", subject_alt_name({"cam1.cams.example"}, {}), "T.L", false},
      {"of the token alone", "cam1.cams.example", subject_alt_name({"cam1.cams.example"}, {}), "T", false},
  };
  for (auto const& c : cases) {
    auto const certificate = acme_certificate({c.subject_alt_name, acme_identifier(c.key_authorization)});
    auto const result =
        judge_tls_alpn_01(ossl::to_der(certificate.get(), i2d_X509), id_of(c.host), "T.K", "host (10.20.0.1)");
    EXPECT_EQ(result.ok(), c.ok) << c.name << (result.ok() ? "" : ": " + result.error().detail());
    if (!result.ok()) {
      EXPECT_EQ(result.error().code(), Errc::incorrect_response) << c.name;
    }
  }
}

TEST(JudgeTlsAlpn01, NothingFetchedIsRepeated) {  // RFC 8555 10.4
  auto const certificate = acme_certificate({subject_alt_name({"s3cr3t.intranet"}, {}), acme_identifier("T.K")});
  auto const result =
      judge_tls_alpn_01(ossl::to_der(certificate.get(), i2d_X509), id_of("cam1.cams.example"), "T.K", "host");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().detail().find("s3cr3t"), std::string::npos);
}

}  // namespace
}  // namespace lenscap::acme::test
