// Debian's certbot gets a certificate by http-01 with an external account key whose scope says `prove`, renews it, and
// is refused a name outside. The names are answered by a DNS server of the test's own, the challenge by certbot's own
// web server; openssl judges the result.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/json.h"
#include "tests/fakes/ca_process.h"
#include "tests/fakes/dns_server.h"

namespace lenscap {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Certbot : public ::testing::Test {
 protected:
  fakes::DnsServer dns;
  unsigned short challenge_port = fakes::free_port();
  fakes::CaProcess ca{"http_port = " + std::to_string(challenge_port) + "\nresolver = [\"" + dns.resolver() + "\"]\n"};

  e2e::Ran certbot(std::vector<std::string> const& words) {
    std::vector<std::string> all{"env",
                                 "REQUESTS_CA_BUNDLE=" + ca.root(),
                                 "certbot",
                                 "--non-interactive",
                                 "--config-dir",
                                 ca.path("certbot"),
                                 "--work-dir",
                                 ca.path("certbot"),
                                 "--logs-dir",
                                 ca.path("certbot"),
                                 "--server",
                                 ca.directory(),
                                 "--http-01-port",
                                 std::to_string(challenge_port),
                                 "--http-01-address",
                                 "127.0.0.1"};
    all.insert(all.end(), words.begin(), words.end());
    return ca.programs().run(std::move(all));
  }
  // Without it nothing is shown: a skipped test is fine on a desk, and a lie in CI.
  bool has_certbot() {
    if (ca.programs().run({"certbot", "--version"}).code == 0) return true;
    auto const* ci = std::getenv("CI");
    EXPECT_FALSE(ci != nullptr && std::string_view(ci) == "true") << "CI must have certbot: ./dev setup";
    return false;
  }
  std::vector<std::string> certonly(std::vector<std::string> const& more) {
    auto const made = ca.run([&] {
      std::vector<std::string> create{"--output", "json", "eab", "create"};
      create.insert(create.end(), more.begin(), more.end());
      return create;
    }());
    EXPECT_EQ(made.code, 0) << made.all();
    auto const eab = json::parse_object(made.out).value();
    return {"certonly",       "--standalone",
            "--agree-tos",    "--register-unsafely-without-email",
            "--eab-kid",      json::need_string(eab, "kid").value(),
            "--eab-hmac-key", json::need_string(eab, "mac_key").value()};
  }
  void expect_verified(std::string const& live, std::string const& name) {
    auto const verified =
        ca.programs().run({"openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", name,
                           "-CAfile", ca.root(), "-untrusted", live + "/chain.pem", live + "/cert.pem"});
    EXPECT_EQ(verified.code, 0) << verified.all();
  }
  // The answers of the server, word for word; certbot's own output hides them.
  std::string certbot_log() { return fakes::CaProcess::read(ca.path("certbot/letsencrypt.log")); }
  std::string openssl_serial(std::string const& file) {
    return ca.programs().run({"openssl", "x509", "-in", file, "-noout", "-serial"}).out;
  }
};

TEST_F(Certbot, GetsACertificateByHttp01AndRenewsIt) {
  if (!has_certbot()) GTEST_SKIP() << "certbot is not installed (./dev setup)";
  dns.set("cam1.cams.example", {"127.0.0.1"});
  dns.set("cam2.cams.example", {"127.0.0.1"});
  ca.serve();
  auto words = certonly({"--prove-dns", "cams.example"});
  words.insert(words.end(), {"-d", "cam1.cams.example", "-d", "cam2.cams.example"});
  auto const got = certbot(words);
  ASSERT_EQ(got.code, 0) << got.all() << ca.log();
  auto const live = ca.path("certbot/live/cam1.cams.example");
  for (auto const* name : {"cam1.cams.example", "cam2.cams.example"}) expect_verified(live, name);

  auto const first = openssl_serial(live + "/cert.pem");
  auto const renewed = certbot({"renew", "--force-renewal", "--no-random-sleep-on-renew"});
  EXPECT_EQ(renewed.code, 0) << renewed.all() << ca.log();
  EXPECT_NE(openssl_serial(live + "/cert.pem"), first);

  auto const refused = certbot({"certonly", "--standalone", "-d", "cam1.other.example"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(certbot_log(), HasSubstr("urn:ietf:params:acme:error:rejectedIdentifier"));
  dns.set("away.cams.example", {"127.0.0.2"});  // certbot does not listen there: the reason must reach its user
  auto const failed = certbot({"certonly", "--standalone", "-d", "away.cams.example"});
  EXPECT_NE(failed.code, 0);
  EXPECT_THAT(failed.all(), HasSubstr("connection"));
  EXPECT_EQ(ca.stop(), 0);
}

// A granted name needs no proof: nobody answers for it, and no challenge is tried.
TEST_F(Certbot, GetsAGrantedNameWithoutAnyProof) {
  if (!has_certbot()) GTEST_SKIP() << "certbot is not installed (./dev setup)";
  ca.serve();
  auto words = certonly({"--grant-dns", "cams.example"});
  words.insert(words.end(), {"-d", "gate.cams.example"});
  auto const got = certbot(words);
  ASSERT_EQ(got.code, 0) << got.all() << ca.log();
  expect_verified(ca.path("certbot/live/gate.cams.example"), "gate.cams.example");
  EXPECT_THAT(ca.log(), Not(HasSubstr("validation.done")));
  EXPECT_EQ(ca.stop(), 0);
}

}  // namespace
}  // namespace lenscap
