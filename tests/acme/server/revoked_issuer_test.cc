// A server whose root's list names an issuer: that one signs nothing for anybody, and the server still starts, serves,
// and sends clients away with what to do, or to another issuer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "acme/server/readings.h"
#include "acme/wire/renewal_info.h"
#include "tests/acme/server/fixture.h"
#include "tests/ca/several_issuers.h"

namespace lenscap::acme::test {
namespace {

using ::testing::HasSubstr;

class RevokedIssuer : public ::testing::Test {
 protected:
  static ca::GeneratedCa const& root_ca() {
    static ca::GeneratedCa const made = ca::generate_ca(ca::test::ceremony_settings(), kNow - kDay).value();
    return made;
  }
  // The default is revoked.
  void start(std::vector<ca::test::Further> const& more = {}, bool has_list = true) {
    auto made = ca::test::several_issuers(root_ca(), more, kNow, {"camera-https", "camera-https-cn", "server"},
                                          /*crl_parts=*/1, /*ocsp=*/true);
    made.issuing.issuers.front().rule.revoked_at = kNow - kHour;
    std::optional<ca::RootCrl> list;
    if (has_list)
      list = ca::make_root_crl(root_ca().root, root_ca().root_key, {},
                               {{root_ca().issuing.serial_hex(), x509::RevocationReason::key_compromise}},
                               ca::kRootCrlLifetime, kNow)
                 .value();
    made.issuing.root_crls.push_back(std::move(list));
    ServerOptions options;
    options.issuing = std::move(made.issuing);
    server.emplace(std::move(options));
    client.emplace(granted_client(*server));
    server->app->crls.make_due();
    server->app->ocsp.renew_if_due();
  }
  ca::Authority const& authority() const { return *server->app->authority; }
  Answer web(std::string const& path) { return server->send_web(make_request(net::Method::get, path)); }
  std::string health(std::string_view part) {
    return *web("/health").object().find("parts")->as_object()->find(part)->as_string();
  }
  std::string root_path() const { return ca::crl_path(root_ca().root) + ".crl"; }
  // By the default, from the time before.
  x509::Certificate issued_before() {
    auto const draft = authority().issuer().prepare(authority().default_profile(),
                                                    ca::test::request(names_of({"a.cams.example"})), kNow);
    auto copy =
        authority().issuer().prepare(authority().default_profile(), draft->request(), draft->what().serial, kNow);
    auto certificate = authority().issuer().sign(*std::move(copy)).value();
    server->app->store->write([&](store::WriteTxn& txn) {
      return ca::record_intent(txn, *draft, "order-1").ok() && ca::record_issued(txn, certificate, kNow).ok();
    });
    return certificate;
  }

  std::optional<TestServer> server;
  std::optional<Client> client;
};

TEST_F(RevokedIssuer, OrdersGet503WithWhatToDo) {
  start();
  auto const refused = client->new_order({"cam1.cams.example"});
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_THAT(refused.detail(), HasSubstr("the issuer default is revoked since"));
  EXPECT_THAT(refused.detail(), HasSubstr("lenscap-ca issuer roll-over"));
  EXPECT_EQ(refused.header("Retry-After"), "600");
  EXPECT_EQ(client->new_order({"cam1.cams.example"}, {{"profile", "no-such"}}).status, 400) << "said as ever";
  auto const prepared = authority().prepare(ca::test::request(names_of({"a.cams.example"}), "server"), kNow);
  ASSERT_FALSE(prepared.ok()) << "an order that was ready before";
  EXPECT_EQ(prepared.error().code(), Errc::no_issuer);
}

// Else nobody could be told, and OCSP would say "try later" of certificates that are good and of those that are not.
TEST_F(RevokedIssuer, ItSignsForTheServerItsListsAndItsResponder) {
  start();
  auto const own = ca::test::request(names_of({"pki.cams.example"}), "server");
  EXPECT_TRUE(authority().issue_for_server(own, kNow).ok());
  EXPECT_FALSE(authority().issue(own, "own", kNow).ok());
  EXPECT_EQ(web(ca::crl_path(root_ca().issuing) + ".crl").status, 200);
  EXPECT_EQ(health("crl"), "ok");
  EXPECT_EQ(health("ocsp"), "ok");
}

TEST_F(RevokedIssuer, HealthAndMetricsSayIt) {
  start();
  EXPECT_EQ(web("/health").status, 503);
  EXPECT_EQ(health("issuer"), "revoked: default; no other signs, so orders get 503");
  start({{.name = "default-2", .note = {.active_from = kNow, .replaces = "default"}}});
  EXPECT_EQ(web("/health").status, 200);
  EXPECT_EQ(health("issuer"), "ok; revoked: default");
  auto const text = server->app->metrics.text(take_readings(*server->app));
  EXPECT_THAT(text, HasSubstr("lenscap_issuer_revoked{issuer=\"default\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lenscap_issuer_revoked{issuer=\"default-2\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("lenscap_root_crl_entries{root=\"Example Cameras Root CA\"} 1\n"));
}

TEST_F(RevokedIssuer, AnotherOneTakesItsOrders) {
  start({{.name = "default-2", .note = {.active_from = kNow, .replaces = "default"}}});
  auto const made = client->new_order({"cam1.cams.example"});
  ASSERT_EQ(made.status, 201) << made.body;
  auto const done = client->finalize(made.header("Location"), {"cam1.cams.example"});
  auto const chain = x509::parse_pem_chain(client->read(done.text("certificate")).body).value();
  EXPECT_EQ(chain[1], authority().issuers()[1].issuer->certificate());
}

TEST_F(RevokedIssuer, AnotherOneForASiteTakesThoseOfItsSite) {
  start({{.name = "plant4", .permit_dns = {"p4.cams.example"}}});
  EXPECT_EQ(client->new_order({"a.p4.cams.example"}).status, 201);
  EXPECT_EQ(client->new_order({"a.cams.example"}).status, 503);
}

TEST_F(RevokedIssuer, ItsCertificatesAreToBeRenewedNow) {
  start({{.name = "default-2", .note = {.active_from = kNow, .replaces = "default"}}});
  auto const leaf = issued_before();
  auto const info = server->get(server->app->settings.urls.renewal_info() + "/" + CertificateId::of(leaf)->text());
  ASSERT_EQ(info.status, 200);
  auto const told = info.object();
  auto const* window = told.find("suggestedWindow")->as_object();
  EXPECT_LT(parse_rfc3339(json::need_string(*window, "end").value()).value(), kNow);
  // As soon as it is replaced by one of another issuer, that one is not.
  auto const made = client->new_order({"b.cams.example"});
  auto const done = client->finalize(made.header("Location"), {"b.cams.example"});
  auto const good = x509::parse_pem_chain(client->read(done.text("certificate")).body).value().front();
  auto const other = server->get(server->app->settings.urls.renewal_info() + "/" + CertificateId::of(good)->text());
  auto const told_later = other.object();
  auto const* later = told_later.find("suggestedWindow")->as_object();
  EXPECT_GT(parse_rfc3339(json::need_string(*later, "start").value()).value(), kNow);
}

// --- the list of the root ---

TEST_F(RevokedIssuer, TheListOfTheRootIsServedWithWhatACacheNeeds) {
  start();
  auto const list = web(root_path());
  ASSERT_EQ(list.status, 200);
  EXPECT_EQ(list.header("Content-Type"), "application/pkix-crl");
  EXPECT_EQ(list.header("Cache-Control"), "public, max-age=3600");
  EXPECT_EQ(list.header("Last-Modified"), to_http_date(kNow - kDay));
  EXPECT_THAT(list.header("ETag"), ::testing::MatchesRegex("\"[0-9]+-[0-9a-f]{16}\""));
  EXPECT_TRUE(ca::parse_root_crl(as_bytes(list.body), root_ca().root).ok());
  auto again = make_request(net::Method::get, root_path());
  again.headers.add("If-None-Match", list.header("ETag"));
  auto const known = server->send_web(std::move(again));
  EXPECT_EQ(known.status, 304);
  EXPECT_EQ(known.body, "");
  EXPECT_EQ(web(ca::crl_path(root_ca().root) + "/2-0.crl").status, 404) << "it has no parts";
}

TEST_F(RevokedIssuer, HealthSaysWhenTheListOfTheRootEnds) {
  struct Case {
    Seconds after;
    int status;
    char const* says;
  };
  for (auto const& [after, status, says] : std::vector<Case>{{Seconds(0), 200, "ok"},
                                                             {300 * kDay, 200, "ok"},
                                                             {336 * kDay, 200, "ends soon"},
                                                             {365 * kDay, 503, "has ended"}}) {
    start({{.name = "default-2", .note = {.active_from = kNow, .replaces = "default"}}});
    server->clock.advance(after);
    server->app->crls.make_due();
    server->app->ocsp.renew_if_due();
    EXPECT_THAT(health("root_crl"), HasSubstr(says)) << after.count();
    EXPECT_EQ(web("/health").status, status) << web("/health").body;
  }
  start({}, /*has_list=*/false);
  EXPECT_EQ(health("root_crl"), "none was made") << "a CA of an older program";
  EXPECT_EQ(web(root_path()).status, 404);
}

}  // namespace
}  // namespace lenscap::acme::test
