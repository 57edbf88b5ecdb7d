// Orders over the wire: newOrder, authorizations, finalize, certificate (RFC 8555 7.4, 7.5).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "acme/server/records.h"
#include "acme/server/sweeper.h"
#include "ca/ledger_visits.h"
#include "tests/acme/server/fixture.h"
#include "tests/acme/server/promises.h"

namespace lenscap::acme::test {
namespace {

class Orders : public ::testing::Test {
 protected:
  TestServer server;
  Client client = granted_client(server);
  Urls const& urls = server.app->settings.urls;

  std::size_t certificates() {
    std::size_t count = 0;
    server.app->store->read([&](store::ReadTxn& txn) {
      ca::visit_newest(txn, "", [&](ca::CertificateRecord const&) { return ++count > 0; });
    });
    return count;
  }
};

// B-15, K-03, S-13
TEST_F(Orders, AGrantedOrderToItsCertificate) {  // 8555-7.4-1, 8555-7.4-5, 8555-7.4-9, 8555-7.1.3-1, 8738-7-2
  std::vector<std::string> const hosts{"cam1.cams.example", "10.20.4.119"};
  auto const order = client.new_order(hosts);
  ASSERT_EQ(order.status, 201) << order.body;
  EXPECT_EQ(order.text("status"), "ready");
  EXPECT_EQ(order.text("profile"), "camera-https");
  auto const url = order.header("Location");
  EXPECT_EQ(order.text("finalize"), url + "/finalize");

  auto const authorization = client.read(first_text(order.object(), "authorizations"));
  EXPECT_EQ(authorization.text("status"), "valid");
  EXPECT_FALSE(authorization.text("expires").empty());  // 8555-7.1.4-1
  EXPECT_EQ(authorization.object().find("challenges")->as_array()->size(), 1u);

  auto const done = client.finalize(url, hosts);
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(done.text("status"), "valid");
  auto const chain = client.read(done.text("certificate"));
  EXPECT_EQ(chain.status, 200);
  EXPECT_EQ(chain.header("Content-Type"), "application/pem-certificate-chain");  // 8555-7.4.2-1
  auto const certificates_of_chain = x509::parse_pem_chain(chain.body);          // 8555-9.1-1, 8555-11.4-1
  ASSERT_TRUE(certificates_of_chain.ok());
  ASSERT_EQ(certificates_of_chain->size(), 2u);
  EXPECT_EQ(certificates_of_chain->front().names(), names_of(hosts));
  EXPECT_TRUE(x509::verify_chain(certificates_of_chain->at(0), {certificates_of_chain->at(1)},
                                 {server.app->authority->root_certificate()}, server.clock.now())
                  .ok());
  EXPECT_EQ(client.read(url).body, done.body);
}

TEST_F(Orders, RefusedNames) {  // 8555-7.4-4, 8555-6.7.1-1
  struct Case {
    char const* id;
    char const* payload;
    int status;
    char const* problem;
  };
  Case const cases[] = {
      {"8555-7.4-1 none", R"({"identifiers":[]})", 400, "malformed"},
      {"8555-7.4-1 absent", R"({})", 400, "malformed"},
      {"8555-7.4-1 twice",
       R"({"identifiers":[{"type":"dns","value":"a.cams.example"},{"type":"dns","value":"A.cams.example"}]})", 400,
       "malformed"},
      {"8555-7.4-4 type", R"({"identifiers":[{"type":"email","value":"a@b"}]})", 403, "unsupportedIdentifier"},
      {"8555-7.4-4 outside", R"({"identifiers":[{"type":"dns","value":"a.other.example"}]})", 403,
       "rejectedIdentifier"},
      {"8555-7.4-4 outside the grant", R"({"identifiers":[{"type":"ip","value":"127.0.0.1"}]})", 403,
       "rejectedIdentifier"},
      {"8738-3-1 spelling", R"({"identifiers":[{"type":"ip","value":"10.20.0.01"}]})", 400, "malformed"},
      {"8555-7.1.4-2 Unicode", "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"k\xc3\xa4se.cams.example\"}]}", 400,
       "malformed"},
      {"8738 address as dns", R"({"identifiers":[{"type":"dns","value":"10.20.0.1"}]})", 400, "malformed"},
      {"8555-7.4-2 notAfter",
       R"({"identifiers":[{"type":"dns","value":"a.cams.example"}],"notAfter":"2026-12-01T00:00:00Z"})", 400,
       "malformed"},
      {"8555-7.4-2 notBefore",
       R"({"identifiers":[{"type":"dns","value":"a.cams.example"}],"notBefore":"2026-05-01T00:00:00Z"})", 400,
       "malformed"},
      {"8555-9.7-1 notAfter is no time",
       R"({"identifiers":[{"type":"dns","value":"a.cams.example"}],"notAfter":"tomorrow"})", 400, "malformed"},
      {"profile", R"({"identifiers":[{"type":"dns","value":"a.cams.example"}],"profile":"none"})", 400,
       "invalidProfile"},
      {"profile of others", R"({"identifiers":[{"type":"dns","value":"a.cams.example"}],"profile":"camera-https-cn"})",
       400, "invalidProfile"},
      {"the server's own profile", R"({"identifiers":[{"type":"dns","value":"a.cams.example"}],"profile":"server"})",
       400, "invalidProfile"},
  };
  for (auto const& c : cases) {
    auto const answer = client.post(urls.new_order(), c.payload);
    EXPECT_EQ(answer.status, c.status) << c.id << ": " << answer.body;
    EXPECT_EQ(answer.problem(), c.problem) << c.id << ": " << answer.body;
  }
  auto const both = client.new_order({"a.other.example", "b.other.example", "c.cams.example"});
  EXPECT_EQ(both.object().find("subproblems")->as_array()->size(), 2u) << both.body;
  server.app->store->read([](store::ReadTxn& txn) { EXPECT_TRUE(load_open_orders(txn, "").empty()); });
}

TEST_F(Orders, AValidityThatWasAskedForIsThatOfTheCertificate) {  // 8555-7.4-2, 8555-7.1.3-1
  struct Case {
    char const* name;
    std::optional<Time> not_before, not_after;
  };
  Case const cases[] = {
      {"both", kNow + kMinute, kNow + kDay},
      {"an end", {}, kNow + 7 * kDay},
      {"a beginning to come", kNow + kDay, {}},
  };
  for (auto const& c : cases) {
    json::Object more;
    if (c.not_before) more.set("notBefore", to_rfc3339(*c.not_before));
    if (c.not_after) more.set("notAfter", to_rfc3339(*c.not_after));
    auto const order = client.new_order({"cam1.cams.example"}, more);
    ASSERT_EQ(order.status, 201) << c.name << order.body;
    auto const url = order.header("Location");
    for (auto const& shown : {order, client.read(url)}) {
      EXPECT_EQ(shown.text("notBefore"), c.not_before ? to_rfc3339(*c.not_before) : "") << c.name;
      EXPECT_EQ(shown.text("notAfter"), c.not_after ? to_rfc3339(*c.not_after) : "") << c.name;
    }
    auto const done = client.finalize(url, {"cam1.cams.example"});
    ASSERT_EQ(done.text("status"), "valid") << c.name << done.body;
    auto const leaf = x509::parse_pem_chain(client.read(done.text("certificate")).body).value().front();
    EXPECT_EQ(leaf.not_before(), c.not_before.value_or(kNow - kHour)) << c.name;
    EXPECT_EQ(leaf.not_after(), c.not_after.value_or(kNow - kHour + 90 * kDay - Seconds(1))) << c.name;
  }
}

TEST_F(Orders, AValidityIsIssuedAsItWasAcceptedOrNotAtAll) {  // 8555-7.4-2
  auto const order = [&](Time not_before, Time not_after) {
    json::Object const more{{"notBefore", to_rfc3339(not_before)}, {"notAfter", to_rfc3339(not_after)}};
    return client.new_order({"cam1.cams.example"}, more).header("Location");
  };
  auto const short_one = order(kNow, kNow + 10 * kMinute), long_one = order(kNow - kHour, kNow + kDay);
  server.clock.advance(30 * kMinute);
  auto const over = client.finalize(short_one, {"cam1.cams.example"});
  EXPECT_EQ(over.problem(), "malformed") << over.body;
  EXPECT_EQ(certificates(), 0u);
  auto const done = client.finalize(long_one, {"cam1.cams.example"});
  ASSERT_EQ(done.text("status"), "valid") << done.body;
  auto const leaf = x509::parse_pem_chain(client.read(done.text("certificate")).body).value().front();
  EXPECT_EQ(leaf.not_before(), kNow - kHour) << "half an hour older than a new order could ask for";
  EXPECT_EQ(leaf.not_after(), kNow + kDay);
}

TEST_F(Orders, ForeignAndAbsentObjectsAnswerAlike) {  // 8555-6.3-5, 8555-7.4.2-2
  auto const order = client.new_order({"cam1.cams.example"});
  auto const url = order.header("Location");
  auto const done = client.finalize(url, {"cam1.cams.example"});
  auto other = granted_client(server);
  std::string const no_id = "06h0mc3670u7a3skp9s7s2l34t2btm139dc0";
  auto const csr = x509::make_csr(x509::PrivateKey::generate(x509::KeyType::ec_p256), names_of({"cam1.cams.example"}));
  auto const finalize = json::write(finalize_to_json(csr));
  auto const authorization = first_text(order.object(), "authorizations");
  struct Case {
    std::string foreign, absent, payload;
  };
  Case const cases[] = {
      {url, urls.order(no_id), ""},
      {url + "/finalize", urls.finalize(no_id), finalize},
      {url + "/finalize", urls.finalize(no_id), "{\"csr\":\"AAAA\"}"},
      {authorization, urls.authorization(no_id), ""},
      {authorization, urls.authorization(no_id), R"({"status":"deactivated"})"},
      {urls.challenge(authorization.substr(urls.authorization("").size()), "1"), urls.challenge(no_id, "1"), ""},
      {urls.challenge(authorization.substr(urls.authorization("").size()), "1"), urls.challenge(no_id, "1"), "{}"},
      {done.text("certificate"), urls.certificate("0123456789abcdef0123456789abcdef01234567"), ""},
  };
  for (auto const& c : cases) {
    auto const foreign = other.post(c.foreign, c.payload), absent = other.post(c.absent, c.payload);
    EXPECT_EQ(foreign.status, 404) << c.foreign << foreign.body;
    EXPECT_EQ(foreign.body, absent.body) << c.foreign;
    EXPECT_EQ(foreign.status, absent.status) << c.foreign;
  }
}

TEST_F(Orders, ABadCsrLeavesTheOrderReady) {  // 8555-7.4-6
  auto const url = client.new_order({"cam1.cams.example"}).header("Location");
  EXPECT_EQ(client.finalize(url, {"cam2.cams.example"}).problem(), "badCSR");
  EXPECT_EQ(client.finalize(url, {"cam1.cams.example", "cam2.cams.example"}).problem(), "badCSR");
  EXPECT_EQ(client.finalize_with(url, to_bytes(std::string_view("no DER"))).problem(), "badCSR");
  auto const own = client.finalize_with(url, x509::make_csr(client.key, names_of({"cam1.cams.example"})));
  EXPECT_EQ(own.problem(), "badPublicKey") << own.body;  // 8555-11.1-1
  auto const other = granted_client(server);
  auto const others = client.finalize_with(url, x509::make_csr(other.key, names_of({"cam1.cams.example"})));
  EXPECT_EQ(others.problem(), "badPublicKey") << others.body;
  EXPECT_EQ(client.post(url + "/finalize", "{}").problem(), "malformed");
  EXPECT_EQ(client.read(url).text("status"), "ready");
  EXPECT_EQ(certificates(), 0u);
  EXPECT_EQ(client.finalize(url, {"cam1.cams.example"}).text("status"), "valid");
}

TEST_F(Orders, FinalizeTwiceIsRefusedTheSecondTime) {  // 8555-7.4-7
  auto const url = client.new_order({"cam1.cams.example"}).header("Location");
  EXPECT_EQ(client.finalize(url, {"cam1.cams.example"}).status, 200);
  auto const again = client.finalize(url, {"cam1.cams.example"});
  EXPECT_EQ(again.status, 403);
  EXPECT_EQ(again.problem(), "orderNotReady");
}

TEST_F(Orders, ManyFinalizesAtOnceGiveOneCertificate) {  // 8555-7.4-8
  auto const url = client.new_order({"cam1.cams.example"}).header("Location");
  auto const csr = x509::make_csr(x509::PrivateKey::generate(x509::KeyType::ec_p256), names_of({"cam1.cams.example"}));
  std::atomic<int> succeeded = 0, not_ready = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i)
    threads.emplace_back([&] {
      auto const answer = client.finalize_with(url, csr);
      if (answer.status == 200) ++succeeded;
      if (answer.problem() == "orderNotReady") ++not_ready;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(succeeded, 1);
  EXPECT_EQ(not_ready, 15);
  EXPECT_EQ(server.key->signatures, 1);
  EXPECT_EQ(certificates(), 1u);
}

TEST_F(Orders, ASignatureThatFailsEndsTheOrder) {
  server.key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "the token is gone"); };
  auto const url = client.new_order({"cam1.cams.example"}).header("Location");
  auto const answer = client.finalize(url, {"cam1.cams.example"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.text("status"), "invalid");  // 8555-7.4-9
  EXPECT_NE(answer.object().find("error"), nullptr);
  EXPECT_EQ(client.read(url).text("status"), "invalid");
  server.key->instead = [](ByteView) -> Result<Bytes> { throw std::runtime_error("the driver crashed"); };
  auto const second = client.new_order({"cam1.cams.example"}).header("Location");
  EXPECT_EQ(client.finalize(second, {"cam1.cams.example"}).text("status"), "invalid");
}

// As the signer says it at its cap, with a full disk, or at its end: nothing is wrong with the order.
TEST_F(Orders, ASignerThatCannotSignForAWhilePutsTheOrderOff) {
  Bytes former;
  server.key->instead = [&](ByteView tbs) -> Result<Bytes> {
    former = Bytes(tbs.begin(), tbs.end());
    Error capped(Errc::unavailable, "as much was signed as may be signed");
    capped.retry_after = Seconds(30);
    return capped;
  };
  auto const url = client.new_order({"cam1.cams.example"}).header("Location");
  auto const answer = client.finalize(url, {"cam1.cams.example"});
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("Retry-After"), "30");
  EXPECT_EQ(client.read(url).text("status"), "ready");

  server.key->instead = nullptr;
  EXPECT_EQ(client.finalize(url, {"cam1.cams.example"}).text("status"), "valid");
  EXPECT_EQ(certificates(), 2u) << "with the one that may have been signed";
  std::size_t possibly_issued = 0;
  server.app->store->read([&](store::ReadTxn& txn) {
    ca::visit_possibly_issued(txn, server.clock.now() + kDay, [&](ca::CertificateRecord const& record) {
      EXPECT_EQ(record.tbs_hash, to_hex(sha256(former)));
      return ++possibly_issued > 0;
    });
  });
  EXPECT_EQ(possibly_issued, 1u) << "a new attempt has a new serial number";
  EXPECT_EQ(broken_promises(*server.app->store, server.clock.now()), "");
}

TEST_F(Orders, AnOrderThatIsPastItsTimeIsInvalid) {  // 8555-7.4-3
  sweep(*server.app, server.clock.now());            // as at the start
  auto const url = client.new_order({"cam1.cams.example"}).header("Location");
  server.clock.advance(limits::kPendingLifetime + kHour);
  EXPECT_EQ(client.read(url).text("status"), "invalid");
  EXPECT_EQ(sweep(*server.app, server.clock.now()).expired, 1u);
  EXPECT_EQ(client.read(url).text("status"), "invalid");
  EXPECT_EQ(sweep(*server.app, server.clock.now()).expired, 0u);
  server.app->store->read([](store::ReadTxn& txn) { EXPECT_TRUE(load_open_orders(txn, "").empty()); });
}

TEST_F(Orders, ADeactivatedAuthorizationIsNeverUsedAgain) {  // 8555-7.5.2-1
  auto const order = client.new_order({"cam1.cams.example"});
  auto const authorization = first_text(order.object(), "authorizations");
  auto const answer = client.post(authorization, R"({"status":"deactivated"})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.text("status"), "deactivated");
  EXPECT_EQ(client.finalize(order.header("Location"), {"cam1.cams.example"}).problem(), "orderNotReady");
  EXPECT_EQ(client.read(order.header("Location")).text("status"), "invalid");
  EXPECT_NE(first_text(client.new_order({"cam1.cams.example"}).object(), "authorizations"), authorization);
  EXPECT_EQ(client.post(authorization, "{}").problem(), "malformed");  // 8555-6.3-3
}

TEST_F(Orders, TheListHasPagesAndLeavesOutInvalidOnes) {  // 8555-7.1.2.1-1
  std::vector<std::string> made;
  for (int i = 0; i < 103; ++i)
    made.push_back(client.new_order({"cam" + std::to_string(i) + ".cams.example"}).header("Location"));
  client.post(first_text(client.read(made.front()).object(), "authorizations"), R"({"status":"deactivated"})");
  auto const page = client.read(client.kid + "/orders");
  auto listed = json::need_strings(page.object(), "orders").value();
  EXPECT_EQ(listed.size(), 100u);
  std::string next;
  for (auto const& [name, value] : page.headers.fields())
    if (name == "Link" && value.ends_with("rel=\"next\"")) next = value.substr(1, value.find('>') - 1);
  auto const second = json::need_strings(client.read(next).object(), "orders").value();
  EXPECT_EQ(second.size(), 2u);
  listed.insert(listed.end(), second.begin(), second.end());
  made.erase(made.begin());
  EXPECT_THAT(listed, ::testing::UnorderedElementsAreArray(made));
}

TEST_F(Orders, AKeyThatIsRevokedOrdersNothing) {
  Client other(server);
  auto const eab = server.add_eab(server.grant_scope());
  ASSERT_EQ(other.new_account(&eab).status, 201);
  auto const url = other.new_order({"cam1.cams.example"}).header("Location");
  server.revoke_eab(eab.kid);
  EXPECT_EQ(other.new_order({"cam1.cams.example"}).problem(), "unauthorized");
  EXPECT_EQ(other.finalize(url, {"cam1.cams.example"}).problem(), "unauthorized");
  EXPECT_EQ(certificates(), 0u);
}

TEST_F(Orders, LiveNamesAreCountedPerAccount) {
  auto scope = server.grant_scope();
  scope.live_names_max = 2;
  Client other(server);
  auto const eab = server.add_eab(scope);
  ASSERT_EQ(other.new_account(&eab).status, 201);
  auto const enroll = [&](std::string const& host) {
    auto const order = other.new_order({host});
    return order.status == 201 ? other.finalize(order.header("Location"), {host}).text("status") : order.problem();
  };
  EXPECT_EQ(enroll("cam1.cams.example"), "valid");
  EXPECT_EQ(enroll("cam2.cams.example"), "valid");
  EXPECT_EQ(enroll("cam3.cams.example"), "rateLimited");
  EXPECT_EQ(enroll("cam1.cams.example"), "valid");  // renewal needs no new room
  server.clock.advance(kDay * 91);
  EXPECT_EQ(enroll("cam3.cams.example"), "valid");
}

// Orders may be made while there is room; certificates are what counts.
TEST_F(Orders, LiveNamesAreCountedAgainWhenOrdersAreFinalized) {
  auto scope = server.grant_scope();
  scope.live_names_max = 1;
  Client other(server);
  auto const eab = server.add_eab(scope);
  ASSERT_EQ(other.new_account(&eab).status, 201);
  std::vector<std::string> hosts, orders;
  for (int i = 0; i < 4; ++i) {
    hosts.push_back("cam" + std::to_string(i) + ".cams.example");
    orders.push_back(other.new_order({hosts.back()}).header("Location"));
    ASSERT_FALSE(orders.back().empty());
  }
  std::atomic<int> issued = 0, refused = 0;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < hosts.size(); ++i)
    threads.emplace_back([&, i] {
      auto const answer = other.finalize(orders[i], {hosts[i]});
      if (answer.text("status") == "valid") ++issued;
      if (answer.problem() == "rateLimited") ++refused;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(issued, 1);
  EXPECT_EQ(refused, 3);
}

TEST_F(Orders, TooManyOpenOrdersAreRateLimited) {  // 8555-6.6-1, 8555-6.6-2, 8555-10.3-1
  Answer last;
  for (std::size_t i = 0; i <= limits::kPendingOrdersPerAccount && last.status != 429; ++i)
    last = client.new_order({"cam" + std::to_string(i) + ".cams.example"});
  EXPECT_EQ(last.problem(), "rateLimited");
  EXPECT_EQ(last.status, 429);
  EXPECT_FALSE(last.header("Retry-After").empty());
}

TEST(OrdersSettings, PendingOrdersAreAsManyAsTheSettingsSay) {
  TestServer few({.settings = "pending_orders = 2\n"});
  auto client = granted_client(few);
  EXPECT_EQ(client.new_order({"cam1.cams.example"}).status, 201);
  EXPECT_EQ(client.new_order({"cam2.cams.example"}).status, 201);
  EXPECT_EQ(client.new_order({"cam3.cams.example"}).problem(), "rateLimited");
}

TEST_F(Orders, UnknownMembersAreIgnored) {  // 8555-9.7-1; mod_md and x/crypto send such
  auto const answer = client.new_order({"cam1.cams.example"}, {{"resource", "new-order"}, {"replaces", "AAAA.BBBB"}});
  EXPECT_EQ(answer.status, 201) << answer.body;
}

TEST_F(Orders, NamesFromTheOrderForAScopeThatListsTheProfile) {
  auto scope = server.grant_scope();
  scope.profiles = {"camera-https-cn"};
  Client other(server);
  auto const eab = server.add_eab(scope);
  ASSERT_EQ(other.new_account(&eab).status, 201);
  auto const order = other.new_order({"cam1.cams.example", "10.20.0.1"});
  EXPECT_EQ(order.text("profile"), "camera-https-cn");
  auto const csr = x509::make_csr(x509::PrivateKey::generate(x509::KeyType::ec_p256), {}, "cam1.cams.example");
  auto const done = other.finalize_with(order.header("Location"), csr);
  ASSERT_EQ(done.text("status"), "valid") << done.body;
  auto const chain = x509::parse_pem_chain(other.read(done.text("certificate")).body).value();
  EXPECT_EQ(chain.front().names(), names_of({"cam1.cams.example", "10.20.0.1"}));
}

TEST(Web, RootsAndIssuingCertificate) {
  TestServer server;
  auto const& root = server.app->authority->root_certificate();
  auto const hash = to_hex(root.fingerprint());
  auto const get = [&](std::string const& path) { return server.send_web(make_request(net::Method::get, path)); };
  EXPECT_EQ(get("/roots/" + hash).body, as_text(root.der()));
  EXPECT_EQ(get("/roots/" + hash + ".pem").body, root.pem());
  EXPECT_EQ(get("/roots/" + std::string(64, '0')).status, 404);
  std::string as_openssl;  // "AB:CD:..."
  for (std::size_t i = 0; i < hash.size(); ++i) {
    if (i != 0 && i % 2 == 0) as_openssl += ':';
    as_openssl += static_cast<char>(std::toupper(hash[i]));
  }
  EXPECT_EQ(get("/roots/" + as_openssl).body, as_text(root.der()));
  EXPECT_EQ(get("/roots/" + as_openssl + ".pem").body, root.pem());
  auto const issuing = get(ca::aia_path(server.app->authority->issuing_certificate()));
  EXPECT_EQ(issuing.body, as_text(server.app->authority->issuing_certificate().der()));
  EXPECT_EQ(issuing.header("Content-Type"), "application/pkix-cert");
  EXPECT_EQ(get("/health").text("status"), "ok");
  EXPECT_EQ(server.get("/health").status, 200);
  server.clock.advance(kDay * 365 * 8);
  EXPECT_EQ(get("/health").status, 503);
}

}  // namespace
}  // namespace lenscap::acme::test
