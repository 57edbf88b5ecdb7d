// Renewal information and `replaces` over the wire (RFC 9773).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "acme/server/records.h"
#include "acme/wire/renewal_info.h"
#include "ca/ledger_visits.h"
#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

class Renewals : public ::testing::Test {
 protected:
  TestServer server;
  Client client = granted_client(server);
  Urls const& urls = server.app->settings.urls;

  x509::Certificate issue(Client& who, std::vector<std::string> const& hosts, json::Object more = {}) {
    auto const order = who.new_order(hosts, std::move(more));
    EXPECT_EQ(order.status, 201) << order.body;
    return finish(who, order.header("Location"), hosts);
  }
  x509::Certificate finish(Client& who, std::string const& order, std::vector<std::string> const& hosts) {
    auto const done = who.finalize(order, hosts);
    EXPECT_EQ(done.text("status"), "valid") << done.body;
    return x509::parse_pem_chain(who.read(done.text("certificate")).body).value().front();
  }
  static std::string id_of(x509::Certificate const& certificate) {
    return CertificateId::of(certificate).value().text();
  }
  std::string url_of(std::string const& id) const { return urls.renewal_info() + "/" + id; }
  static json::Object replacing(x509::Certificate const& certificate) { return {{"replaces", id_of(certificate)}}; }
  std::size_t logged(std::string const& event) {
    auto const lines = server.log_lines();
    return static_cast<std::size_t>(std::count_if(
        lines.begin(), lines.end(), [&](std::string const& line) { return line.find(event) != std::string::npos; }));
  }
};

TEST_F(Renewals, AWindowForWhoeverAsks) {  // 9773-4.1-1, 9773-4.1-3, 9773-4.2-1, 9773-4.3-1
  EXPECT_EQ(server.get(urls.directory()).text("renewalInfo"), urls.renewal_info());
  auto const leaf = issue(client, {"cam1.cams.example"});
  auto const answer = server.get(url_of(id_of(leaf)));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  EXPECT_EQ(answer.header("Retry-After"), "21600");
  EXPECT_EQ(answer.header("Replay-Nonce"), "") << "many would get the same one from a cache";
  EXPECT_NE(answer.header("Cache-Control").find("max-age="), std::string::npos);
  EXPECT_TRUE(answer.has_link(urls.directory(), "index"));
  auto const info = parse_renewal_info(answer.body).value();
  EXPECT_EQ(info.start, leaf.not_before() + 54 * kDay);  // 60 % of 90 days: conf/profiles/camera-https.toml
  EXPECT_EQ(info.end, leaf.not_before() + 90 * kDay * 73 / 100);
  EXPECT_EQ(answer.body.find("account"), std::string::npos);
  EXPECT_EQ(answer.body.find("cams.example"), std::string::npos);
  server.clock.advance(30 * kDay);
  EXPECT_EQ(server.get(url_of(id_of(leaf))).body, answer.body);
  EXPECT_EQ(client.post(url_of(id_of(leaf)), "").status, 405);
}

TEST_F(Renewals, BadAndUnknownIdentifiers) {  // 9773-4.1-2
  auto const good = CertificateId::of(issue(client, {"cam1.cams.example"})).value();
  auto const text = [](Bytes key_id, Bytes serial) {
    return CertificateId{std::move(key_id), std::move(serial)}.text();
  };
  auto other_serial = good.serial;
  other_serial.back() ^= 1;
  auto other_issuer = good.key_id;
  other_issuer.back() ^= 1;
  auto longer = good.serial;
  longer.insert(longer.begin(), 0);
  struct Case {
    char const* name;
    std::string id;
    int status;
  };
  Case const cases[] = {
      {"no dot", "abc", 400},
      {"padding", good.text() + "=", 400},
      {"superfluous zero", text(good.key_id, longer), 400},
      {"another serial", text(good.key_id, other_serial), 404},
      {"another issuer", text(other_issuer, good.serial), 404},
      {"serial zero", text(good.key_id, {0}), 404},
      {"the example of the standard", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE", 404},
  };
  for (auto const& c : cases) {
    auto const answer = server.get(url_of(c.id));
    EXPECT_EQ(answer.status, c.status) << c.name << answer.body;
    EXPECT_EQ(answer.problem(), "malformed") << c.name;
    EXPECT_EQ(answer.header("Cache-Control"), "no-store") << c.name;
  }
}

TEST_F(Renewals, WhatIsOnlyIntendedIsNotThere) {
  server.key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "the token is gone"); };
  auto const order = client.new_order({"cam1.cams.example"}).header("Location");
  ASSERT_EQ(client.finalize(order, {"cam1.cams.example"}).text("status"), "invalid");
  std::optional<ca::CertificateRecord> intent;
  server.app->store->read([&](store::ReadTxn& txn) {
    ca::visit_newest(txn, "", [&](ca::CertificateRecord const& record) { return intent = record, false; });
  });
  ASSERT_TRUE(intent);
  CertificateId const id{from_hex(intent->issuer).value(), from_hex(intent->serial_hex).value()};
  EXPECT_EQ(server.get(url_of(id.text())).status, 404);
}

TEST_F(Renewals, RevokedMeansNow) {  // 9773-4.2-2
  auto const leaf = issue(client, {"cam1.cams.example"});
  server.app->store->write([&](store::WriteTxn& txn) {
    return ca::record_revoked(txn, leaf.serial_hex(), {.at = server.clock.now(), .reason = {}, .by = "test"}).ok();
  });
  auto const answer = server.get(url_of(id_of(leaf)));
  auto const info = parse_renewal_info(answer.body).value();
  EXPECT_LT(info.end, server.clock.now());
  EXPECT_EQ(answer.header("Retry-After"), "3600");
}

TEST_F(Renewals, AnOrderShowsWhatItReplaces) {  // 9773-5-1
  auto const leaf = issue(client, {"cam1.cams.example", "10.20.0.1"});
  auto const order = client.new_order({"cam1.cams.example"}, replacing(leaf));
  ASSERT_EQ(order.status, 201) << order.body;
  EXPECT_EQ(order.text("replaces"), id_of(leaf));
  auto const url = order.header("Location");
  EXPECT_EQ(client.read(url).text("replaces"), id_of(leaf));
  auto const done = client.finalize(url, {"cam1.cams.example"});
  EXPECT_EQ(done.text("replaces"), id_of(leaf));
  EXPECT_EQ(client.read(url).text("replaces"), id_of(leaf));
}

TEST_F(Renewals, ACertificateIsReplacedOnce) {  // 9773-5-2, 9773-5-4
  auto const leaf = issue(client, {"cam1.cams.example"});
  auto const first = client.new_order({"cam1.cams.example"}, replacing(leaf));
  ASSERT_EQ(first.status, 201);
  auto const second = client.new_order({"cam1.cams.example"}, replacing(leaf));
  EXPECT_EQ(second.status, 409) << second.body;
  EXPECT_EQ(second.problem(), "alreadyReplaced");
  auto const next = finish(client, first.header("Location"), {"cam1.cams.example"});
  EXPECT_EQ(client.new_order({"cam1.cams.example"}, replacing(leaf)).status, 409) << "also when it is done";
  EXPECT_EQ(client.new_order({"cam1.cams.example"}, replacing(next)).status, 201) << "the chain goes on";
  EXPECT_EQ(client.new_order({"cam1.cams.example"}).status, 201) << "and without replaces anything goes";
}

TEST_F(Renewals, AnOrderThatFailedFreesIt) {  // K-11, 9773-5-4; Posh-ACME sends it again after a failure
  auto const leaf = issue(client, {"cam1.cams.example"});
  auto const fail_by_authorization = [&](Answer const& order) {
    client.post(first_text(order.object(), "authorizations"), R"({"status":"deactivated"})");
  };
  auto const fail_by_signature = [&](Answer const& order) {
    server.key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "the token is gone"); };
    client.finalize(order.header("Location"), {"cam1.cams.example"});
    server.key->instead = nullptr;
  };
  auto const fail_by_time = [&](Answer const&) { server.clock.advance(limits::kPendingLifetime); };
  std::function<void(Answer const&)> const ways[] = {fail_by_authorization, fail_by_signature, fail_by_time};
  for (auto const& way : ways) {
    auto const order = client.new_order({"cam1.cams.example"}, replacing(leaf));
    ASSERT_EQ(order.status, 201) << order.body;
    way(order);
    EXPECT_EQ(client.read(order.header("Location")).text("status"), "invalid");
    EXPECT_EQ(client.read(order.header("Location")).text("replaces"), id_of(leaf));
  }
  EXPECT_EQ(client.new_order({"cam1.cams.example"}, replacing(leaf)).status, 201);
}

TEST_F(Renewals, ManyAtOnceReplaceItOnce) {  // 9773-5-4
  auto const leaf = issue(client, {"cam1.cams.example"});
  std::atomic<int> made = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i)
    threads.emplace_back([&] {
      auto const answer = client.new_order({"cam1.cams.example"}, replacing(leaf));
      if (answer.status == 201) ++made;
      if (answer.problem() == "alreadyReplaced") ++refused;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(refused, 15);
}

TEST_F(Renewals, WhatIsOfNoUseIsPassedOver) {  // K-10, 9773-5-3; mod_md, Caddy after a change of its e-mail address
  auto other = granted_client(server);
  auto const foreign = id_of(issue(other, {"cam1.cams.example"}));
  auto const disjoint = id_of(issue(client, {"cam2.cams.example"}));
  std::size_t ignored = 0;
  for (auto const& replaces : {foreign, disjoint, std::string("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"),
                               std::string("AAAA.BBBB"), std::string("nonsense"), std::string()}) {
    auto const order = client.new_order({"cam1.cams.example"}, {{"replaces", replaces}});
    EXPECT_EQ(order.status, 201) << replaces << order.body;
    EXPECT_EQ(order.object().find("replaces"), nullptr) << replaces;
    EXPECT_EQ(logged("order.replaces_ignored"), ++ignored) << replaces;
  }
  EXPECT_EQ(client.new_order({"cam1.cams.example"}, {{"replaces", 5}}).problem(), "malformed");  // 8555-9.7-1
  EXPECT_EQ(other.new_order({"cam1.cams.example"}, {{"replaces", foreign}}).text("replaces"), foreign)
      << "nobody else's attempt counts";
}

TEST(RenewalsStrict, WhatIsOfNoUseIsRefused) {  // 9773-5-3
  TestServer server({.settings = "replaces = \"strict\"\n"});
  auto client = granted_client(server);
  for (auto const* replaces : {"aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE", "nonsense"}) {
    auto const order = client.new_order({"cam1.cams.example"}, {{"replaces", replaces}});
    EXPECT_EQ(order.problem(), "malformed") << order.body;
  }
  server.app->store->read([](store::ReadTxn& txn) { EXPECT_TRUE(load_open_orders(txn, "").empty()); });
}

}  // namespace
}  // namespace lenscap::acme::test
