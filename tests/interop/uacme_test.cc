// Debian's uacme, written in C over GnuTLS: all three challenges (tls-alpn-01 by its companion ualpn), EAB, wildcards,
// addresses, requests that others made, alternate chains, renewal, revocation by either key, account-key roll-over, end
// of the account. It knows no ARI.
#include "tests/interop/uacme.h"

namespace lenscap::interop {
namespace {

using ::testing::HasSubstr;

struct Options {
  std::string challenge = "http-01";
  Eab const* eab = nullptr;
  std::vector<std::string> more{};
};

class Uacme : public ClientTest {
 protected:
  void SetUp() override {
    if (can_run_uacme(site())) return;
    if (std::getenv("CI") != nullptr) FAIL() << "no mount namespace: these tests have to run somewhere";
    GTEST_SKIP() << "this machine lets its users make no mount namespace";
  }
  // `name`: its folder, with one account and certificates.
  static e2e::Ran uacme(std::string const& name, std::vector<std::string> const& command, Options const& options = {}) {
    auto words = uacme_command(site(), site().folder(name), hook(options.challenge));
    if (options.eab != nullptr) words.insert(words.end(), {"--eab", options.eab->kid + ":" + options.eab->mac_key});
    words.insert(words.end(), options.more.begin(), options.more.end());
    words.insert(words.end(), command.begin(), command.end());
    return site().run(std::move(words));
  }
  static void register_account(std::string const& name) {
    auto const eab = site().eab();
    auto const made = uacme(name, {"new", "keeper@cams.example"}, {.eab = &eab});
    ASSERT_EQ(made.code, 0) << made.all() << site().ca().log();
  }

  // It offers each challenge to the hook until one is taken, which is told METHOD TYPE IDENT TOKEN AUTH.
  static std::string hook(std::string const& challenge) {
    std::string answer;
    if (challenge == "http-01")
      answer = "file='" + site().challenges() +
               "'/\"$4\"\n"
               "if [ $1 = begin ]; then printf %s \"$5\" >\"$file\"; else rm \"$file\"; fi\n";
    else if (challenge == "dns-01")
      answer = "[ $1 = begin ] && word=present || word=cleanup\n'" + site().txt_hook() +
               "' $word \"_acme-challenge.$3\" \"$5\"\n";
    else
      answer =
          "[ $1 = begin ] && line=\"auth $3 $5\" || line=\"unauth $3\"\n"
          "[ \"$(echo \"$line\" | ualpn --sock '" +
          ualpn_socket() + "')\" = OK ]\n";
    return site().write("hook-" + challenge, "#!/bin/sh\n[ \"$2\" = " + challenge + " ] || exit 1\n" + answer, true);
  }
  static std::string ualpn_socket() { return site().path("ualpn.sock"); }
  static std::string chain(std::string const& name, std::string const& certificate) {
    return site().path(name + "/" + certificate + "/cert.pem");
  }
  static std::size_t certificates_in(std::string const& file) {
    auto const text = fakes::CaProcess::read(file);
    std::size_t found = 0;
    for (auto at = text.find("BEGIN CERT"); at != std::string::npos; at = text.find("BEGIN CERT", at + 1)) ++found;
    return found;
  }
};

TEST_F(Uacme, GetsACertificateByHttp01RenewsAndRevokesItByEitherKey) {
  LENSCAP_NEED_CLIENT("uacme");
  site().serve();
  site().serve_webroot();
  register_account("http");
  std::vector<std::string> const names{"DNS:cam1.cams.example", "DNS:cam2.cams.example"};
  std::vector<std::string> const issue{"issue", "cam1.cams.example", "cam2.cams.example"};
  auto const file = chain("http", "cam1.cams.example");
  auto const got = uacme("http", issue);
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  auto const first = site().expect_certificate(file, names);

  auto const renewed = uacme("http", issue, {.more = {"--days", "3650"}});
  ASSERT_EQ(renewed.code, 0) << renewed.all() << site().ca().log();
  auto const second = site().expect_certificate(file, names);
  EXPECT_NE(second.serial, first.serial);
  auto const revoked = uacme("http", {"revoke", file}, {.more = {"--reason", "4"}});
  EXPECT_EQ(revoked.code, 0) << revoked.all();
  EXPECT_EQ(site().on_record(second), "revoked");
  EXPECT_EQ(site().on_record(second, "reason"), "superseded");
  EXPECT_EQ(site().on_record(first), "issued");

  // Without an account: the folder is another one.
  auto const again = uacme("http", issue);
  ASSERT_EQ(again.code, 0) << again.all() << site().ca().log();
  auto const third = site().expect_certificate(file, names);
  auto const by_key = uacme("stranger", {"revoke", file, site().path("http/private/cam1.cams.example/key.pem")},
                            {.more = {"--never-create"}});
  EXPECT_EQ(by_key.code, 0) << by_key.all();
  EXPECT_EQ(site().on_record(third), "revoked");
}

TEST_F(Uacme, GetsAWildcardAndItsBaseByDns01) {
  LENSCAP_NEED_CLIENT("uacme");
  site().serve();
  register_account("wild");
  auto const before = site().records_set();
  auto const got = uacme("wild", {"issue", "*.wild.cams.example", "wild.cams.example"}, {.challenge = "dns-01"});
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(chain("wild", "wild.cams.example"), {"DNS:*.wild.cams.example", "DNS:wild.cams.example"});
  EXPECT_EQ(site().records_set(), before + 2);
}

// An address has no name for SNI: ualpn is asked for its reverse name (RFC 8738, section 6).
TEST_F(Uacme, GetsCertificatesForNamesAndAddressesByTlsAlpn01) {
  LENSCAP_NEED_CLIENT("uacme");
  site().serve();
  e2e::Background const ualpn({"ualpn", "--bind", "127.0.0.1@" + std::to_string(site().tls_port()), "--connect",
                               "127.0.0.1@" + std::to_string(site().http_port()), "--sock", ualpn_socket(), "--pidfile",
                               site().path("ualpn.pid")},
                              site().path("ualpn.log"));
  ASSERT_TRUE(e2e::until([] { return std::filesystem::exists(ualpn_socket()); })) << ualpn.log();
  register_account("alpn");
  auto const got = uacme("alpn", {"issue", "cam1.cams.example", "127.0.0.1"}, {.challenge = "tls-alpn-01"});
  ASSERT_EQ(got.code, 0) << got.all() << ualpn.log() << site().ca().log();
  site().expect_certificate(chain("alpn", "cam1.cams.example"), {"DNS:cam1.cams.example", "IP:127.0.0.1"});
}

TEST_F(Uacme, GetsEachKindOfKeyAndTheChainThatEndsWithTheRoot) {
  LENSCAP_NEED_CLIENT("uacme");
  site().serve();
  site().serve_webroot();
  register_account("kinds");
  for (auto const& [name, type, bits, key] :
       {std::tuple{"cam1.cams.example", "EC", "384", "EC-P384"}, {"cam2.cams.example", "RSA", "2048", "RSA-2048"}}) {
    auto const got = uacme("kinds", {"issue", name}, {.more = {"--type", type, "--bits", bits}});
    ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
    site().expect_certificate(chain("kinds", name), {std::string("DNS:") + name}, key);
    EXPECT_EQ(certificates_in(chain("kinds", name)), 2U);
  }
  auto const longer = uacme("kinds", {"issue", "cam3.cams.example"}, {.more = {"--alternate", "1"}});
  ASSERT_EQ(longer.code, 0) << longer.all() << site().ca().log();
  auto const file = chain("kinds", "cam3.cams.example");
  site().expect_certificate(file, {"DNS:cam3.cams.example"});
  EXPECT_EQ(certificates_in(file), 3U);
  EXPECT_THAT(fakes::CaProcess::read(file), HasSubstr(fakes::CaProcess::read(site().ca().root())));
}

// Of a name and an address, both by http-01.
TEST_F(Uacme, GetsACertificateForARequestThatOpensslMade) {
  LENSCAP_NEED_CLIENT("uacme");
  site().serve();
  site().serve_webroot();
  register_account("request");
  auto const file = site().path("request/camera.csr");
  auto const made = site().run({"openssl", "req", "-new", "-nodes", "-newkey", "rsa:2048", "-subj", "/", "-addext",
                                "subjectAltName=DNS:cam1.cams.example,IP:127.0.0.1", "-keyout",
                                site().path("request/camera.key"), "-out", file});
  ASSERT_EQ(made.code, 0) << made.all();
  auto const got = uacme("request", {"issue", file});
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(site().path("request/camera-cert.pem"), {"DNS:cam1.cams.example", "IP:127.0.0.1"},
                            "RSA-2048");
}

// The account goes on under its new key, and the old one is nobody's.
TEST_F(Uacme, ChangesTheKeyOfItsAccountAndItsContactAndEndsIt) {
  LENSCAP_NEED_CLIENT("uacme");
  site().serve();
  site().serve_webroot();
  register_account("rolled");
  auto const accounts = site().accounts().size();
  std::filesystem::copy(site().path("rolled/private"), site().folder("old") + "/private");
  auto const rolled = uacme("rolled", {"newkey"}, {.more = {"--type", "RSA"}});
  ASSERT_EQ(rolled.code, 0) << rolled.all() << site().ca().log();
  auto const got = uacme("rolled", {"issue", "cam1.cams.example"});
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(chain("rolled", "cam1.cams.example"), {"DNS:cam1.cams.example"});
  EXPECT_EQ(site().accounts().size(), accounts);
  auto const old = uacme("old", {"issue", "cam1.cams.example"});
  EXPECT_NE(old.code, 0);
  EXPECT_THAT(old.all(), HasSubstr("no account associated"));

  auto const updated = uacme("rolled", {"update", "other@cams.example"});
  EXPECT_EQ(updated.code, 0) << updated.all();
  auto const gone = uacme("rolled", {"deactivate"});
  EXPECT_EQ(gone.code, 0) << gone.all();
  int ended = 0;
  for (auto const& account : site().accounts())
    if (json::need_string(account, "status").value() == "deactivated") ++ended;
  EXPECT_EQ(ended, 1);
}

TEST_F(Uacme, WithoutAnEabKeyIsToldThatItNeedsOne) {
  LENSCAP_NEED_CLIENT("uacme");
  site().serve();
  auto const refused = uacme("unbound", {"new"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.all(), HasSubstr("requires external credentials"));
}

TEST_F(Uacme, SurvivesChaosAsDocumented) {
  LENSCAP_NEED_CLIENT("uacme");
  site().serve();
  site().serve_webroot();
  auto const eab = site().eab();
  int run = 0;
  expect_as_documented("uacme", debian_version("uacme"), [&](std::string const& name, e2e::Ran& ran) {
    auto const folder = "chaos" + std::to_string(++run);
    ran = uacme(folder, {"new"}, {.eab = &eab});
    if (ran.code == 0) ran = uacme(folder, {"issue", name});
    return chain(folder, name);
  });
}

}  // namespace
}  // namespace lenscap::interop
