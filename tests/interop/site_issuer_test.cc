// A stock client whose external account key names an issuer: what lego gets and renews is signed by that one, over a
// roll-over by what took its place, and by nothing else when both are gone. Who signed is said by openssl, which trusts
// the site's issuing certificate alone.
#include "tests/interop/client_site.h"

namespace lenscap::interop {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr char const* kHost = "cam1.cams.example";

class SiteIssuer : public ClientTest {
 protected:
  static std::string issuing(std::string const& issuer) {
    return issuer == "default" ? site().ca().issuing() : site().ca().state() + "/issuers/" + issuer + "/issuing.pem";
  }
  static void issuer(std::vector<std::string> words) {
    auto const root = site().write("root.words", "the root's own words\n", true);
    words.insert(words.begin(), "issuer");
    words.insert(words.end(), {"--passphrase-file", root});
    auto const made = site().ca().run(words);
    ASSERT_EQ(made.code, 0) << made.all();
  }
  static Eab eab_of(std::string const& issuer) {
    return site().eab({"--prove-dns", "cams.example", "--issuer", issuer});
  }
  static e2e::Ran lego(std::string const& folder, Eab const& eab, std::vector<std::string> const& command) {
    std::vector<std::string> words{"env",
                                   "LEGO_CA_CERTIFICATES=" + site().ca().root(),
                                   "lego",
                                   "--server",
                                   site().ca().directory(),
                                   "--path",
                                   site().folder(folder),
                                   "--accept-tos",
                                   "--email",
                                   "keeper@cams.example",
                                   "--domains",
                                   kHost,
                                   "--http",
                                   "--http.port",
                                   "127.0.0.1:" + std::to_string(site().http_port()),
                                   "--eab",
                                   "--kid",
                                   eab.kid,
                                   "--hmac",
                                   eab.mac_key};
    words.insert(words.end(), command.begin(), command.end());
    return site().run(std::move(words));
  }
  // By which of these the certificate was signed, as openssl tells; and whether the chain that came with it leads up to
  // the root.
  static std::vector<std::string> signers(std::string const& folder, std::vector<std::string> const& issuers) {
    auto const chain = site().path(folder + "/certificates/" + kHost + ".crt");
    auto const whole = site().run({"openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname",
                                   kHost, "-CAfile", site().ca().root(), "-untrusted", chain, chain});
    EXPECT_EQ(whole.code, 0) << whole.all();
    std::vector<std::string> found;
    for (auto const& each : issuers)
      if (site().run({"openssl", "verify", "-partial_chain", "-trusted", issuing(each), chain}).code == 0)
        found.push_back(each);
    return found;
  }
};

// Both sites may name all that the default may; without a scope it would be plant4 that signs. First with the key in
// the signer's process, then in the server's own.
TEST_F(SiteIssuer, SignsWhatAClientOfItsKeyOrdersAndRenews) {
  LENSCAP_NEED_CLIENT("lego");
  issuer({"create", "--site", "plant4"});
  issuer({"create", "--site", "plant8"});
  site().serve();
  auto const of_plant8 = eab_of("plant8");
  auto const of_default = eab_of("default");
  std::vector<std::string> all{"default", "plant4", "plant8"};
  auto const renew = std::vector<std::string>{"renew", "--days", "3650", "--no-random-sleep"};

  auto const got = lego("plant8", of_plant8, {"run"});
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  EXPECT_EQ(signers("plant8", all), std::vector<std::string>{"plant8"});
  auto const other = lego("default", of_default, {"run"});
  ASSERT_EQ(other.code, 0) << other.all() << site().ca().log();
  EXPECT_EQ(signers("default", all), std::vector<std::string>{"default"});
  auto const free = lego("free", site().eab(), {"run"});
  ASSERT_EQ(free.code, 0) << free.all() << site().ca().log();
  EXPECT_EQ(signers("free", all), std::vector<std::string>{"plant4"});

  issuer({"roll-over", "--of", "plant8", "--after", "0s"});
  all.emplace_back("plant8-2");
  site().serve("", "[signer]\nprocess = false\n");
  auto const renewed = lego("plant8", of_plant8, renew);
  ASSERT_EQ(renewed.code, 0) << renewed.all() << site().ca().log();
  EXPECT_EQ(signers("plant8", all), std::vector<std::string>{"plant8-2"});

  // Its folders are gone: the client hears why, and gets nothing of plant4, which may name all of this.
  site().stop();
  for (auto const* name : {"plant8", "plant8-2"})
    fs::rename(site().ca().state() + "/issuers/" + name, site().path(std::string("away-") + name));
  site().serve();
  auto const before = site().read_certificate(site().path("plant8/certificates/" + std::string(kHost) + ".crt"));
  auto const refused = lego("plant8", of_plant8, renew);
  EXPECT_NE(refused.code, 0) << refused.all();
  EXPECT_THAT(refused.all(), HasSubstr("only the issuer plant8 may sign this: this CA does not have it (any more)"));
  EXPECT_THAT(site().ca().log(), HasSubstr("order.put_off"));
  EXPECT_EQ(site().read_certificate(site().path("plant8/certificates/" + std::string(kHost) + ".crt")).serial,
            before.serial);
  auto const doctor = site().ca().run({"doctor"});
  EXPECT_THAT(doctor.out, HasSubstr("who orders under " + of_plant8.kid + " gets nothing"));
  auto const again = lego("default", of_default, renew);
  EXPECT_EQ(again.code, 0) << again.all() << site().ca().log();

  // A key for what is not there, or may not name it, is not even made.
  auto const unknown = site().ca().run({"eab", "create", "--grant-dns", "cams.example", "--issuer", "plant8"});
  EXPECT_EQ(unknown.code, 2) << unknown.all();
  EXPECT_THAT(unknown.err, HasSubstr("there is: default, plant4"));
  EXPECT_THAT(site().ca().run({"eab", "list"}).out, HasSubstr("plant8"));
}

}  // namespace
}  // namespace lenscap::interop
