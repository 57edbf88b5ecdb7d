// Debian's dehydrated 0.7, a bash script that reads JSON with regular expressions: http-01 by files, dns-01 by a hook,
// tls-alpn-01 where something else serves the certificate it makes (here: openssl s_server), EAB, wildcards, RSA and EC
// keys, renewal, revocation, end of the account. It knows no addresses (they came with 0.7.1) and no key change.
#include "tests/interop/client_site.h"

namespace lenscap::interop {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Dehydrated : public ClientTest {
 protected:
  struct Options {
    std::string challenge = "http-01";
    std::string key = "prime256v1";  // or "rsa"
    Eab const* eab = nullptr;
  };
  // A folder with its settings; the account is made with the first command.
  static void set_up(std::string const& name, Options const& options) {
    auto const folder = site().folder(name);
    auto const hook = site().write(name + "/hook",
                                   "#!/bin/sh\n"
                                   "case $1 in\n"
                                   "  deploy_challenge) word=present ;;\n"
                                   "  clean_challenge) word=cleanup ;;\n"
                                   "  *) exit 0 ;;\n"
                                   "esac\n"
                                   "[ '" +
                                       options.challenge +
                                       "' = dns-01 ] || exit 0\n"
                                       "exec '" +
                                       site().txt_hook() + "' $word \"_acme-challenge.$2\" \"$4\"\n",
                                   true);
    site().write(name + "/config",
                 "CA='" + site().ca().directory() + "'\nBASEDIR='" + folder + "'\nWELLKNOWN='" + site().challenges() +
                     "'\nCHALLENGETYPE=" + options.challenge + "\nKEY_ALGO=" + options.key + "\nKEYSIZE=2048\nHOOK='" +
                     hook + "'\nALPNCERTDIR='" + site().folder(name + "/alpn") + "'\nCURL_OPTS='--cacert " +
                     site().ca().root() + "'\n" +
                     (options.eab == nullptr
                          ? std::string()
                          : "EAB_KID='" + options.eab->kid + "'\nEAB_HMAC_KEY='" + options.eab->mac_key + "'\n"));
  }
  static e2e::Ran dehydrated(std::string const& name, std::vector<std::string> const& words) {
    std::vector<std::string> all{"dehydrated", "--config", site().path(name + "/config")};
    all.insert(all.end(), words.begin(), words.end());
    return site().run(std::move(all));
  }
  static void register_account(std::string const& name) {
    auto const made = dehydrated(name, {"--register", "--accept-terms"});
    ASSERT_EQ(made.code, 0) << made.all() << site().ca().log();
  }
  static std::string chain(std::string const& name, std::string const& certificate) {
    return site().path(name + "/certs/" + certificate + "/fullchain.pem");
  }
};

TEST_F(Dehydrated, GetsACertificateByHttp01RenewsAndRevokesItAndEndsItsAccount) {
  LENSCAP_NEED_CLIENT("dehydrated");
  site().serve();
  site().serve_webroot();
  auto const eab = site().eab();
  set_up("http", {.eab = &eab});
  register_account("http");
  std::vector<std::string> const names{"DNS:cam1.cams.example", "DNS:cam2.cams.example"};
  std::vector<std::string> words{"--cron", "--domain", "cam1.cams.example cam2.cams.example"};
  auto const got = dehydrated("http", words);
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  auto const file = chain("http", "cam1.cams.example");
  auto const first = site().expect_certificate(file, names);

  // A challenge that is answered already is answered again: 200 with its state.
  words.insert(words.end(), {"--force", "--force-validation"});
  auto const renewed = dehydrated("http", words);
  ASSERT_EQ(renewed.code, 0) << renewed.all() << site().ca().log();
  auto const second = site().expect_certificate(file, names);
  EXPECT_NE(second.serial, first.serial);

  auto const revoked = dehydrated("http", {"--revoke", site().path("http/certs/cam1.cams.example/cert.pem")});
  EXPECT_EQ(revoked.code, 0) << revoked.all();
  EXPECT_EQ(site().on_record(second), "revoked");
  EXPECT_EQ(site().on_record(first), "issued");

  auto const gone = dehydrated("http", {"--deactivate"});
  EXPECT_EQ(gone.code, 0) << gone.all();
  int ended = 0;
  for (auto const& account : site().accounts())
    if (json::need_string(account, "status").value() == "deactivated") ++ended;
  EXPECT_EQ(ended, 1);
}

TEST_F(Dehydrated, GetsAWildcardAndItsBaseByDns01) {
  LENSCAP_NEED_CLIENT("dehydrated");
  site().serve();
  auto const eab = site().eab();
  set_up("wild", {.challenge = "dns-01", .eab = &eab});
  register_account("wild");
  auto const before = site().records_set();
  auto const got =
      dehydrated("wild", {"--cron", "--alias", "wild", "--domain", "*.wild.cams.example wild.cams.example"});
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(chain("wild", "wild"), {"DNS:*.wild.cams.example", "DNS:wild.cams.example"});
  EXPECT_EQ(site().records_set(), before + 2);
}

// It makes the certificate of RFC 8737 and leaves it to others to serve it.
TEST_F(Dehydrated, GetsAnRsaCertificateByTlsAlpn01WithOpensslAsResponder) {
  LENSCAP_NEED_CLIENT("dehydrated");
  site().serve();
  auto const eab = site().eab();
  set_up("alpn", {.challenge = "tls-alpn-01", .key = "rsa", .eab = &eab});
  auto const alpn = site().path("alpn/alpn");
  auto const pid = site().path("alpn/pid");
  site().write("alpn/hook",
               "#!/bin/sh\n"
               "case $1 in\n"
               "  deploy_challenge)\n"
               "    openssl s_server -quiet -alpn acme-tls/1 -accept 127.0.0.1:" +
                   std::to_string(site().tls_port()) + " -cert '" + alpn + "'/\"$2\".crt.pem -key '" + alpn +
                   "'/\"$2\".key.pem >/dev/null 2>&1 </dev/null &\n"
                   "    echo $! >'" +
                   pid +
                   "' ;;\n"
                   "  clean_challenge) kill \"$(cat '" +
                   pid +
                   "')\" ;;\n"
                   "esac\n",
               true);
  register_account("alpn");
  auto const got = dehydrated("alpn", {"--cron", "--domain", "cam1.cams.example"});
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(chain("alpn", "cam1.cams.example"), {"DNS:cam1.cams.example"}, "RSA-2048");
}

// It sends an identifier of type dns that holds the address.
TEST_F(Dehydrated, IsToldThatAnAddressIsNoName) {
  LENSCAP_NEED_CLIENT("dehydrated");
  site().serve();
  auto const eab = site().eab();
  set_up("address", {.eab = &eab});
  register_account("address");
  auto const refused = dehydrated("address", {"--cron", "--domain", "127.0.0.1"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.all(), HasSubstr("urn:ietf:params:acme:error:"));
}

TEST_F(Dehydrated, WithoutAnEabKeyIsToldThatItNeedsOne) {
  LENSCAP_NEED_CLIENT("dehydrated");
  site().serve();
  set_up("unbound", {});
  auto const refused = dehydrated("unbound", {"--register", "--accept-terms"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.all(), HasSubstr("requires an external account"));
}

TEST_F(Dehydrated, SurvivesChaosAsDocumented) {
  LENSCAP_NEED_CLIENT("dehydrated");
  site().serve();
  site().serve_webroot();
  auto const eab = site().eab();
  int run = 0;
  expect_as_documented("dehydrated", debian_version("dehydrated"), [&](std::string const& name, e2e::Ran& ran) {
    auto const folder = "chaos" + std::to_string(++run);
    set_up(folder, {.eab = &eab});
    ran = dehydrated(folder, {"--register", "--accept-terms"});
    if (ran.code == 0) ran = dehydrated(folder, {"--cron", "--domain", name});
    return chain(folder, name);
  });
}

}  // namespace
}  // namespace lenscap::interop
