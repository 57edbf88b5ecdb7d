// What OpenSSL and GnuTLS, as programs of their own, say to our chains: good ones accepted, and ones that a thief of
// the issuing key could make outside the name constraints refused by both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

// certtool judges by the system's clock.
Time const kToday = SystemClock().now();

struct Verdicts {
  Outcome openssl;
  Outcome gnutls;          // trusting the root
  Outcome gnutls_as_sent;  // the chain by itself, as `certtool --verify-chain` judges
};

Verdicts judge(GeneratedCa const& ca, x509::Certificate const& leaf) {
  fakes::TempDir dir;
  put_file(dir.path("root.pem"), ca.root.pem());
  put_file(dir.path("issuing.pem"), ca.issuing.pem());
  put_file(dir.path("leaf.pem"), leaf.pem());
  put_file(dir.path("chain.pem"), leaf.pem() + ca.issuing.pem());
  put_file(dir.path("whole.pem"), leaf.pem() + ca.issuing.pem() + ca.root.pem());
  std::string const at = std::to_string(to_unix(kToday) + 60);
  return {
      run("openssl verify -x509_strict -purpose sslserver -attime " + at + " -CAfile " + dir.path("root.pem") +
          " -untrusted " + dir.path("issuing.pem") + " " + dir.path("leaf.pem")),
      run("certtool --verify --load-ca-certificate " + dir.path("root.pem") + " --infile " + dir.path("chain.pem")),
      run("certtool --verify-chain --infile " + dir.path("whole.pem")),
  };
}

x509::Certificate issue(TestCa const& test, x509::NameSet const& wanted, x509::KeyType type = x509::KeyType::ec_p256) {
  auto draft = test.issuer->prepare(profile("camera-https"), request(wanted, "camera-https", type), kToday);
  EXPECT_TRUE(draft.ok()) << (draft.ok() ? "" : draft.error().detail());
  return test.issuer->sign(*std::move(draft)).value();
}

TEST(Judges, InsideTheConstraintsAccepted) {
  TestCa const test(ceremony_settings(), kToday);
  struct Case {
    char const* name;
    x509::NameSet names;
    x509::KeyType type;
  };
  Case const cases[] = {
      {"name and address", names({"cam1.cams.example"}, {"10.20.4.119"}), x509::KeyType::ec_p256},
      {"name alone", names({"cam1.cams.example"}), x509::KeyType::ec_p384},
      {"the suffix itself", names({"cams.example"}), x509::KeyType::ec_p256},
      {"address alone", names({}, {"10.21.255.255"}), x509::KeyType::ec_p256},
      {"RSA key", names({"cam2.hq.cams.example"}, {"10.20.0.1"}), x509::KeyType::rsa},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    auto const verdicts = judge(test.ca, issue(test, c.names, c.type));
    EXPECT_EQ(verdicts.openssl.status, 0) << verdicts.openssl.output;
    EXPECT_EQ(verdicts.gnutls.status, 0) << verdicts.gnutls.output;
    EXPECT_EQ(verdicts.gnutls_as_sent.status, 0) << verdicts.gnutls_as_sent.output;
  }
}

TEST(Judges, ForgedOutsideTheConstraintsRefused) {
  TestCa const test(ceremony_settings(), kToday);
  auto const profile_used = profile("camera-https");
  struct Case {
    char const* name;
    x509::NameSet names;
  };
  Case const cases[] = {
      {"foreign name", names({"bank.example"})},
      {"name that only ends alike", names({"evilcams.example"})},
      {"foreign name beside a permitted one", names({"cam1.cams.example", "bank.example"})},
      {"foreign address", names({}, {"192.168.1.1"})},
      {"IPv6, of which nothing is permitted", names({}, {"fd00::1"})},
      {"loopback", names({}, {"127.0.0.1"})},
      {"foreign address beside a permitted name", names({"cam1.cams.example"}, {"10.22.0.0"})},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    auto const what = build_template(profile_used, request(c.names), {test.ca.issuing, test.issuer->ca_issuers_url()},
                                     new_serial(kToday), kToday);
    auto const verdicts = judge(test.ca, forge(test.ca, what));
    EXPECT_NE(verdicts.openssl.status, 0) << verdicts.openssl.output;
    EXPECT_THAT(verdicts.openssl.output, HasSubstr("permitted subtree violation"));
    EXPECT_NE(verdicts.gnutls.status, 0) << verdicts.gnutls.output;
    EXPECT_NE(verdicts.gnutls_as_sent.status, 0) << verdicts.gnutls_as_sent.output;
  }
}

// With one name type permitted the other is excluded, not left unlimited.
TEST(Judges, ForgedOfATypeThatWasNotPermittedRefused) {
  struct Case {
    char const* name;
    std::vector<std::string> dns, ip;
    char const* url;
    x509::NameSet good, bad;
  };
  Case const cases[] = {
      {"only DNS",
       {"cams.example"},
       {},
       "https://pki.cams.example",
       names({"a.cams.example"}),
       names({}, {"10.20.0.1"})},
      {"only IP", {}, {"10.20.0.0/15"}, "https://10.20.0.2", names({}, {"10.20.0.1"}), names({"a.cams.example"})},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    CeremonySettings settings = ceremony_settings();
    settings.permit_dns = c.dns;
    settings.permit_ip = c.ip;
    settings.url = c.url;
    TestCa const test(settings, kToday);
    auto const good = judge(test.ca, issue(test, c.good));
    EXPECT_EQ(good.openssl.status, 0) << good.openssl.output;
    EXPECT_EQ(good.gnutls.status, 0) << good.gnutls.output;
    auto const what = build_template(profile("camera-https"), request(c.bad),
                                     {test.ca.issuing, test.issuer->ca_issuers_url()}, new_serial(kToday), kToday);
    auto const bad = judge(test.ca, forge(test.ca, what));
    EXPECT_NE(bad.openssl.status, 0) << bad.openssl.output;
    EXPECT_NE(bad.gnutls.status, 0) << bad.gnutls.output;
  }
}

// The reason for the rule that a common name is written only beside a DNS name: judges test it against the DNS
// constraints when the certificate has addresses alone, and refuse even a camera's own address as text.
TEST(Judges, CommonNameWithAddressesAloneRefused) {
  TestCa const test(ceremony_settings(), kToday);
  struct Case {
    char const* common_name;
    bool openssl_accepts;
  };
  // OpenSSL looks at a common name that reads like a host name of more than one label; GnuTLS at any.
  Case const cases[] = {{"10.20.4.119", false}, {"camera-4.example", false}, {"camera-4", true}, {"Lobby", true}};
  for (Case const& c : cases) {
    SCOPED_TRACE(c.common_name);
    auto what = build_template(profile("camera-https"), request(names({}, {"10.20.4.119"})),
                               {test.ca.issuing, test.issuer->ca_issuers_url()}, new_serial(kToday), kToday);
    auto const without = judge(test.ca, forge(test.ca, what));
    ASSERT_EQ(without.openssl.status, 0) << without.openssl.output;
    ASSERT_EQ(without.gnutls.status, 0) << without.gnutls.output;
    what.subject_name = encode_name({}, c.common_name);
    auto const verdicts = judge(test.ca, forge(test.ca, what));
    EXPECT_EQ(verdicts.openssl.status == 0, c.openssl_accepts) << verdicts.openssl.output;
    EXPECT_NE(verdicts.gnutls.status, 0) << verdicts.gnutls.output;
  }
}

// A leaf cannot sign another: path length 0 and CA:FALSE.
TEST(Judges, CertificateBelowTheIssuingCaCannotIssue) {
  TestCa const test(ceremony_settings(), kToday);
  auto what = build_template(profile("camera-https"), request(names({"cam1.cams.example"})),
                             {test.ca.issuing, test.issuer->ca_issuers_url()}, new_serial(kToday), kToday);
  auto const middle_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  what.key = middle_key.public_key();
  what.is_ca = true;
  what.names = {};
  what.extended_key_usage = {};
  auto const middle = forge(test.ca, what);
  auto leaf_template = build_template(profile("camera-https"), request(names({"cam2.cams.example"})),
                                      {middle, test.issuer->ca_issuers_url()}, new_serial(kToday), kToday);
  auto const algorithm = signature_algorithm(middle.key());
  Bytes const tbs = encode_tbs(leaf_template, algorithm);
  auto const leaf =
      x509::Certificate::from_der(assemble_certificate(tbs, algorithm, middle_key.sign(algorithm.hash, tbs))).value();
  fakes::TempDir dir;
  put_file(dir.path("root.pem"), test.ca.root.pem());
  put_file(dir.path("between.pem"), middle.pem() + test.ca.issuing.pem());
  put_file(dir.path("leaf.pem"), leaf.pem());
  auto const verdict =
      run("openssl verify -attime " + std::to_string(to_unix(kToday) + 60) + " -CAfile " + dir.path("root.pem") +
          " -untrusted " + dir.path("between.pem") + " " + dir.path("leaf.pem"));
  EXPECT_NE(verdict.status, 0);
  EXPECT_THAT(verdict.output, HasSubstr("path length constraint exceeded"));
}

}  // namespace
}  // namespace lenscap::ca::test
