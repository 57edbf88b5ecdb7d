// Stock clients of a server whose CA is an intermediate of a corporate root: they trust that root and nothing else, and
// so do the judges of what they get. acme-tiny meets each kind of parent; certbot, lego, dehydrated, uacme and Caddy
// order and renew below one that has a policy CA between, so that the chain they get is longer than one of ours.
#include <optional>

#include "tests/interop/client_site.h"
#include "tests/interop/uacme.h"

namespace lenscap::interop {
namespace {

using Tool = fakes::Corporation::Tool;

std::size_t certificates_in(std::string const& file) {
  auto const text = fakes::CaProcess::read(file);
  std::size_t found = 0;
  for (auto at = text.find("BEGIN CERT"); at != std::string::npos; at = text.find("BEGIN CERT", at + 1)) ++found;
  return found;
}

// Gets a certificate of cam1.cams.example by acme-tiny; the file with the chain that it printed.
std::string acme_tiny(ClientSite& site) {
  auto const folder = site.folder("tiny");
  EXPECT_EQ(site.run({"openssl", "genrsa", "-out", folder + "/account.key", "2048"}).code, 0);
  auto const asked =
      site.run({"openssl", "req", "-new", "-nodes", "-subj", "/", "-addext", "subjectAltName=DNS:cam1.cams.example",
                "-newkey", "rsa:2048", "-keyout", folder + "/key.pem", "-out", folder + "/csr.pem"});
  EXPECT_EQ(asked.code, 0) << asked.all();
  auto const got = site.run({"env", "SSL_CERT_FILE=" + site.ca().root(), "acme-tiny", "--account-key",
                             folder + "/account.key", "--csr", folder + "/csr.pem", "--acme-dir", site.challenges(),
                             "--disable-check", "--directory-url", site.ca().directory()});
  EXPECT_EQ(got.code, 0) << got.all() << site.ca().log();
  auto const chain = folder + "/chain.pem";
  std::ofstream(chain) << got.out;
  return chain;
}

TEST(CorporateRoot, AClientThatTrustsItAloneGetsACertificateThatItVouchesFor) {
  struct Case {
    char const* name;
    fakes::Corporation::Options parent;
  };
  std::string const ca_use = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n";
  Case const cases[] = {
      {"openssl ca, RSA-4096, a policy CA between",
       {.tool = Tool::openssl_ca, .root_key = "RSA -pkeyopt rsa_keygen_bits:4096", .has_policy_ca = true}},
      {"certtool, P-256, a policy CA between",
       {.tool = Tool::certtool, .root_key = "EC -pkeyopt ec_paramgen_curve:P-256", .has_policy_ca = true}},
      {"openssl x509, P-384, a policy CA between",
       {.root_key = "EC -pkeyopt ec_paramgen_curve:P-384", .has_policy_ca = true}},
      {"Microsoft-like template, RSA-2048",
       {.root_key = "RSA -pkeyopt rsa_keygen_bits:2048",
        .root_subject =
            "/DC=com/DC=example/DC=corp/OU=Public Key Services/CN=Example Corporation Enterprise Root CA 01",
        .issuer_use = ca_use + "1.3.6.1.4.1.311.21.1=DER:020100\n"
                               "1.3.6.1.4.1.311.20.2=DER:1e0a00530075006200430041\n"
                               "extendedKeyUsage=serverAuth,clientAuth\n",
        .issuer_subject = "/DC=com/DC=example/DC=corp/OU=Public Key Services/OU=Services/CN=Cameras Issuing CA 01"}},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    fakes::Corporation parent(c.parent);
    ClientSite site({}, &parent);
    LENSCAP_NEED(site.has("acme-tiny"), "acme-tiny");
    site.serve(ClientSite::kOpen, ClientSite::kOpenTables);
    site.serve_webroot();
    auto const chain = acme_tiny(site);
    site.expect_certificate(chain, {"DNS:cam1.cams.example"}, "RSA-2048");
    EXPECT_EQ(certificates_in(chain), c.parent.has_policy_ca ? 3U : 2U);
    site.stop();
  }
}

// Below one parent for all of them, since making a CA costs seconds.
class CorporateRootClients : public ::testing::Test {
 protected:
  static void TearDownTestSuite() {
    if (site_) site_->stop();
    site_.reset();
    parent_.reset();
  }
  void SetUp() override {
    if (site_) return;
    parent_.emplace(fakes::Corporation::Options{.tool = Tool::openssl_ca, .has_policy_ca = true});
    site_.emplace(ChallengePorts{}, &*parent_);
    site_->serve();
    eab_ = site_->eab();
  }
  static ClientSite& site() { return *site_; }
  static Eab const& eab() { return eab_; }
  static std::string http_address() { return "127.0.0.1:" + std::to_string(site().http_port()); }

  // Each command leaves a certificate in the file, with all that stands between it and the root.
  static void expect_order_and_renewal(std::string const& file, std::vector<std::string> const& order,
                                       std::vector<std::string> const& renewal) {
    std::string before;
    for (auto const* command : {&order, &renewal}) {
      auto const ran = site().run(*command);
      ASSERT_EQ(ran.code, 0) << ran.all() << site().ca().log();
      before = expect_new_certificate(file, before);
    }
  }
  // The serial number.
  static std::string expect_new_certificate(std::string const& file, std::string const& before) {
    auto const found = site().expect_certificate(file, {"DNS:cam1.cams.example"});
    EXPECT_NE(found.serial, before);
    EXPECT_EQ(certificates_in(file), 3U);
    return found.serial;
  }

 private:
  static inline std::optional<fakes::Corporation> parent_;
  static inline std::optional<ClientSite> site_;
  static inline Eab eab_;
};

std::vector<std::string> joined(std::vector<std::string> words, std::vector<std::string> const& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST_F(CorporateRootClients, CertbotOrdersAndRenews) {
  LENSCAP_NEED_CLIENT("certbot");
  auto const folder = site().folder("certbot");
  std::vector<std::string> const certbot{"env",          "REQUESTS_CA_BUNDLE=" + site().ca().root(),
                                         "certbot",      "--non-interactive",
                                         "--config-dir", folder,
                                         "--work-dir",   folder,
                                         "--logs-dir",   folder,
                                         "--server",     site().ca().directory()};
  auto const order = joined(
      certbot, {"certonly", "--agree-tos", "--register-unsafely-without-email", "--eab-kid", eab().kid,
                "--eab-hmac-key", eab().mac_key, "--standalone", "--http-01-port", std::to_string(site().http_port()),
                "--http-01-address", "127.0.0.1", "-d", "cam1.cams.example"});
  expect_order_and_renewal(folder + "/live/cam1.cams.example/fullchain.pem", order,
                           joined(certbot, {"renew", "--force-renewal", "--no-random-sleep-on-renew"}));
}

TEST_F(CorporateRootClients, LegoOrdersAndRenews) {
  LENSCAP_NEED_CLIENT("lego");
  auto const folder = site().folder("lego");
  std::vector<std::string> const lego{"env",
                                      "LEGO_CA_CERTIFICATES=" + site().ca().root(),
                                      "lego",
                                      "--server",
                                      site().ca().directory(),
                                      "--path",
                                      folder,
                                      "--accept-tos",
                                      "--email",
                                      "keeper@cams.example",
                                      "--key-type",
                                      "ec256",
                                      "--domains",
                                      "cam1.cams.example",
                                      "--http",
                                      "--http.port",
                                      http_address(),
                                      "--eab",
                                      "--kid",
                                      eab().kid,
                                      "--hmac",
                                      eab().mac_key};
  expect_order_and_renewal(folder + "/certificates/cam1.cams.example.crt", joined(lego, {"run"}),
                           joined(lego, {"renew", "--days", "3650", "--no-random-sleep"}));
}

TEST_F(CorporateRootClients, DehydratedOrdersAndRenews) {
  LENSCAP_NEED_CLIENT("dehydrated");
  site().serve_webroot();
  auto const folder = site().folder("dehydrated");
  auto const config =
      site().write("dehydrated/config",
                   "CA='" + site().ca().directory() + "'\nBASEDIR='" + folder + "'\nWELLKNOWN='" + site().challenges() +
                       "'\nCHALLENGETYPE=http-01\nKEY_ALGO=prime256v1\nACCOUNT_KEYSIZE=2048\n"
                       "CURL_OPTS='--cacert " +
                       site().ca().root() + "'\nEAB_KID='" + eab().kid + "'\nEAB_HMAC_KEY='" + eab().mac_key + "'\n");
  auto const made = site().run({"dehydrated", "--config", config, "--register", "--accept-terms"});
  ASSERT_EQ(made.code, 0) << made.all() << site().ca().log();
  std::vector<std::string> const order{"dehydrated", "--config", config, "--cron", "--domain", "cam1.cams.example"};
  expect_order_and_renewal(folder + "/certs/cam1.cams.example/fullchain.pem", order,
                           joined(order, {"--force", "--force-validation"}));
  site().stop_webroot();
}

TEST_F(CorporateRootClients, UacmeOrdersAndRenews) {
  LENSCAP_NEED_CLIENT("uacme");
  LENSCAP_NEED(can_run_uacme(site()), "a mount namespace");
  site().serve_webroot();
  auto const folder = site().folder("uacme");
  auto const hook = site().write("uacme-hook",
                                 "#!/bin/sh\n[ \"$2\" = http-01 ] || exit 1\nfile='" + site().challenges() +
                                     "'/\"$4\"\n"
                                     "if [ $1 = begin ]; then printf %s \"$5\" >\"$file\"; else rm \"$file\"; fi\n",
                                 true);
  auto const uacme = uacme_command(site(), folder, hook);
  auto const made = site().run(joined(uacme, {"--eab", eab().kid + ":" + eab().mac_key, "new", "keeper@cams.example"}));
  ASSERT_EQ(made.code, 0) << made.all() << site().ca().log();
  expect_order_and_renewal(folder + "/cam1.cams.example/cert.pem", joined(uacme, {"issue", "cam1.cams.example"}),
                           joined(uacme, {"--days", "3650", "issue", "cam1.cams.example"}));
  site().stop_webroot();
}

// A server that runs on: it renews when it is started with a window that is the whole lifetime.
TEST_F(CorporateRootClients, CaddyOrdersAndRenews) {
  LENSCAP_NEED_CLIENT("caddy");
  auto const folder = site().folder("caddy");
  auto issuer = site().ca().directory().substr(8);  // without https://
  for (auto& c : issuer)
    if (c == ':' || c == '/') c = '-';
  auto const chain = folder + "/certificates/" + issuer + "/cam1.cams.example/cam1.cams.example.crt";
  std::string before;
  struct Case {
    char const* policy;
    char const* words;
  };
  for (auto const& [policy, words] : {Case{"", "certificate obtained successfully"},
                                      Case{R"("renewal_window_ratio": 1.0,)", "certificate renewed successfully"}}) {
    auto const config = site().write("caddy/caddy.json", R"({"admin": {"disabled": true, "config": {"persist": false}},
"storage": {"module": "file_system", "root": ")" + folder + R"("},
"apps": {"tls": {"certificates": {"automate": ["cam1.cams.example"]}, "automation": {"policies": [{
  "key_type": "p256",)" + policy + R"(
  "issuers": [{"module": "acme", "ca": ")" + site().ca().directory() +
                                                             R"(", "email": "keeper@cams.example",
    "external_account": {"key_id": ")" + eab().kid + R"(", "mac_key": ")" +
                                                             eab().mac_key + R"("},
    "trusted_roots_pem_files": [")" + site().ca().root() + R"("],
    "challenges": {"bind_host": "127.0.0.1", "http": {"alternate_port": )" +
                                                             std::to_string(site().http_port()) +
                                                             R"(}, "tls-alpn": {"disabled": true}}}]}]}}}})");
    e2e::Background caddy({"env", "HOME=" + folder, "XDG_DATA_HOME=" + folder, "XDG_CONFIG_HOME=" + folder, "caddy",
                           "run", "--config", config},
                          folder + "/log");
    auto const decided = [&, said = words] {
      auto const log = caddy.log();
      return log.find(said) != std::string::npos || log.find("will retry") != std::string::npos || !caddy.alive();
    };
    e2e::until(decided, 60);
    ASSERT_THAT(caddy.log(), ::testing::HasSubstr(words)) << site().ca().log();
    before = expect_new_certificate(chain, before);
    EXPECT_EQ(caddy.stop(), 0) << caddy.log();
  }
}

}  // namespace
}  // namespace lenscap::interop
