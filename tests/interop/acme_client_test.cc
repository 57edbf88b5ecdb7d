// acme-client 5.4.0 from npm, a library of JavaScript, through the program npm/acme_client.js: each challenge, EAB,
// kinds of keys, a wildcard, addresses (by single calls; its client.auto knows names alone), revocation, contact, key
// change and end of the account. It renews by issuing again. ./dev setup installs it by the lock file into build/npm;
// no test asks the registry.
#include "tests/interop/client_site.h"

namespace lenscap::interop {
namespace {

using ::testing::HasSubstr;

// What the program is told, below what is the same for every command. `value` is JSON.
struct Option {
  std::string name, value;
};

std::string quoted(std::string const& text) { return "\"" + text + "\""; }
std::string list(std::vector<std::string> const& names) {
  std::string text;
  for (auto const& name : names) text += (text.empty() ? "[" : ", ") + quoted(name);
  return text + "]";
}

class AcmeClient : public ClientTest {
 protected:
  // `name`: the folder of an account and its last certificate.
  static e2e::Ran acme_client(std::string const& name, std::string const& command, std::vector<Option> const& more,
                              Eab const* eab = nullptr) {
    std::vector<Option> options{{"directory", quoted(site().ca().directory())},
                                {"folder", quoted(site().folder(name))},
                                {"http_port", std::to_string(site().http_port())},
                                {"tls_port", std::to_string(site().tls_port())},
                                {"txt_hook", quoted(site().txt_hook())}};
    if (eab != nullptr) options.insert(options.end(), {{"kid", quoted(eab->kid)}, {"mac_key", quoted(eab->mac_key)}});
    options.insert(options.end(), more.begin(), more.end());
    std::string text;
    for (auto const& [option, value] : options) text += (text.empty() ? "{" : ", ") + quoted(option) + ": " + value;
    return site().run({"env", std::string("NODE_PATH=") + modules(), "NODE_EXTRA_CA_CERTS=" + site().ca().root(),
                       "node", std::string(LENSCAP_SOURCE_DIR) + "/tests/interop/npm/acme_client.js", command,
                       text + "}"});
  }
  static char const* modules() { return LENSCAP_SOURCE_DIR "/build/npm/node_modules"; }
  static bool is_there() { return site().has("node") && std::filesystem::exists(package_file()); }
  static std::string package_file() { return std::string(modules()) + "/acme-client/package.json"; }
  static std::string version() {
    return json::need_string(json::parse_object(fakes::CaProcess::read(package_file())).value(), "version").value();
  }
  static std::string chain(std::string const& name) { return site().path(name + "/chain.pem"); }
};

TEST_F(AcmeClient, GetsACertificateByHttp01AndTheSameAgainAndRevokesIt) {
  LENSCAP_NEED(is_there(), "acme-client");
  site().serve();
  auto const eab = site().eab();
  std::vector<std::string> const names{"DNS:cam1.cams.example", "DNS:cam2.cams.example"};
  std::vector<Option> const asked{{"names", list({"cam1.cams.example", "cam2.cams.example"})}};
  auto const got = acme_client("http", "issue", asked, &eab);
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  auto const first = site().expect_certificate(chain("http"), names);
  auto const again = acme_client("http", "issue", asked);
  ASSERT_EQ(again.code, 0) << again.all() << site().ca().log();
  auto const second = site().expect_certificate(chain("http"), names);
  EXPECT_NE(second.serial, first.serial);

  auto const revoked = acme_client("http", "revoke", {{"certificate", quoted(chain("http"))}, {"reason", "4"}});
  EXPECT_EQ(revoked.code, 0) << revoked.all();
  EXPECT_EQ(site().on_record(second), "revoked");
  EXPECT_EQ(site().on_record(second, "reason"), "superseded");
  EXPECT_EQ(site().on_record(first), "issued");
}

// Its certificate for the challenge ends at the second in which it is made: what the server looks at is the key
// authorization, and not the time (RFC 8737 section 3).
TEST_F(AcmeClient, GetsACertificateByTlsAlpn01) {
  LENSCAP_NEED(is_there(), "acme-client");
  site().serve("challenges = [\"tls-alpn-01\"]\n");
  auto const eab = site().eab();
  auto const got = acme_client("alpn", "issue",
                               {{"names", list({"cam1.cams.example"})}, {"challenge", quoted("tls-alpn-01")}}, &eab);
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(chain("alpn"), {"DNS:cam1.cams.example"});
}

TEST_F(AcmeClient, GetsAWildcardAndItsBaseByDns01) {
  LENSCAP_NEED(is_there(), "acme-client");
  site().serve();
  auto const eab = site().eab();
  auto const before = site().records_set();
  auto const got = acme_client(
      "wild", "issue", {{"names", list({"*.wild.cams.example", "wild.cams.example"})}, {"challenge", quoted("dns-01")}},
      &eab);
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(chain("wild"), {"DNS:*.wild.cams.example", "DNS:wild.cams.example"});
  EXPECT_EQ(site().records_set(), before + 2);
}

// Both challenges that there are for addresses (RFC 8738), and a name beside the address.
TEST_F(AcmeClient, GetsCertificatesForAddresses) {
  LENSCAP_NEED(is_there(), "acme-client");
  site().serve();
  auto const eab = site().eab();
  std::vector<Option> const asked{{"names", list({"127.0.0.1", "cam1.cams.example"})}, {"steps", "true"}};
  auto const got = acme_client("address", "issue", asked, &eab);
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(chain("address"), {"IP:127.0.0.1", "DNS:cam1.cams.example"});

  site().serve("challenges = [\"tls-alpn-01\"]\n");
  auto by_tls = asked;
  by_tls.push_back({"challenge", quoted("tls-alpn-01")});
  auto const again = acme_client("address-alpn", "issue", by_tls, &eab);
  ASSERT_EQ(again.code, 0) << again.all() << site().ca().log();
  site().expect_certificate(chain("address-alpn"), {"IP:127.0.0.1", "DNS:cam1.cams.example"});
}

// client.auto makes a name of it.
TEST_F(AcmeClient, IsToldThatAnAddressIsNoName) {
  LENSCAP_NEED(is_there(), "acme-client");
  site().serve();
  auto const eab = site().eab();
  auto const refused = acme_client("no-name", "issue", {{"names", list({"127.0.0.1"})}}, &eab);
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.all(), HasSubstr("use type 'ip' for an address"));
}

TEST_F(AcmeClient, GetsEachKindOfKeyWithEachKindOfAccountKey) {
  LENSCAP_NEED(is_there(), "acme-client");
  site().serve();
  auto const eab = site().eab();
  for (auto const& [key, account, read] :
       {std::tuple{"ec384", "rsa2048", "EC-P384"}, std::tuple{"rsa2048", "ec384", "RSA-2048"}}) {
    auto const got = acme_client(
        key, "issue", {{"names", list({"cam1.cams.example"})}, {"key", quoted(key)}, {"account_key", quoted(account)}},
        &eab);
    ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
    site().expect_certificate(chain(key), {"DNS:cam1.cams.example"}, read);
  }
}

// A new key of another kind: the old one is nobody's from then on, and the new one is the same account's.
TEST_F(AcmeClient, ChangesItsKeyAndContactAndEndsItsAccount) {
  LENSCAP_NEED(is_there(), "acme-client");
  site().serve();
  auto const eab = site().eab();
  std::vector<Option> const asked{{"names", list({"cam1.cams.example"})}};
  ASSERT_EQ(acme_client("account", "issue", asked, &eab).code, 0);
  auto const url = fakes::CaProcess::read(site().path("account/account.url"));
  auto const account = [&] {
    for (auto const& one : site().accounts())
      if (url.ends_with("/" + json::need_string(one, "account").value())) return one;
    return json::Object();
  };
  EXPECT_EQ(json::need_string(account(), "status").value(), "valid");

  auto const rolled = acme_client("account", "roll-over", {{"key", quoted("ec384")}});
  EXPECT_EQ(rolled.code, 0) << rolled.all();
  auto const old_key = acme_client("account", "whoami", {{"key_file", quoted(site().path("account/account.old.pem"))}});
  EXPECT_NE(old_key.code, 0) << old_key.all();
  EXPECT_THAT(old_key.all(), HasSubstr("no account"));
  auto const new_key = acme_client("account", "whoami", {});
  EXPECT_EQ(new_key.out, url + " valid\n") << new_key.all();
  auto const after = acme_client("account", "issue", asked);
  EXPECT_EQ(after.code, 0) << after.all();
  site().expect_certificate(chain("account"), {"DNS:cam1.cams.example"});

  auto const told = acme_client("account", "contact", {{"contact", quoted("mailto:guard@cams.example")}});
  EXPECT_EQ(told.code, 0) << told.all();
  EXPECT_EQ(json::need_strings(account(), "contact").value(), std::vector<std::string>{"mailto:guard@cams.example"});
  auto const gone = acme_client("account", "deactivate", {});
  EXPECT_EQ(gone.code, 0) << gone.all();
  EXPECT_EQ(json::need_string(account(), "status").value(), "deactivated");
  EXPECT_NE(acme_client("account", "issue", asked).code, 0);
}

TEST_F(AcmeClient, WithoutAnEabKeyIsToldThatItNeedsOne) {
  LENSCAP_NEED(is_there(), "acme-client");
  site().serve();
  auto const refused = acme_client("unbound", "issue", {{"names", list({"cam1.cams.example"})}});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.all(), HasSubstr("external account"));
}

TEST_F(AcmeClient, SurvivesChaosAsDocumented) {
  LENSCAP_NEED(is_there(), "acme-client");
  site().serve();
  auto const eab = site().eab();
  int run = 0;
  expect_as_documented("acme-client", version(), [&](std::string const& name, e2e::Ran& ran) {
    auto const folder = "chaos" + std::to_string(++run);
    ran = acme_client(folder, "issue", {{"names", list({name})}}, &eab);
    return chain(folder);
  });
}

}  // namespace
}  // namespace lenscap::interop
