// Debian's acme-tiny, two hundred lines of Python: one challenge (http-01, through a file), one request, a certificate
// on standard output. Account and certificate keys are the user's; there is no EAB, no renewal but the same again, no
// revocation, no address, no wildcard.
#include "tests/interop/client_site.h"

namespace lenscap::interop {
namespace {

using ::testing::HasSubstr;

class AcmeTiny : public ClientTest {
 protected:
  // With the account key of this folder and a new key for the certificate; what it prints goes to chain.pem there.
  static e2e::Ran acme_tiny(std::string const& name, std::vector<std::string> const& names,
                            std::string const& key = "rsa:2048") {
    auto const folder = site().folder(name);
    auto const account = folder + "/account.key";
    if (!std::filesystem::exists(account)) site().run({"openssl", "genrsa", "-out", account, "2048"});
    std::string alternative = "subjectAltName=";
    for (auto const& one : names) alternative += (alternative.back() == '=' ? "DNS:" : ",DNS:") + one;
    std::vector<std::string> request{"openssl", "req",
                                     "-new",    "-nodes",
                                     "-subj",   "/",
                                     "-addext", alternative,
                                     "-keyout", folder + "/key.pem",
                                     "-out",    folder + "/csr.pem"};
    if (key.starts_with("ec:"))
      request.insert(request.end(), {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:" + key.substr(3)});
    else
      request.insert(request.end(), {"-newkey", key});
    auto const made = site().run(request);
    EXPECT_EQ(made.code, 0) << made.all();
    auto ran = site().run({"env", "SSL_CERT_FILE=" + site().ca().root(), "acme-tiny", "--account-key", account, "--csr",
                           folder + "/csr.pem", "--acme-dir", site().challenges(), "--disable-check", "--directory-url",
                           site().ca().directory()});
    std::ofstream(chain(name)) << ran.out;
    return ran;
  }
  static std::string chain(std::string const& name) { return site().path(name + "/chain.pem"); }
};

// The same again is how it renews: the account is there already (200), and so is the authorization.
TEST_F(AcmeTiny, GetsACertificateByHttp01AndTheSameAgain) {
  LENSCAP_NEED_CLIENT("acme-tiny");
  site().serve(ClientSite::kOpen, ClientSite::kOpenTables);
  site().serve_webroot();
  auto const got = acme_tiny("tiny", {"cam1.cams.example", "cam2.cams.example"});
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  std::vector<std::string> const names{"DNS:cam1.cams.example", "DNS:cam2.cams.example"};
  auto const first = site().expect_certificate(chain("tiny"), names, "RSA-2048");
  auto const again = acme_tiny("tiny", {"cam1.cams.example", "cam2.cams.example"}, "ec:P-256");
  ASSERT_EQ(again.code, 0) << again.all() << site().ca().log();
  EXPECT_NE(site().expect_certificate(chain("tiny"), names).serial, first.serial);
}

TEST_F(AcmeTiny, TellsItsUserWhyNothingCame) {
  LENSCAP_NEED_CLIENT("acme-tiny");
  site().serve(ClientSite::kOpen, ClientSite::kOpenTables);
  auto const outside = acme_tiny("tiny-outside", {"cam1.other.example"});
  EXPECT_NE(outside.code, 0);
  EXPECT_THAT(outside.all(), HasSubstr("rejectedIdentifier"));
  site().serve();
  auto const unbound = acme_tiny("tiny-unbound", {"cam1.cams.example"});
  EXPECT_NE(unbound.code, 0);
  EXPECT_THAT(unbound.all(), HasSubstr("externalAccountRequired"));
}

TEST_F(AcmeTiny, SurvivesChaosAsDocumented) {
  LENSCAP_NEED_CLIENT("acme-tiny");
  site().serve_webroot();
  int run = 0;
  expect_as_documented(
      "acme-tiny", debian_version("acme-tiny"),
      [&](std::string const& name, e2e::Ran& ran) {
        auto const folder = "chaos" + std::to_string(++run);
        ran = acme_tiny(folder, {name});
        return chain(folder);
      },
      ClientSite::kOpen, ClientSite::kOpenTables);
}

}  // namespace
}  // namespace lenscap::interop
