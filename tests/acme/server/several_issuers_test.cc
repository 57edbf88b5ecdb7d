// A server with several issuers: what each signs is served, answered for and revoked as its own. And a roll-over from
// the one to the other while hundreds of renewals are under way: nobody ever holds a chain that a judge refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ocsp.h>

#include "acme/server/records.h"
#include "acme/wire/authorization.h"
#include "acme/wire/renewal_info.h"
#include "ca/audit.h"
#include "tests/acme/server/fixture.h"
#include "tests/acme/server/promises.h"
#include "tests/ca/several_issuers.h"

namespace lenscap::acme::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Seconds kAfter = 7 * kDay;

struct Held {
  std::string host;
  x509::Certificate leaf;
  std::vector<x509::Certificate> above;  // as they came with it

  std::string id() const { return CertificateId::of(leaf).value().text(); }
};

class SeveralIssuers : public ::testing::Test {
 protected:
  static ca::GeneratedCa const& root_ca() {
    static ca::GeneratedCa const made = ca::generate_ca(ca::test::ceremony_settings(), kNow).value();
    return made;
  }
  void start(std::vector<ca::test::Further> const& more, ca::GeneratedCa const& ca = root_ca(),
             std::function<void(ca::Issuing&)> const& change = {}) {
    auto made = ca::test::several_issuers(ca, more, kNow, {"camera-https", "camera-https-cn", "server"},
                                          /*crl_parts=*/1, /*ocsp=*/true);
    issuing = made.certificates;
    if (change) change(made.issuing);
    ServerOptions options{.settings = "[crl]\nafter_revocation = \"0s\"\n"};
    options.issuing = std::move(made.issuing);
    server.emplace(std::move(options));
    client.emplace(granted_client(*server));
    do_chores();
  }
  // What the server's own threads do by time.
  void do_chores() {
    server->app->crls.make_due();
    server->app->ocsp.renew_if_due();
  }
  void set_clock(Time at) { server->clock.advance(at - server->clock.now()); }

  // From here on the client's account is one whose scope names this issuer.
  void bind(std::string const& issuer, std::vector<std::string> profiles = {}) {
    auto scope = server->grant_scope();
    scope.issuer = issuer;
    scope.profiles = std::move(profiles);
    auto const eab = server->add_eab(std::move(scope));
    client.emplace(*server);
    EXPECT_EQ(client->new_account(&eab).status, 201);
  }
  std::size_t logged(std::string const& text) {
    auto const lines = server->log_lines();
    return static_cast<std::size_t>(
        std::ranges::count_if(lines, [&](auto const& line) { return line.find(text) != line.npos; }));
  }

  // Entries of the audit trail that say why an order could not be taken: of 503 as of others.
  std::size_t refusals_on_record(std::string const& text) {
    server->app->refusals.write_due(server->app->db, server->clock.now());
    std::size_t found = 0;
    server->app->store->read([&](store::ReadTxn& txn) {
      found = 0;
      ca::visit_audit(txn, 1, [&](std::uint64_t, ca::AuditEntry const& entry) {
        bool const is_one = entry.event == ca::AuditEvent::request_refused && entry.rule == "E1041 serverInternal";
        if (is_one && entry.detail.find(text) != text.npos) ++found;
        return true;
      });
    });
    return found;
  }

  std::string order(std::string const& host, std::optional<Held> const& replaced = {}) {
    json::Object more;
    if (replaced) more.set("replaces", replaced->id());
    auto const made = client->new_order({host}, more);
    EXPECT_EQ(made.status, 201) << made.body;
    return made.header("Location");
  }
  Held complete(std::string const& host, std::string const& url) {
    auto const done = client->finalize(url, {host});
    EXPECT_EQ(done.text("status"), "valid") << done.body;
    auto const answer = client->read(done.text("certificate"));
    auto chain = x509::parse_pem_chain(answer.body).value();
    return {host, chain.front(), {chain.begin() + 1, chain.end()}};
  }
  Held issue(std::string const& host) { return complete(host, order(host)); }

  // The judge has the root, what came with the certificate, and the list that the certificate names.
  std::string judged(Held const& held) {
    auto const now = server->clock.now();
    if (auto const chain = x509::verify_chain(held.leaf, held.above, {root_ca().root}, now); !chain)
      return chain.error().detail();
    auto const list = web("/crl/" + to_hex(held.leaf.authority_key_id()) + ".crl");
    if (list.status != 200) return "no list: " + std::to_string(list.status);
    auto const* at = as_bytes(list.body).data();
    ossl::Ptr<X509_CRL, X509_CRL_free> const crl(d2i_X509_CRL(nullptr, &at, static_cast<long>(list.body.size())));
    ossl::X509StorePtr const trusted(X509_STORE_new());
    X509_STORE_add_cert(trusted.get(), root_ca().root.native());
    X509_STORE_add_crl(trusted.get(), crl.get());
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(trusted.get()), to_unix(now));
    X509_STORE_set_flags(trusted.get(), X509_V_FLAG_CRL_CHECK);
    ossl::Ptr<STACK_OF(X509), [](STACK_OF(X509) * all) { sk_X509_free(all); }> const between(sk_X509_new_null());
    for (auto const& each : held.above) sk_X509_push(between.get(), each.native());
    ossl::Ptr<X509_STORE_CTX, X509_STORE_CTX_free> const context(X509_STORE_CTX_new());
    X509_STORE_CTX_init(context.get(), trusted.get(), held.leaf.native(), between.get());
    bool const good = X509_verify_cert(context.get()) == 1;
    auto const why = X509_STORE_CTX_get_error(context.get());
    ossl::take_errors();
    return good ? "" : X509_verify_cert_error_string(why);
  }
  // By OCSP: V_OCSP_CERTSTATUS_..., or -1 when the answer is none or its signer is not the issuer's.
  int status_by_ocsp(Held const& held) {
    ossl::Ptr<OCSP_REQUEST, OCSP_REQUEST_free> const request(OCSP_REQUEST_new());
    auto const* issuer = held.above.front().native();
    OCSP_request_add0_id(request.get(),
                         OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(issuer), X509_get0_pubkey_bitstr(issuer),
                                          X509_get0_serialNumber(held.leaf.native())));
    auto post = make_request(net::Method::post, std::string(ca::kOcspPath));
    post.headers.add("Content-Type", "application/ocsp-request");
    post.body = as_text(ossl::to_der(request.get(), i2d_OCSP_REQUEST));
    auto const answer = server->send_web(std::move(post));
    auto const* at = as_bytes(answer.body).data();
    ossl::Ptr<OCSP_RESPONSE, OCSP_RESPONSE_free> const response(
        d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(answer.body.size())));
    if (!response) return -1;
    ossl::Ptr<OCSP_BASICRESP, OCSP_BASICRESP_free> const basic(OCSP_response_get1_basic(response.get()));
    ossl::take_errors();
    if (!basic) return -1;
    ossl::X509StorePtr const trusted(X509_STORE_new());
    X509_STORE_add_cert(trusted.get(), root_ca().root.native());
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(trusted.get()), to_unix(server->clock.now()));
    ossl::Ptr<STACK_OF(X509), [](STACK_OF(X509) * all) { sk_X509_free(all); }> const between(sk_X509_new_null());
    for (auto const& each : held.above) sk_X509_push(between.get(), each.native());
    bool const is_trusted = OCSP_basic_verify(basic.get(), between.get(), trusted.get(), 0) == 1;
    ossl::take_errors();
    return is_trusted ? OCSP_single_get0_status(OCSP_resp_get0(basic.get(), 0), nullptr, nullptr, nullptr, nullptr)
                      : -1;
  }
  Answer web(std::string const& path) { return server->send_web(make_request(net::Method::get, path)); }
  std::string health() { return web("/health").text("status"); }
  Answer revoke(Held const& held) {
    return client->post(server->app->settings.urls.revoke_cert(),
                        json::write(json::Object{{"certificate", to_base64url(held.leaf.der())}}));
  }

  std::vector<x509::Certificate> issuing;
  std::optional<TestServer> server;
  std::optional<Client> client;
};

TEST_F(SeveralIssuers, EachServesWhatItSigned) {
  start({{.name = "plant4", .permit_dns = {"p4.cams.example"}}});
  std::vector<Held> const held{issue("a.cams.example"), issue("a.p4.cams.example")};
  for (std::size_t i : {0U, 1U}) {
    SCOPED_TRACE(held[i].host);
    EXPECT_EQ(held[i].above, std::vector{issuing[i]});
    EXPECT_EQ(web(ca::aia_path(issuing[i])).body, as_text(issuing[i].der()));
    EXPECT_EQ(server->get(std::string(kBase) + ca::aia_path(issuing[i])).body, as_text(issuing[i].der()));
    EXPECT_EQ(judged(held[i]), "");
    EXPECT_EQ(status_by_ocsp(held[i]), V_OCSP_CERTSTATUS_GOOD);
    EXPECT_EQ(server->get(server->app->settings.urls.renewal_info() + "/" + held[i].id()).status, 200);
  }
  EXPECT_EQ(health(), "ok");
  // The number of the one under the name of the other is nobody's.
  auto const swapped = Held{"", held[0].leaf, {issuing[1]}};
  EXPECT_EQ(status_by_ocsp(swapped), V_OCSP_CERTSTATUS_UNKNOWN);
}

TEST_F(SeveralIssuers, ARevocationStandsInTheListOfItsIssuerAlone) {
  start({{.name = "plant4", .permit_dns = {"p4.cams.example"}}});
  auto const of_default = issue("a.cams.example");
  auto const of_plant = issue("a.p4.cams.example");
  auto const before = web("/crl/" + to_hex(issuing[0].subject_key_id()) + ".crl").body;
  EXPECT_EQ(revoke(of_plant).status, 200);
  do_chores();
  EXPECT_EQ(judged(of_plant), "certificate revoked");
  EXPECT_EQ(status_by_ocsp(of_plant), V_OCSP_CERTSTATUS_REVOKED);
  EXPECT_EQ(judged(of_default), "");
  EXPECT_EQ(web("/crl/" + to_hex(issuing[0].subject_key_id()) + ".crl").body, before);
}

// The names are permitted by the root and by the default; by which issuer, the account need not know.
TEST_F(SeveralIssuers, AnOrderOverTwoSitesIsTheDefaults) {
  start({{.name = "plant4", .permit_dns = {"p4.cams.example"}}, {.name = "plant8", .permit_dns = {"p8.cams.example"}}});
  auto const made = client->new_order({"a.p4.cams.example", "a.p8.cams.example"});
  auto const done = client->finalize(made.header("Location"), {"a.p4.cams.example", "a.p8.cams.example"});
  auto const chain = x509::parse_pem_chain(client->read(done.text("certificate")).body).value();
  EXPECT_EQ(chain[1], issuing[0]);
}

// plant8 may name all that the default may, and plant4 a part of it: without a scope nothing here is plant8's or the
// default's.
TEST_F(SeveralIssuers, AScopesIssuerSignsWhateverIsOrderedUnderIt) {
  start({{.name = "plant4", .permit_dns = {"p4.cams.example"}}, {.name = "plant8"}});
  EXPECT_EQ(issue("a.p4.cams.example").above, std::vector{issuing[1]});
  EXPECT_EQ(issue("a.cams.example").above, std::vector{issuing[2]});
  struct Case {
    std::string named;
    std::size_t by;
    std::vector<std::string> hosts;
  };
  for (auto const& c :
       {Case{"default", 0, {"b.cams.example", "b.p4.cams.example"}}, Case{"plant4", 1, {"c.p4.cams.example"}},
        Case{"plant8", 2, {"d.cams.example", "d.p4.cams.example"}}}) {
    SCOPED_TRACE(c.named);
    bind(c.named);
    for (auto const& host : c.hosts) {
      auto const first = issue(host);
      EXPECT_EQ(first.above, std::vector{issuing[c.by]}) << host;
      EXPECT_EQ(judged(first), "") << host;
      auto const renewed = complete(host, order(host, first));
      EXPECT_EQ(renewed.above, std::vector{issuing[c.by]}) << host;
      EXPECT_EQ(status_by_ocsp(renewed), V_OCSP_CERTSTATUS_GOOD) << host;
    }
  }
}

TEST_F(SeveralIssuers, WhatAScopesIssuerCannotMakeIsRefusedWhenItIsOrdered) {
  start({{.name = "plant4", .permit_dns = {"p4.cams.example"}, .note = {.profiles = {"camera-https"}}},
         {.name = "later", .note = {.active_from = kNow + kDay}},
         {.name = "clients", .usages = {ca::ExtendedKeyUsage::client_auth}},
         {.name = "over"}},
        root_ca(), [](ca::Issuing& all) { all.issuers[4].rule.ends = kNow; });
  struct Case {
    char const* why;
    std::string named;
    std::string host;
    std::string profile;
    int status;
    char const* problem;
    char const* says;
  };
  for (auto const& c : std::vector<Case>{
           {"a name outside", "plant4", "a.cams.example", "camera-https", 403, "rejectedIdentifier", "only the issuer"},
           {"another profile", "plant4", "a.p4.cams.example", "camera-https-cn", 400, "invalidProfile",
            "does not serve"},
           {"another usage", "clients", "a.cams.example", "camera-https", 400, "invalidProfile", "serverAuth"},
           {"published", "later", "a.cams.example", "camera-https", 503, "serverInternal", "signs only from"},
           {"ended", "over", "a.cams.example", "camera-https", 503, "serverInternal", "ended at"},
           {"its folder is gone", "plant5", "a.cams.example", "camera-https", 503, "serverInternal",
            "this CA does not have it"},
       }) {
    SCOPED_TRACE(c.why);
    bind(c.named, {"camera-https", "camera-https-cn"});
    auto const before = logged("order.put_off");
    auto const refused = client->new_order({c.host}, {{"profile", c.profile}});
    EXPECT_EQ(refused.status, c.status) << refused.body;
    EXPECT_EQ(refused.problem(), c.problem) << refused.body;
    EXPECT_THAT(refused.body, AllOf(HasSubstr("only the issuer " + c.named + " may sign this"), HasSubstr(c.says)));
    EXPECT_EQ(refused.header("Retry-After").empty(), c.status != 503);
    EXPECT_EQ(logged("order.put_off") - before, c.status == 503 ? 1U : 0U) << "who runs the CA has to do something";
    auto const beforehand = client->post(server->app->settings.urls.new_authz(),
                                         json::write(new_authz_to_json(Identifier::from_host(c.host).value())));
    EXPECT_EQ(beforehand.status, c.status == 400 ? 201 : c.status) << beforehand.body;
    server->app->store->read([](store::ReadTxn& txn) { EXPECT_TRUE(load_open_orders(txn, "").empty()); });
    EXPECT_EQ(refusals_on_record("only the issuer " + c.named + " may sign this"), c.status == 503 ? 1U : 0U);
  }
  bind("later");
  set_clock(kNow + kDay);
  EXPECT_EQ(issue("a.cams.example").above, std::vector{issuing[2]});
}

// What may be asked for as notAfter is what the scope's issuer has left, whatever the default has, and no more than
// what takes its place, too.
TEST_F(SeveralIssuers, AValidityThatIsAskedForEndsWithTheScopesIssuer) {
  start({{.name = "plant4"}, {.name = "plant4-2", .note = {.active_from = kNow + kHour, .replaces = "plant4"}}},
        root_ca(), [](ca::Issuing& all) {
          all.issuers[1].rule.ends = kNow + 3 * kDay;
          all.issuers[2].rule.ends = kNow + 2 * kDay;
        });
  auto const ask = [&](Time until) {
    return client->new_order({"a.cams.example"}, {{"notAfter", to_rfc3339(until)}}).status;
  };
  EXPECT_EQ(ask(kNow + 3 * kDay), 201) << "of the default";
  bind("plant4");
  EXPECT_EQ(ask(kNow + 2 * kDay), 201);
  EXPECT_EQ(ask(kNow + 2 * kDay + Seconds(1)), 400);
}

TEST_F(SeveralIssuers, ARollOverTakesTheScopeAlong) {
  start({{.name = "plant4"},
         {.name = "plant4-2", .note = {.active_from = kNow + kAfter, .replaces = "plant4"}},
         {.name = "plant8"}});
  bind("plant4");
  auto const first = issue("a.cams.example");
  EXPECT_EQ(first.above, std::vector{issuing[1]});
  set_clock(kNow + kAfter - Seconds(1));
  auto const on_its_way = order("b.cams.example"), renewal = order("a.cams.example", first);
  EXPECT_EQ(issue("c.cams.example").above, std::vector{issuing[1]});
  set_clock(kNow + kAfter);
  do_chores();
  for (auto const& held :
       {complete("b.cams.example", on_its_way), complete("a.cams.example", renewal), issue("d.cams.example")}) {
    EXPECT_EQ(held.above, std::vector{issuing[2]}) << held.host;
    EXPECT_EQ(judged(held), "") << held.host;
  }
  EXPECT_EQ(server->get(server->app->settings.urls.renewal_info() + "/" + first.id()).status, 200);
}

// The order was accepted, and what took the issuer's place does not serve its profile: nobody else signs it either.
TEST_F(SeveralIssuers, AnOrderThatTheScopesIssuerCannotMakeAnyMoreIsRefusedAtFinalize) {
  start({{.name = "plant4"},
         {.name = "plant4-2", .note = {.profiles = {"server"}, .active_from = kNow + kHour / 2, .replaces = "plant4"}},
         {.name = "plant8"},
         {.name = "plant9"}},
        root_ca(), [](ca::Issuing& all) { all.issuers[4].rule.ends = kNow + kHour / 2; });
  bind("plant4");
  auto const of_plant4 = order("a.cams.example");
  auto other = *std::move(client);
  bind("plant9");
  auto const of_plant9 = order("b.cams.example");
  set_clock(kNow + kHour / 2);
  auto const ended = client->finalize(of_plant9, {"b.cams.example"});
  EXPECT_EQ(ended.status, 503) << ended.body;
  EXPECT_THAT(ended.detail(),
              HasSubstr("only the issuer plant9 may sign this: the issuer plant9 has a chain that ended"));
  EXPECT_EQ(logged("finalize.put_off"), 1U);
  EXPECT_EQ(client->read(of_plant9).text("status"), "ready");
  auto const refused = other.finalize(of_plant4, {"a.cams.example"});
  EXPECT_EQ(refused.status, 400) << refused.body;
  EXPECT_EQ(refused.problem(), "invalidProfile");
  EXPECT_THAT(refused.detail(), HasSubstr("only the issuer plant4 may sign this: the issuer plant4-2 does not serve"));
  EXPECT_EQ(other.read(of_plant4).text("status"), "ready");
}

// 210 cameras. A third of their renewals is ordered before the new issuer's date and finalized after it, a third is
// ordered and finalized before, a third after; the old issuer's lists, answers and revocations go on beside.
TEST_F(SeveralIssuers, RollOverWithRenewalsUnderWay) {
  start({{.name = "default-2", .note = {.active_from = kNow + kAfter, .replaces = "default"}}});
  constexpr std::size_t kCameras = 210;
  std::vector<Held> held;
  for (std::size_t i = 0; i < kCameras; ++i) held.push_back(issue("cam" + std::to_string(i) + ".cams.example"));
  auto const all_good = [&] {
    std::string bad;
    for (auto const& each : held)
      if (auto const why = judged(each); !why.empty()) bad += each.host + ": " + why + "\n";
    return bad;
  };
  auto const by = [&](x509::Certificate const& issuer) {
    return std::ranges::count_if(held, [&](Held const& each) { return each.above.front() == issuer; });
  };
  EXPECT_EQ(by(issuing[0]), kCameras) << "published, and it signs nothing yet";
  EXPECT_EQ(web(ca::aia_path(issuing[1])).status, 200);
  EXPECT_EQ(web("/crl/" + to_hex(issuing[1].subject_key_id()) + ".crl").status, 200);
  EXPECT_EQ(all_good(), "");

  set_clock(kNow + kAfter - kMinute);
  do_chores();
  std::vector<std::string> orders;
  for (std::size_t i = 0; i < kCameras * 2 / 3; ++i) orders.push_back(order(held[i].host, held[i]));
  for (std::size_t i = 0; i < kCameras / 3; ++i) held[i] = complete(held[i].host, orders[i]);
  EXPECT_EQ(by(issuing[0]), kCameras);
  EXPECT_EQ(all_good(), "");

  set_clock(kNow + kAfter);
  do_chores();
  for (std::size_t i = kCameras / 3; i < kCameras * 2 / 3; ++i) held[i] = complete(held[i].host, orders[i]);
  for (std::size_t i = kCameras * 2 / 3; i < kCameras; ++i)
    held[i] = complete(held[i].host, order(held[i].host, held[i]));
  EXPECT_EQ(by(issuing[0]), kCameras / 3);
  EXPECT_EQ(by(issuing[1]), kCameras * 2 / 3);
  EXPECT_EQ(all_good(), "");
  EXPECT_EQ(health(), "ok");
  EXPECT_EQ(broken_promises(*server->app->store, server->clock.now()), "");

  // The old issuer answers for what it signed, as long as that lives.
  for (auto const* each : {&held.front(), &held.back()}) {
    EXPECT_EQ(status_by_ocsp(*each), V_OCSP_CERTSTATUS_GOOD) << each->host;
    EXPECT_EQ(server->get(server->app->settings.urls.renewal_info() + "/" + each->id()).status, 200) << each->host;
  }
  EXPECT_EQ(revoke(held[0]).status, 200);
  do_chores();
  EXPECT_EQ(judged(held[0]), "certificate revoked");
  EXPECT_EQ(status_by_ocsp(held[0]), V_OCSP_CERTSTATUS_REVOKED);
  set_clock(kNow + kAfter + 60 * kDay);
  do_chores();
  EXPECT_EQ(judged(held[0]), "certificate revoked");
  EXPECT_EQ(judged(held[1]), "");
  EXPECT_EQ(status_by_ocsp(held[1]), V_OCSP_CERTSTATUS_GOOD);
  EXPECT_EQ(judged(held.back()), "");

  // To the last day of the last of its leaves: each day there is a list that is good on that day, with what was revoked
  // long ago and what is revoked in the last hour.
  Time end = kNow;
  for (auto const& each : held)
    if (each.above.front() == issuing[0]) end = std::max(end, each.leaf.not_after());
  ASSERT_GT(end, kNow + kAfter + 80 * kDay);
  for (Time day = kNow + kAfter + 61 * kDay; day < end; day += kDay) {
    set_clock(day);
    do_chores();
    EXPECT_EQ(judged(held[0]), "certificate revoked") << to_rfc3339(day);
    EXPECT_EQ(judged(held[1]), "") << to_rfc3339(day);
  }
  set_clock(end - kHour);
  EXPECT_EQ(revoke(held[2]).status, 200);
  do_chores();
  set_clock(end - kMinute);
  ASSERT_GE(held[0].leaf.not_after(), server->clock.now());
  EXPECT_EQ(judged(held[0]), "certificate revoked");
  EXPECT_EQ(judged(held[1]), "");
  EXPECT_EQ(judged(held[2]), "certificate revoked");
  EXPECT_EQ(status_by_ocsp(held[1]), V_OCSP_CERTSTATUS_GOOD);
  EXPECT_EQ(status_by_ocsp(held[2]), V_OCSP_CERTSTATUS_REVOKED);
  EXPECT_EQ(broken_promises(*server->app->store, server->clock.now()), "");
}

// When the old issuer has ended, nothing of it is left to be made, and nobody is alarmed.
TEST_F(SeveralIssuers, AnIssuerWhoseTimeIsOverIsLeftInPeace) {
  auto const old_ca = ca::generate_ca(ca::test::ceremony_settings(), kNow - ca::kIssuerLifetime + 30 * kDay).value();
  start({{.name = "default-2", .note = {.active_from = kNow + kAfter, .replaces = "default"}}}, old_ca);
  (void)issue("a.cams.example");
  set_clock(kNow + 31 * kDay);
  ASSERT_GT(server->clock.now(), old_ca.issuing.not_after());
  do_chores();
  EXPECT_EQ(health(), "ok") << web("/health").body;
  auto const now = issue("b.cams.example");
  EXPECT_EQ(now.above, std::vector{issuing[1]});
  EXPECT_EQ(broken_promises(*server->app->store, server->clock.now()), "");
  for (auto const& line : server->log_lines()) EXPECT_THAT(line, Not(HasSubstr("not_made")));
}

}  // namespace
}  // namespace lenscap::acme::test
