// Debian's Caddy as a client (certmagic): a web server that gets and renews its own certificates, by http-01 and by
// tls-alpn-01 in its own TLS server; EAB, addresses, each kind of key. Debian's has no DNS provider, so no dns-01 and
// no wildcards; it knows no ARI, no key change, and revokes nothing. It runs until it is stopped, and its log says when
// a certificate has come.
#include "tests/interop/client_site.h"

namespace lenscap::interop {
namespace {

using ::testing::HasSubstr;

struct Options {
  Eab const* eab = nullptr;
  std::string challenge = "http";  // or "tls-alpn"
  std::string key = "p256";
  std::string policy{};  // more members of the automation policy
  std::string apps{};    // more apps
};

class Caddy : public ClientTest {
 protected:
  // `name`: its folder, with an account and certificates. It serves nothing unless there are more apps.
  static std::unique_ptr<e2e::Background> caddy(std::string const& name, std::string const& subject,
                                                Options const& options) {
    auto const folder = site().folder(name);
    auto const tls_port = std::to_string(site().tls_port());
    auto const http_port = std::to_string(site().http_port());
    std::string const other = options.challenge == "http" ? "tls-alpn" : "http";
    std::string const port = options.challenge == "http" ? http_port : tls_port;
    std::string const binding = options.eab == nullptr ? ""
                                                       : R"("external_account": {"key_id": ")" + options.eab->kid +
                                                             R"(", "mac_key": ")" + options.eab->mac_key + R"("},)";
    auto const config =
        site().write(name + "/caddy.json", R"({"admin": {"disabled": true, "config": {"persist": false}},
"storage": {"module": "file_system", "root": ")" +
                                               folder +
                                               R"("},
"apps": {)" + options.apps + R"("tls": {
  "certificates": {"automate": [")" + subject + R"("]},
  "automation": {"policies": [{
    "key_type": ")" + options.key + R"(",)" + options.policy +
                                               R"(
    "issuers": [{
      "module": "acme", "ca": ")" + site().ca().directory() +
                                               R"(", "email": "keeper@cams.example", )" + binding +
                                               R"(
      "trusted_roots_pem_files": [")" + site().ca().root() +
                                               R"("],
      "challenges": {
        "bind_host": "127.0.0.1",
        ")" + options.challenge + R"(": {"alternate_port": )" +
                                               port + R"(},
        ")" + other + R"(": {"disabled": true}}}]}]}}}})");
    return std::make_unique<e2e::Background>(
        std::vector<std::string>{"env", "HOME=" + folder, "XDG_DATA_HOME=" + folder, "XDG_CONFIG_HOME=" + folder,
                                 "caddy", "run", "--config", config},
        folder + "/log");
  }
  // Until its log has this; false when a try has failed, after which it would wait a minute.
  static bool comes_to(e2e::Background& caddy, std::string const& words = "certificate obtained successfully") {
    bool has_come = false;
    auto const ended = [&] {
      auto const log = caddy.log();
      has_come = log.find(words) != std::string::npos;
      return has_come || log.find("will retry") != std::string::npos || !caddy.alive();
    };
    e2e::until(ended, 60);
    return has_come;
  }
  static std::string chain(std::string const& name, std::string const& subject) {
    auto issuer = site().ca().directory().substr(8);  // without https://
    for (auto& c : issuer)
      if (c == ':' || c == '/') c = '-';
    return site().path(name + "/certificates/" + issuer + "/" + subject + "/" + subject + ".crt");
  }
};

TEST_F(Caddy, GetsACertificateByHttp01AndRenewsIt) {
  LENSCAP_NEED_CLIENT("caddy");
  site().serve();
  auto const eab = site().eab();
  auto client = caddy("http", "cam1.cams.example", {.eab = &eab});
  ASSERT_TRUE(comes_to(*client)) << client->log() << site().ca().log();
  auto const first = site().expect_certificate(chain("http", "cam1.cams.example"), {"DNS:cam1.cams.example"});
  EXPECT_EQ(client->stop(), 0) << client->log();

  // All of the lifetime is time to renew.
  client = caddy("http", "cam1.cams.example", {.policy = R"("renewal_window_ratio": 1.0,)"});
  ASSERT_TRUE(comes_to(*client, "certificate renewed successfully")) << client->log() << site().ca().log();
  auto const second = site().expect_certificate(chain("http", "cam1.cams.example"), {"DNS:cam1.cams.example"});
  EXPECT_NE(second.serial, first.serial);
}

// As people run it: the server that browsers reach answers the challenge as well.
TEST_F(Caddy, GetsACertificateByTlsAlpn01InTheServerThatUsesIt) {
  LENSCAP_NEED_CLIENT("caddy");
  site().serve();
  auto const eab = site().eab();
  auto const port = std::to_string(site().tls_port());
  auto client = caddy(
      "alpn", "cam1.cams.example",
      {.eab = &eab, .challenge = "tls-alpn", .apps = R"("http": {"https_port": )" + port + R"(, "servers": {"site": {
  "listen": ["127.0.0.1:)" + port + R"("], "automatic_https": {"disable_redirects": true},
  "routes": [{"match": [{"host": ["cam1.cams.example"]}], "handle": [{"handler": "static_response", "body": "a site"}]}]
}}}, )"});
  ASSERT_TRUE(comes_to(*client)) << client->log() << site().ca().log();
  site().expect_certificate(chain("alpn", "cam1.cams.example"), {"DNS:cam1.cams.example"});
  auto const page =
      site().run({"curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", site().ca().root(), "--resolve",
                  "cam1.cams.example:" + port + ":127.0.0.1", "https://cam1.cams.example:" + port + "/"});
  EXPECT_EQ(page.out, "a site") << page.all() << client->log();
}

TEST_F(Caddy, GetsAnAddressAndEachKindOfKey) {
  LENSCAP_NEED_CLIENT("caddy");
  site().serve();
  auto const eab = site().eab();
  struct Case {
    std::string subject, name, key, read;
  };
  for (auto const& one : {Case{"127.0.0.1", "IP:127.0.0.1", "p256", "EC-P256"},
                          Case{"cam1.cams.example", "DNS:cam1.cams.example", "p384", "EC-P384"},
                          Case{"cam1.cams.example", "DNS:cam1.cams.example", "rsa2048", "RSA-2048"}}) {
    auto const name = one.key + "-" + one.subject;
    auto client = caddy(name, one.subject, {.eab = &eab, .key = one.key});
    ASSERT_TRUE(comes_to(*client)) << client->log() << site().ca().log();
    site().expect_certificate(chain(name, one.subject), {one.name}, one.read);
  }
}

TEST_F(Caddy, WithoutAnEabKeyIsToldThatItNeedsOne) {
  LENSCAP_NEED_CLIENT("caddy");
  site().serve();
  auto client = caddy("unbound", "cam1.cams.example", {});
  EXPECT_FALSE(comes_to(*client));
  EXPECT_THAT(client->log(), HasSubstr("urn:ietf:params:acme:error:externalAccountRequired"));
}

TEST_F(Caddy, SurvivesChaosAsDocumented) {
  LENSCAP_NEED_CLIENT("caddy");
  site().serve();
  auto const eab = site().eab();
  int run = 0;
  expect_as_documented("caddy", debian_version("caddy"), [&](std::string const& name, e2e::Ran& ran) {
    auto const folder = "chaos" + std::to_string(++run);
    auto client = caddy(folder, name, {.eab = &eab});
    ran.code = comes_to(*client) ? 0 : 1;
    ran.err = client->log();
    return chain(folder, name);
  });
}

}  // namespace
}  // namespace lenscap::interop
