// Debian's Apache with mod_md, which gets the certificates that it serves: each challenge, EAB, two kinds of key for
// one name, a wildcard, renewal in its own window and when the server asks for it (ARI). It is a web server that runs
// on, not a command: what it got lies in its store until a graceful restart installs it. It has no revocation, no key
// change, no end of an account (its tool a2md has, which Debian leaves out), and takes no address for a name.
#include <unistd.h>

#include "tests/interop/client_site.h"

namespace lenscap::interop {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr char const* kApache = "/usr/sbin/apache2";  // which is in nobody's PATH but root's

class ModMd : public ClientTest {
 protected:
  struct Options {
    std::vector<std::string> names{"cam1.cams.example"};
    std::string challenge = "http-01";
    std::string keys = "secp256r1";
    Eab const* eab = nullptr;
    std::string more = {};  // lines of configuration
  };

  // Starts Apache with its store in this folder, and restarts it gracefully when mod_md has what it wants. Code 0: that
  // was installed; 1: an attempt failed.
  e2e::Ran drive(std::string const& name, Options const& options) {
    apache_.reset();
    auto const file = configuration(name, options);
    auto const domain = options.names.front();
    auto const before = installed(name, domain);
    std::vector<std::string> words{kApache, "-f", file, "-DFOREGROUND"};
    // Apache wants a user other than root to work as. Whoever is root starts it as that user from the beginning, so
    // that it is the same for everybody; the words at the front also keep it from outliving the test.
    if (::geteuid() == 0) {
      site().run({"touch", site().path("txt_log")});
      site().run({"chown", "-R", "www-data:www-data", site().path(name), site().path("txt"), site().path("txt_log"),
                  site().txt_hook()});
      fs::permissions(site().path(""), fs::perms::group_exec | fs::perms::others_exec, fs::perm_options::add);
      words.insert(words.begin(),
                   {"setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "--pdeathsig", "KILL"});
    }
    apache_ = std::make_unique<e2e::Background>(words, site().path(name + "/output"));

    bool finished = false;
    auto const decided = [&] {
      auto const job = json::parse_object(fakes::CaProcess::read(store(name) + "/staging/" + domain + "/job.json"));
      if (!job) return !apache_->alive();
      auto const done = json::need_bool(*job, "finished");
      finished = done && *done;
      auto const errors = json::need_int(*job, "errors");
      return finished || (errors && *errors > 0);
    };
    e2e::until(decided);
    e2e::Ran ran{1, "", apache_->log() + fakes::CaProcess::read(site().path(name + "/error.log"))};
    if (!finished) return ran;
    site().run({"sh", "-c", "kill -USR1 $(cat '" + site().path(name + "/run/pid") + "')"});
    if (e2e::until([&] { return installed(name, domain) != before; })) ran.code = 0;
    return ran;
  }
  void TearDown() override { apache_.reset(); }

  static std::string store(std::string const& name) { return site().path(name + "/md"); }
  // `key` as in the name of its file: ".secp256r1", and nothing for RSA.
  static std::string chain(std::string const& name, std::string const& domain = "cam1.cams.example",
                           std::string const& key = ".secp256r1") {
    return store(name) + "/domains/" + domain + "/pubcert" + key + ".pem";
  }
  // What a TLS client says of the web server itself.
  static e2e::Ran look_at(std::string const& domain) {
    return site().run({"openssl", "s_client", "-connect", "127.0.0.1:" + std::to_string(site().tls_port()),
                       "-servername", domain, "-verify_hostname", domain, "-CAfile", site().ca().root(),
                       "-verify_return_error", "-brief"});
  }
  // Of the module, as it tells it at the start: "AH10071: mod_md (v2.6.10), initializing...".
  static std::string version(std::string const& name) {
    std::string const before = "mod_md (v";
    auto const log = fakes::CaProcess::read(site().path(name + "/error.log"));
    auto const at = log.find(before);
    if (at == std::string::npos) return "";
    return log.substr(at + before.size(), log.find(')', at) - at - before.size());
  }

 private:
  static std::string installed(std::string const& name, std::string const& domain) {
    std::string all;
    for (auto const* key : {"", ".secp256r1"}) all += fakes::CaProcess::read(chain(name, domain, key));
    return all;
  }
  static std::string configuration(std::string const& name, Options const& options) {
    auto const folder = site().folder(name);
    site().folder(name + "/run");
    site().folder(name + "/md");
    fs::copy_file(site().ca().root(), folder + "/root.pem", fs::copy_options::overwrite_existing);
    auto const http = std::to_string(site().http_port());
    auto const tls = std::to_string(site().tls_port());
    std::string names, aliases;
    for (auto const& one : options.names) {
      names += " " + one;
      if (one != options.names.front()) aliases += "  ServerAlias " + one + "\n";
    }
    std::string text;
    for (auto const* module : {"mpm_event", "authz_core", "ssl", "md"})
      text += std::string("LoadModule ") + module + "_module /usr/lib/apache2/modules/mod_" + module + ".so\n";
    text += "ServerRoot " + folder + "\nDefaultRuntimeDir run\nPidFile run/pid\nMutex file:" + folder +
            "/run\n"
            "ErrorLog error.log\nLogLevel warn md:debug\nServerName " +
            options.names.front() + "\nListen 127.0.0.1:" + http + "\nListen 127.0.0.1:" + tls +
            "\nSSLSessionCache none\nStartServers 1\n"
            "MDStoreDir md\nMDCertificateAuthority " +
            site().ca().directory() + "\nMDCACertificateFile " + folder +
            "/root.pem\n"
            "MDCertificateAgreement accepted\nMDContactEmail keeper@cams.example\nMDInitialDelay 0\n"
            "MDPortMap http:" +
            http + " https:" + tls + "\nMDCAChallenges " + options.challenge + "\nMDPrivateKeys " + options.keys + "\n";
    if (options.eab != nullptr)
      text += "MDExternalAccountBinding " + options.eab->kid + " " + options.eab->mac_key + "\n";
    text += options.more + "MDomain" + names + "\n<VirtualHost 127.0.0.1:" + tls + ">\n  ServerName " +
            options.names.front() + "\n" + aliases +
            "  SSLEngine on\n  Protocols http/1.1 acme-tls/1\n</VirtualHost>\n";
    return site().write(name + "/apache.conf", text);
  }

  std::unique_ptr<e2e::Background> apache_;
};

// Two orders, one for each kind of key, and both certificates are served to those who want them.
TEST_F(ModMd, GetsTwoCertificatesByHttp01ServesAndRenewsThem) {
  LENSCAP_NEED_CLIENT(kApache);
  site().serve();
  auto const eab = site().eab();
  Options options{.names = {"cam1.cams.example", "cam2.cams.example"}, .keys = "secp256r1 rsa2048", .eab = &eab};
  std::vector<std::string> const names{"DNS:cam1.cams.example", "DNS:cam2.cams.example"};
  auto const got = drive("http", options);
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  auto const first = site().expect_certificate(chain("http"), names);
  auto const with_rsa = site().expect_certificate(chain("http", "cam1.cams.example", ""), names, "RSA-2048");
  EXPECT_NE(with_rsa.serial, first.serial);
  e2e::Ran seen;
  EXPECT_TRUE(e2e::until([&] { return (seen = look_at("cam2.cams.example")).code == 0; })) << seen.all();

  options.more = "MDRenewWindow 3650d\nMDRenewViaARI off\n";
  auto const renewed = drive("http", options);
  ASSERT_EQ(renewed.code, 0) << renewed.all() << site().ca().log();
  EXPECT_NE(site().expect_certificate(chain("http"), names).serial, first.serial);
}

// A certificate that was revoked is to be renewed at once (RFC 9773), and no window of its own tells mod_md to. The
// account may make one order a day: the second one is let through because it says what it replaces.
TEST_F(ModMd, RenewsWhenTheServerAsksForIt) {
  LENSCAP_NEED_CLIENT(kApache);
  site().serve("", "[acme.limits]\nnew_orders = \"1/24h\"\n");
  auto const eab = site().eab();
  auto const got = drive("ari", {.eab = &eab});
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  auto const first = site().expect_certificate(chain("ari"), {"DNS:cam1.cams.example"});
  auto const revoked = site().ca().run({"cert", "revoke", first.serial, "--reason", "superseded"});
  ASSERT_EQ(revoked.code, 0) << revoked.all();
  auto const renewed = drive("ari", {.eab = &eab});
  ASSERT_EQ(renewed.code, 0) << renewed.all() << site().ca().log();
  EXPECT_THAT(renewed.all(), HasSubstr("CA advises renew via ARI now"));
  EXPECT_NE(site().expect_certificate(chain("ari"), {"DNS:cam1.cams.example"}).serial, first.serial);
}

TEST_F(ModMd, GetsACertificateByTlsAlpn01) {
  LENSCAP_NEED_CLIENT(kApache);
  site().serve("challenges = [\"tls-alpn-01\"]\n");
  auto const eab = site().eab();
  auto const got = drive("alpn", {.challenge = "tls-alpn-01", .eab = &eab});
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(chain("alpn"), {"DNS:cam1.cams.example"});
}

// Its program is called as "setup NAME VALUE" and "teardown NAME", and each name is proved on its own.
TEST_F(ModMd, GetsAWildcardAndItsBaseByDns01) {
  LENSCAP_NEED_CLIENT(kApache);
  site().serve();
  auto const eab = site().eab();
  auto const before = site().records_set();
  auto const hook = site().write("wild/dns-hook",
                                 "#!/bin/sh\n"
                                 "[ \"$1\" != setup ] || exec '" +
                                     site().txt_hook() + "' present \"_acme-challenge.$2\" \"$3\"\n",
                                 true);
  auto const got = drive("wild", {.names = {"wild.cams.example", "*.wild.cams.example"},
                                  .challenge = "dns-01",
                                  .eab = &eab,
                                  .more = "MDChallengeDns01 " + hook + "\n"});
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(chain("wild", "wild.cams.example"), {"DNS:*.wild.cams.example", "DNS:wild.cams.example"});
  EXPECT_EQ(site().records_set(), before + 2);
}

// It sends an identifier of type dns that holds the address.
TEST_F(ModMd, IsToldThatAnAddressIsNoName) {
  LENSCAP_NEED_CLIENT(kApache);
  site().serve();
  auto const eab = site().eab();
  auto const refused = drive("address", {.names = {"127.0.0.1"}, .eab = &eab});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.all(), HasSubstr("use type 'ip' for an address"));
}

TEST_F(ModMd, WithoutAnEabKeyIsToldThatItNeedsOne) {
  LENSCAP_NEED_CLIENT(kApache);
  site().serve();
  auto const refused = drive("unbound", {});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.all(), HasSubstr("externalAccountRequired"));
}

TEST_F(ModMd, SurvivesChaosAsDocumented) {
  LENSCAP_NEED_CLIENT(kApache);
  site().serve();
  auto const eab = site().eab();
  // Debian's security updates of Apache bring a new one often; of mod_md, seldom.
  ASSERT_EQ(drive("calm", {.eab = &eab}).code, 0);
  int run = 0;
  expect_as_documented("mod_md", version("calm"), [&](std::string const& name, e2e::Ran& ran) {
    auto const folder = "chaos" + std::to_string(++run);
    ran = drive(folder, {.names = {name}, .eab = &eab});
    return chain(folder, name);
  });
}

}  // namespace
}  // namespace lenscap::interop
