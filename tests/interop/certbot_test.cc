// Debian's certbot with an external account key: http-01 by its own web server, dns-01 by hook scripts, a wildcard,
// names that are granted, renewal, other keys, revocation by account and by certificate key, contact and end of the
// account, what its user is told of refusals, and the server's chaos. It knows neither addresses, key change nor
// tls-alpn-01.
#include "tests/interop/client_site.h"

namespace lenscap::interop {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class Certbot : public ClientTest {
 protected:
  // Its own folder: an account and certificates. `name` chooses which.
  e2e::Ran certbot(std::vector<std::string> const& words, std::string const& name = "certbot") {
    auto const folder = site().folder(name);
    std::vector<std::string> all{"env",          "REQUESTS_CA_BUNDLE=" + site().ca().root(),
                                 "certbot",      "--non-interactive",
                                 "--config-dir", folder,
                                 "--work-dir",   folder,
                                 "--logs-dir",   folder,
                                 "--server",     site().ca().directory()};
    all.insert(all.end(), words.begin(), words.end());
    return site().run(std::move(all));
  }
  // With a new account, when the folder has none.
  static std::vector<std::string> certonly(std::vector<std::string> const& names, Eab const& eab,
                                           std::vector<std::string> const& more = {}) {
    std::vector<std::string> words{"certonly",  "--agree-tos", "--register-unsafely-without-email",
                                   "--eab-kid", eab.kid,       "--eab-hmac-key",
                                   eab.mac_key};
    words.insert(words.end(), more.begin(), more.end());
    for (auto const& name : names) words.insert(words.end(), {"-d", name});
    return words;
  }
  static std::vector<std::string> standalone() {
    return {"--standalone", "--http-01-port", std::to_string(site().http_port()), "--http-01-address", "127.0.0.1"};
  }
  // Its hooks are told the name without the label of 8.4.
  static std::vector<std::string> by_dns() {
    auto const hook = [](char const* word) {
      return site().txt_hook() + " " + word + " _acme-challenge.$CERTBOT_DOMAIN $CERTBOT_VALIDATION";
    };
    return {"--manual",      "--preferred-challenges", "dns",          "--manual-auth-hook",
            hook("present"), "--manual-cleanup-hook",  hook("cleanup")};
  }
  static std::string live(std::string const& certificate, std::string const& name = "certbot") {
    return site().path(name + "/live/" + certificate + "/fullchain.pem");
  }
  // The answers of the server, word for word; certbot's own output hides them.
  static std::string log(std::string const& name = "certbot") {
    return fakes::CaProcess::read(site().path(name + "/letsencrypt.log"));
  }
};

TEST_F(Certbot, GetsACertificateByHttp01AndRenewsIt) {
  LENSCAP_NEED_CLIENT("certbot");
  site().serve();
  auto const got = certbot(certonly({"cam1.cams.example", "cam2.cams.example"}, site().eab(), standalone()));
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  std::vector<std::string> const names{"DNS:cam1.cams.example", "DNS:cam2.cams.example"};
  auto const first = site().expect_certificate(live("cam1.cams.example"), names);

  auto const renewed = certbot({"renew", "--force-renewal", "--no-random-sleep-on-renew"});
  EXPECT_EQ(renewed.code, 0) << renewed.all() << site().ca().log();
  EXPECT_NE(site().expect_certificate(live("cam1.cams.example"), names).serial, first.serial);
}

// Why a name is refused or cannot be proved has to reach the user: a failed challenge is an answer 200 with the
// challenge in it, since certbot takes a 4xx for trouble with the line.
TEST_F(Certbot, TellsItsUserWhyNothingCame) {
  LENSCAP_NEED_CLIENT("certbot");
  site().serve();
  site().dns().set("away.cams.example", {"127.0.0.2"});  // certbot does not listen there
  auto const eab = site().eab();
  auto const refused = certbot(certonly({"cam1.other.example"}, eab, standalone()), "refused");
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(log("refused"), HasSubstr("urn:ietf:params:acme:error:rejectedIdentifier"));
  auto const failed = certbot(certonly({"away.cams.example"}, eab, standalone()), "refused");
  EXPECT_NE(failed.code, 0);
  EXPECT_THAT(failed.all(), HasSubstr("connection"));
}

// A granted name needs no proof: nobody answers for it, and no challenge is tried.
TEST_F(Certbot, GetsAGrantedNameWithoutAnyProof) {
  LENSCAP_NEED_CLIENT("certbot");
  site().serve();
  auto const before = site().ca().log().size();
  auto const got =
      certbot(certonly({"gate.cams.example"}, site().eab({"--grant-dns", "cams.example"}), standalone()), "granted");
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(live("gate.cams.example", "granted"), {"DNS:gate.cams.example"});
  EXPECT_THAT(site().ca().log().substr(before), Not(HasSubstr("validation.done")));
}

// Two TXT values stand at one name, and the wildcard's authorization carries the base name.
TEST_F(Certbot, GetsAWildcardAndItsBaseByDns01) {
  LENSCAP_NEED_CLIENT("certbot");
  site().serve();
  auto const before = site().records_set();
  auto const got = certbot(certonly({"*.wild.cams.example", "wild.cams.example"}, site().eab(), by_dns()), "wild");
  ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
  site().expect_certificate(live("wild.cams.example", "wild"), {"DNS:*.wild.cams.example", "DNS:wild.cams.example"});
  EXPECT_EQ(site().records_set(), before + 2);
}

TEST_F(Certbot, GetsEachKindOfKey) {
  LENSCAP_NEED_CLIENT("certbot");
  site().serve();
  auto const eab = site().eab();
  struct Case {
    std::vector<std::string> words;
    char const* key;
  };
  for (auto const& [words, key] : {Case{{"--key-type", "rsa", "--rsa-key-size", "2048"}, "RSA-2048"},
                                   Case{{"--key-type", "rsa", "--rsa-key-size", "3072"}, "RSA-3072"},
                                   Case{{"--key-type", "ecdsa", "--elliptic-curve", "secp384r1"}, "EC-P384"}}) {
    auto more = standalone();
    more.insert(more.end(), words.begin(), words.end());
    auto const name = std::string("keys-") + key;
    auto const got = certbot(certonly({"cam1.cams.example"}, eab, more), name);
    ASSERT_EQ(got.code, 0) << got.all() << site().ca().log();
    site().expect_certificate(live("cam1.cams.example", name), {"DNS:cam1.cams.example"}, key);
  }
}

TEST_F(Certbot, RevokesByItsAccountAndByTheCertificatesKeyAndEndsItsAccount) {
  LENSCAP_NEED_CLIENT("certbot");
  site().serve();
  auto const eab = site().eab();
  auto words = certonly({"cam1.cams.example"}, eab, standalone());
  ASSERT_EQ(certbot(words, "revoke").code, 0);
  words = certonly({"cam2.cams.example"}, eab, standalone());
  ASSERT_EQ(certbot(words, "revoke").code, 0);

  auto const first = site().read_certificate(live("cam1.cams.example", "revoke"));
  auto const revoked = certbot(
      {"revoke", "--cert-name", "cam1.cams.example", "--no-delete-after-revoke", "--reason", "superseded"}, "revoke");
  EXPECT_EQ(revoked.code, 0) << revoked.all() << log("revoke");
  EXPECT_EQ(site().on_record(first), "revoked");
  EXPECT_EQ(site().on_record(first, "reason"), "superseded");

  // The certificate's key is enough, in a folder that has no account.
  auto const second = live("cam2.cams.example", "revoke");
  auto const by_key = certbot({"revoke", "--cert-path", second, "--key-path",
                               site().path("revoke/live/cam2.cams.example/privkey.pem"), "--no-delete-after-revoke"},
                              "stranger");
  EXPECT_EQ(by_key.code, 0) << by_key.all() << log("stranger");
  EXPECT_EQ(site().on_record(site().read_certificate(second)), "revoked");

  auto const count = [](std::string const& status) {
    int found = 0;
    for (auto const& account : site().accounts())
      if (json::need_string(account, "status").value() == status) ++found;
    return found;
  };
  auto const ended = count("deactivated");
  auto const updated = certbot({"update_account", "-m", "keeper@cams.example", "--no-eff-email"}, "revoke");
  EXPECT_EQ(updated.code, 0) << updated.all() << log("revoke");
  auto const gone = certbot({"unregister"}, "revoke");
  EXPECT_EQ(gone.code, 0) << gone.all() << log("revoke");
  EXPECT_EQ(count("deactivated"), ended + 1);
}

TEST_F(Certbot, WithoutAnEabKeyIsToldThatItNeedsOne) {
  LENSCAP_NEED_CLIENT("certbot");
  site().serve();
  std::vector<std::string> words{"certonly", "--agree-tos", "--register-unsafely-without-email", "-d",
                                 "cam1.cams.example"};
  for (auto const& word : standalone()) words.push_back(word);
  auto const refused = certbot(words, "no-eab");
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.all(), HasSubstr("external account binding"));
}

TEST_F(Certbot, SurvivesChaosAsDocumented) {
  LENSCAP_NEED_CLIENT("certbot");
  site().serve();
  auto const eab = site().eab();
  int run = 0;
  expect_as_documented("certbot", debian_version("certbot"), [&](std::string const& name, e2e::Ran& ran) {
    auto const folder = "chaos" + std::to_string(++run);
    ran = certbot(certonly({name}, eab, standalone()), folder);
    return live(name, folder);
  });
}

}  // namespace
}  // namespace lenscap::interop
