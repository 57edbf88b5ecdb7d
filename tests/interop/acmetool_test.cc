// Debian's acmetool 0.2, written in Go: http-01 by its own listener, dns-01 by hooks, wildcards, kinds of key.
// What it is to have is written down as targets; each run gets what is missing. It knows no EAB, no tls-alpn-01, no
// addresses, no ARI, no key change; its `revoke` makes a note that this version never sends. It waits ten seconds for
// each challenge that does not say Retry-After before it is begun, and tries to listen on ports 80, 402 and 4402 and to
// write below /run whatever it is told, hence its own network and its own /run.
#include <set>

#include "tests/fakes/own_network.h"
#include "tests/interop/client_site.h"

namespace lenscap::interop {
namespace {

using ::testing::HasSubstr;

bool has_own_network = false;

class Acmetool : public ClientTest {
 protected:
  void SetUp() override {
    if (has_own_network) return;
    if (std::getenv("CI") != nullptr) FAIL() << "no network namespace: these tests have to run somewhere";
    GTEST_SKIP() << "this machine lets its users make no network namespace";
  }
  // Its folder, which has what it would ask its user, what all targets have in common, and hooks.
  static void set_up(ClientSite& at, std::string const& name, std::string const& key = "ecdsa") {
    at.write(name + "/conf/responses", "\"acme-enter-email\": \"keeper@cams.example\"\n");
    at.write(name + "/conf/target", "request:\n  provider: " + at.ca().directory() + "\n  key:\n    type: " + key +
                                        "\n  challenge:\n    http-ports: [\"" + std::to_string(at.http_port()) +
                                        "\"]\n    http-self-test: false\n");
    at.write(name + "-hooks/dns",
             "#!/bin/sh\n"
             "case $1 in\n"
             "  challenge-dns-start) word=present ;;\n"
             "  challenge-dns-stop) word=cleanup ;;\n"
             "  *) exit 42 ;;\n"  // not for this hook
             "esac\n"
             "exec '" +
                 at.txt_hook() + "' $word \"_acme-challenge.$2\" \"$4\"\n",
             true);
  }
  static e2e::Ran acmetool(ClientSite& at, std::string const& name, std::vector<std::string> const& command) {
    std::vector<std::string> words{"unshare",
                                   "--mount",
                                   "sh",
                                   "-c",
                                   "mount -t tmpfs none /run && exec acmetool \"$@\"",
                                   "acmetool",
                                   "--batch",
                                   "--state=" + at.path(name),
                                   "--hooks=" + at.path(name + "-hooks")};
    words.insert(words.begin(), {"env", "SSL_CERT_FILE=" + at.ca().root()});
    words.insert(words.end(), command.begin(), command.end());
    return at.run(std::move(words));
  }
  static std::string chain(ClientSite& at, std::string const& name, std::string const& certificate) {
    return at.path(name + "/live/" + certificate + "/fullchain");
  }
  static void serve(std::string const& acme = "") { site().serve(ClientSite::kOpen + acme, ClientSite::kOpenTables); }
};

TEST_F(Acmetool, GetsACertificateByHttp01AndAgainWhenItIsLostButDoesNotRevokeIt) {
  LENSCAP_NEED_CLIENT("acmetool");
  serve();
  set_up(site(), "http");
  std::vector<std::string> const names{"DNS:cam1.cams.example", "DNS:cam2.cams.example"};
  auto const got = acmetool(site(), "http", {"want", "cam1.cams.example", "cam2.cams.example"});
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  auto const first = site().expect_certificate(chain(site(), "http", "cam1.cams.example"), names);

  // It asks again for what is lost: the account and the authorizations are there already.
  std::filesystem::remove_all(site().path("http/certs"));
  auto const again = acmetool(site(), "http", {"reconcile"});
  ASSERT_EQ(again.code, 0) << again.all() << site().ca().log();
  auto const second = site().expect_certificate(chain(site(), "http", "cam1.cams.example"), names);
  EXPECT_NE(second.serial, first.serial);
  EXPECT_EQ(site().accounts().size(), 1U);

  auto const folder = std::filesystem::canonical(site().path("http/live/cam1.cams.example"));
  auto const revoked = acmetool(site(), "http", {"revoke", folder.filename()});
  EXPECT_EQ(revoked.code, 0) << revoked.all();
  EXPECT_EQ(acmetool(site(), "http", {"reconcile"}).code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "revoke"));
  EXPECT_EQ(site().on_record(second), "issued");
}

// It renews in the last third of a lifetime. A certificate that is born there shows it: 75 minutes, an hour of them
// past.
TEST_F(Acmetool, RenewsWhatHasLittleOfItsTimeLeft) {
  LENSCAP_NEED_CLIENT("acmetool");
  auto const file = site().ca().state() + "/profiles/camera-https.toml";
  auto const usual = fakes::CaProcess::read(file);
  auto text = usual;
  constexpr std::string_view kLifetime = "lifetime = \"90d\"";
  text.replace(text.find(kLifetime), kLifetime.size(), "lifetime = \"75m\"");
  site().stop();
  std::ofstream(file) << text;
  serve();
  set_up(site(), "renew");
  std::vector<std::string> const names{"DNS:cam3.cams.example"};
  auto const got = acmetool(site(), "renew", {"want", "cam3.cams.example"});
  EXPECT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(chain(site(), "renew", "cam3.cams.example"), names);
  auto const again = acmetool(site(), "renew", {"reconcile"});
  EXPECT_EQ(again.code, 0) << again.all() << site().ca().log();
  // Which of two that end in the same second it shows to the world is chance.
  std::set<std::string> serials;
  for (auto const& each : std::filesystem::directory_iterator(site().path("renew/certs")))
    serials.insert(site().expect_certificate(each.path() / "fullchain", names).serial);
  EXPECT_EQ(serials.size(), 2U);
  site().stop();
  std::ofstream(file) << usual;
}

TEST_F(Acmetool, GetsAWildcardAndItsBaseByDns01WithAnRsaKey) {
  LENSCAP_NEED_CLIENT("acmetool");
  serve("challenges = [\"dns-01\"]\n");
  set_up(site(), "wild", "rsa");
  auto const before = site().records_set();
  auto const got = acmetool(site(), "wild", {"want", "*.wild.cams.example", "wild.cams.example"});
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(chain(site(), "wild", "wild.cams.example"),
                            {"DNS:*.wild.cams.example", "DNS:wild.cams.example"}, "RSA-2048");
  EXPECT_EQ(site().records_set(), before + 2);
}

TEST_F(Acmetool, TellsItsUserWhyNothingCame) {
  LENSCAP_NEED_CLIENT("acmetool");
  serve();
  set_up(site(), "refused");
  // It sends an identifier of type dns that holds the address.
  auto const address = acmetool(site(), "refused", {"want", "127.0.0.1"});
  EXPECT_NE(address.code, 0);
  EXPECT_THAT(address.all(), HasSubstr("is not a DNS name"));
  site().serve();
  set_up(site(), "unbound");
  auto const unbound = acmetool(site(), "unbound", {"want", "cam1.cams.example"});
  EXPECT_NE(unbound.code, 0);
  EXPECT_THAT(unbound.all(), HasSubstr("externalAccountRequired"));
}

TEST_F(Acmetool, SurvivesChaosAsDocumented) {
  LENSCAP_NEED_CLIENT("acmetool");
  constexpr unsigned short kFirstPort = 5000;  // below those that the system gives away
  auto const issue = [](ClientSite& at, e2e::Ran& ran) {
    set_up(at, "chaos");
    ran = acmetool(at, "chaos", {"want", kChaosName});
    return chain(at, "chaos", kChaosName);
  };
  expect_as_documented_at_once("acmetool", debian_version("acmetool"), issue, kFirstPort, ClientSite::kOpen,
                               ClientSite::kOpenTables);
}

}  // namespace
}  // namespace lenscap::interop

int main(int argc, char** argv) {
  lenscap::interop::has_own_network = lenscap::fakes::enter_own_network();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
