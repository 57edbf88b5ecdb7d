// Debian's lego: all three challenges, EAB, wildcards, each kind of key, renewal, revocation. It has no key change, no
// end of an account, and asks for an address as if it were a name.
#include "tests/interop/client_site.h"

namespace lenscap::interop {
namespace {

using ::testing::HasSubstr;

class Lego : public ClientTest {
 protected:
  // `solver`: words of the global options that choose the challenge.
  static e2e::Ran lego(std::string const& name, std::vector<std::string> const& names,
                       std::vector<std::string> const& solver, std::vector<std::string> const& command,
                       Eab const* eab = nullptr, std::string const& key = "ec256") {
    std::vector<std::string> words{"env",
                                   "LEGO_CA_CERTIFICATES=" + site().ca().root(),
                                   "EXEC_PATH=" + site().txt_hook(),
                                   "lego",
                                   "--server",
                                   site().ca().directory(),
                                   "--path",
                                   site().folder(name),
                                   "--accept-tos",
                                   "--email",
                                   "keeper@cams.example",
                                   "--key-type",
                                   key};
    for (auto const& one : names) words.insert(words.end(), {"--domains", one});
    words.insert(words.end(), solver.begin(), solver.end());
    if (eab != nullptr) words.insert(words.end(), {"--eab", "--kid", eab->kid, "--hmac", eab->mac_key});
    words.insert(words.end(), command.begin(), command.end());
    return site().run(std::move(words));
  }
  static std::vector<std::string> by_http() {
    return {"--http", "--http.port", "127.0.0.1:" + std::to_string(site().http_port())};
  }
  static std::vector<std::string> by_tls() {
    return {"--tls", "--tls.port", "127.0.0.1:" + std::to_string(site().tls_port())};
  }
  static std::vector<std::string> by_dns() { return {"--dns", "exec", "--dns.disable-cp"}; }
  static std::string chain(std::string const& name, std::string const& certificate) {
    return site().path(name + "/certificates/" + certificate + ".crt");
  }
};

TEST_F(Lego, GetsACertificateByHttp01RenewsAndRevokesIt) {
  LENSCAP_NEED_CLIENT("lego");
  site().serve();
  auto const eab = site().eab();
  std::vector<std::string> const asked{"cam1.cams.example", "cam2.cams.example"};
  std::vector<std::string> const names{"DNS:cam1.cams.example", "DNS:cam2.cams.example"};
  auto const got = lego("http", asked, by_http(), {"run"}, &eab);
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  auto const first = site().expect_certificate(chain("http", asked[0]), names);

  auto const renewed = lego("http", asked, by_http(), {"renew", "--days", "3650", "--no-random-sleep"}, &eab);
  ASSERT_EQ(renewed.code, 0) << renewed.all() << site().ca().log();
  auto const second = site().expect_certificate(chain("http", asked[0]), names);
  EXPECT_NE(second.serial, first.serial);

  auto const revoked = lego("http", {asked[0]}, {}, {"revoke", "--keep", "--reason", "4"}, &eab);
  EXPECT_EQ(revoked.code, 0) << revoked.all();
  EXPECT_EQ(site().on_record(second), "revoked");
  EXPECT_EQ(site().on_record(second, "reason"), "superseded");
  EXPECT_EQ(site().on_record(first), "issued");
}

TEST_F(Lego, GetsACertificateByTlsAlpn01) {
  LENSCAP_NEED_CLIENT("lego");
  site().serve("challenges = [\"tls-alpn-01\"]\n");
  auto const eab = site().eab();
  auto const got = lego("alpn", {"cam1.cams.example"}, by_tls(), {"run"}, &eab);
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(chain("alpn", "cam1.cams.example"), {"DNS:cam1.cams.example"});
}

TEST_F(Lego, GetsAWildcardAndItsBaseByDns01) {
  LENSCAP_NEED_CLIENT("lego");
  site().serve();
  auto const eab = site().eab();
  auto const before = site().records_set();
  auto const got = lego("wild", {"*.wild.cams.example", "wild.cams.example"}, by_dns(), {"run"}, &eab);
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(chain("wild", "_.wild.cams.example"), {"DNS:*.wild.cams.example", "DNS:wild.cams.example"});
  EXPECT_EQ(site().records_set(), before + 2);
}

TEST_F(Lego, GetsEachKindOfKey) {
  LENSCAP_NEED_CLIENT("lego");
  site().serve();
  auto const eab = site().eab();
  for (auto const& [key, read] : {std::pair{"ec384", "EC-P384"}, std::pair{"rsa2048", "RSA-2048"}}) {
    auto const got = lego(key, {"cam1.cams.example"}, by_http(), {"run"}, &eab, key);
    ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
    site().expect_certificate(chain(key, "cam1.cams.example"), {"DNS:cam1.cams.example"}, read);
  }
}

// It sends an identifier of type dns that holds the address: not a name, and nothing that may be signed as one.
TEST_F(Lego, IsToldThatAnAddressIsNoName) {
  LENSCAP_NEED_CLIENT("lego");
  site().serve();
  auto const eab = site().eab();
  auto const refused = lego("address", {"127.0.0.1"}, by_http(), {"run"}, &eab);
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.all(), HasSubstr("urn:ietf:params:acme:error:"));
  EXPECT_FALSE(std::filesystem::exists(chain("address", "127.0.0.1")));
}

TEST_F(Lego, WithoutAnEabKeyIsToldThatItNeedsOne) {
  LENSCAP_NEED_CLIENT("lego");
  site().serve();
  auto const refused = lego("unbound", {"cam1.cams.example"}, by_http(), {"run"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.all(), HasSubstr("External Account Binding"));
}

TEST_F(Lego, SurvivesChaosAsDocumented) {
  LENSCAP_NEED_CLIENT("lego");
  site().serve();
  auto const eab = site().eab();
  int run = 0;
  expect_as_documented("lego", debian_version("lego"), [&](std::string const& name, e2e::Ran& ran) {
    auto const folder = "chaos" + std::to_string(++run);
    ran = lego(folder, {name}, by_http(), {"run"}, &eab);
    return chain(folder, name);
  });
}

}  // namespace
}  // namespace lenscap::interop
