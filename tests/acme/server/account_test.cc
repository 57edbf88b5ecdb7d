// Accounts over the wire: newAccount with external account binding, the account's URL (RFC 8555 7.3).
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "acme/server/records.h"
#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

std::size_t accounts_in(TestServer& server) {
  std::size_t count = 0;
  server.app->store->read(
      [&](store::ReadTxn& txn) { visit_accounts(txn, [&](Account const&) { return ++count > 0; }); });
  return count;
}

TEST(NewAccount, WithABindingOfEachMacAlgorithm) {  // 8555-7.3.4-6
  TestServer server;
  for (auto mac : {MacAlgorithm::hs256, MacAlgorithm::hs384, MacAlgorithm::hs512}) {
    Client client(server);
    auto const eab = server.add_eab(server.grant_scope());
    auto const answer = client.new_account(&eab, {{"contact", json::Value::strings({"mailto:a@cams.example"})}}, mac);
    EXPECT_EQ(answer.status, 201) << answer.body;  // 8555-7.3-1
    EXPECT_TRUE(answer.header("Location").starts_with(server.app->settings.urls.account("")));
    EXPECT_EQ(answer.text("status"), "valid");  // 8555-7.1.2-1
    EXPECT_EQ(answer.text("orders"), client.kid + "/orders");
    EXPECT_NE(answer.object().find("externalAccountBinding"), nullptr);  // 8555-7.3.4-5
    EXPECT_EQ(answer.object().find("onlyReturnExisting"), nullptr);      // 8555-7.3-3
  }
}

TEST(NewAccount, AKnownKeyGetsItsAccountWhateverTheRequestSays) {  // 8555-7.3.1-1
  TestServer server;
  auto client = granted_client(server);
  auto const kid = client.kid;
  auto const again = client.new_account(nullptr, {{"contact", json::Value::strings({"mailto:other@cams.example"})}});
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.header("Location"), kid);
  EXPECT_EQ(again.object().find("contact")->as_array()->size(), 0u);
  EXPECT_EQ(client.new_account(nullptr, {{"onlyReturnExisting", true}}).header("Location"), kid);
  EXPECT_EQ(accounts_in(server), 1u);
}

TEST(NewAccount, Refusals) {
  TestServer server;
  auto const& urls = server.app->settings.urls;
  auto const eab = server.add_eab(server.grant_scope());
  auto const past = server.add_eab(server.grant_scope(), EabUse::many, server.clock.now() - kHour);
  auto const revoked = server.add_eab(server.grant_scope());
  server.revoke_eab(revoked.kid);
  TestServer::Eab const unknown{"unknown", SecretBytes(Bytes(32, 1))};
  TestServer::Eab const wrong_key{eab.kid, SecretBytes(Bytes(32, 1))};
  auto const other_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const binding = [](auto value) { return json::Object{{"externalAccountBinding", std::move(value)}}; };

  struct Case {
    char const* id;
    TestServer::Eab const* eab;
    json::Object payload;
    int status;
    char const* problem;
  };
  Case const cases[] = {
      {"8555-7.3.4-3 no binding", nullptr, {}, 403, "externalAccountRequired"},
      {"8555-7.3.1-2 only existing", nullptr, {{"onlyReturnExisting", true}}, 400, "accountDoesNotExist"},
      {"8555-7.3-2 only existing with binding", &eab, {{"onlyReturnExisting", true}}, 400, "accountDoesNotExist"},
      {"8555-7.3.4-4 unknown key", &unknown, {}, 403, "unauthorized"},
      {"8555-7.3.4-4 wrong MAC", &wrong_key, {}, 403, "unauthorized"},
      {"8555-7.3.4-6 past its time", &past, {}, 403, "unauthorized"},
      {"8555-7.3.4-6 revoked", &revoked, {}, 403, "unauthorized"},
      {"8555-7.3.4-4 not a JWS", nullptr, binding(json::Object{{"a", 1}}), 400, "malformed"},
      {"8555-7.3.4-4 another account's key", nullptr,
       binding(make_eab(eab.kid, eab.mac_key, MacAlgorithm::hs256, urls.new_account(), other_key.public_key())), 403,
       "unauthorized"},
      {"8555-7.3-4 contact of another scheme",
       &eab,
       {{"contact", json::Value::strings({"tel:1"})}},
       400,
       "unsupportedContact"},
      {"8555-7.3-4 bad contact",
       &eab,
       {{"contact", json::Value::strings({"mailto:a@b?subject=x"})}},
       400,
       "invalidContact"},
      {"8555-9.7-1 contact of a wrong type", &eab, {{"contact", 1}}, 400, "malformed"},
  };
  for (auto const& c : cases) {
    Client client(server);
    auto const answer = client.new_account(c.eab, c.payload);
    EXPECT_EQ(answer.status, c.status) << c.id << ": " << answer.body;
    EXPECT_EQ(answer.problem(), c.problem) << c.id << ": " << answer.body;
  }
  EXPECT_EQ(accounts_in(server), 0u);
  Client client(server);
  client.kid = urls.account("x");
  EXPECT_EQ(client.post(urls.new_account(), "{}").problem(), "malformed");  // 8555-6.2-14
}

TEST(NewAccount, ASingleUseKeyBindsOneOfManyAtOnce) {  // 8555-7.3.4-6
  TestServer server;
  auto const eab = server.add_eab(server.grant_scope(), EabUse::single);
  std::atomic<int> created = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      Client client(server);
      if (client.new_account(&eab).status == 201) ++created;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(created, 1);
  EXPECT_EQ(accounts_in(server), 1u);
}

TEST(NewAccount, TheRecordOfAKeyDoesNotGrowWithItsAccounts) {
  TestServer server;
  auto const eab = server.add_eab(server.grant_scope());
  auto const record_bytes = [&] {
    std::size_t bytes = 0;
    server.app->store->read([&](store::ReadTxn& txn) { bytes = txn.get(store::Table{"eab_keys"}, eab.kid)->size(); });
    return bytes;
  };
  auto const before = record_bytes();
  std::vector<std::string> ids;
  for (int i = 0; i < 9; ++i) {
    Client client(server);
    ASSERT_EQ(client.new_account(&eab).status, 201);
    ids.push_back(client.kid.substr(client.kid.rfind('/') + 1));
  }
  EXPECT_EQ(record_bytes(), before);
  std::sort(ids.begin(), ids.end());
  server.app->store->read([&](store::ReadTxn& txn) {
    EXPECT_EQ(load_eab(txn, eab.kid)->key.accounts, 9u);
    EXPECT_EQ(list_eab_accounts(txn, eab.kid, 100), ids);
    EXPECT_EQ(list_eab_accounts(txn, eab.kid, 2).size(), 2u);
  });
}

TEST(NewAccount, OneKeyFromManyRequestsAtOnceIsOneAccount) {  // 8555-11.1-1
  TestServer server;
  auto const eab = server.add_eab(server.grant_scope());
  Client const one(server);
  std::atomic<int> created = 0, found = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      Client client(server);
      client.key = x509::PrivateKey::from_pem(one.key.to_pem().text(), SecretBytes()).value();
      auto const status = client.new_account(&eab).status;
      if (status == 201) ++created;
      if (status == 200) ++found;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(created, 1);
  EXPECT_EQ(found, 7);
  EXPECT_EQ(accounts_in(server), 1u);
}

TEST(NewAccount, WithoutAKeyWhereTheSettingsAllowIt) {
  TestServer server({.settings = "eab_required = false\n[acme.open]\nprove_dns = [\"cams.example\"]\n"});
  Client client(server);
  EXPECT_EQ(client.new_account(nullptr).status, 201);
  EXPECT_EQ(client.new_order({"cam1.cams.example"}).status, 201);
  EXPECT_EQ(client.new_order({"10.20.0.1"}).problem(), "rejectedIdentifier");
  auto const directory = server.get(server.app->settings.urls.directory());
  EXPECT_EQ(json::get_bool(directory.object().find("meta")->as_object() ? *directory.object().find("meta")->as_object()
                                                                        : json::Object(),
                           "externalAccountRequired")
                .value()
                .value_or(false),
            false);
}

TEST(AccountUrl, ReadAndUpdate) {  // 8555-7.3.2-1
  TestServer server;
  auto client = granted_client(server);
  EXPECT_EQ(client.read(client.kid).text("status"), "valid");
  auto const contacts = json::Object{{"contact", json::Value::strings({"mailto:a@cams.example"})}};
  EXPECT_EQ(first_text(client.post(client.kid, json::write(contacts)).object(), "contact"), "mailto:a@cams.example");
  // Neither reading nor an update without contacts, nor members that may not be changed, take them away.
  EXPECT_EQ(first_text(client.read(client.kid).object(), "contact"), "mailto:a@cams.example");
  auto const more =
      client.post(client.kid, R"({"orders":"https://x","termsOfServiceAgreed":true,"status":"valid","x":1})");
  EXPECT_EQ(more.status, 200);
  EXPECT_EQ(first_text(more.object(), "contact"), "mailto:a@cams.example");
  EXPECT_EQ(client.post(client.kid, R"({"contact":[]})").object().find("contact")->as_array()->size(), 0u);
}

TEST(AccountUrl, AForeignAccountLooksLikeNone) {  // 8555-6.3-5
  TestServer server;
  auto client = granted_client(server), other = granted_client(server);
  auto const absent = server.app->settings.urls.account("06h0mc3670u7a3skp9s7s2l34t2btm139dc0");
  for (auto const* tail : {"", "/orders"}) {
    auto const foreign = client.read(other.kid + tail);
    auto const none = client.read(absent + tail);
    EXPECT_EQ(foreign.status, 404);
    EXPECT_EQ(foreign.body, none.body);
    EXPECT_EQ(foreign.status, none.status);
  }
}

TEST(AccountUrl, DeactivationEndsEverythingButTheCertificates) {  // 8555-7.3.6-1, -2, -3
  TestServer server;
  auto client = granted_client(server);
  auto const order = client.new_order({"cam1.cams.example"});
  ASSERT_EQ(order.status, 201) << order.body;
  auto const answer = client.post(client.kid, R"({"status":"deactivated"})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.text("status"), "deactivated");
  for (auto const& url : {client.kid, order.header("Location"), server.app->settings.urls.new_order()}) {
    auto const refused = client.read(url);
    EXPECT_EQ(refused.status, 401) << url;
    EXPECT_EQ(refused.problem(), "unauthorized") << url;
  }
  EXPECT_EQ(client.post_with_jwk(server.app->settings.urls.new_account(), "{}").status, 401);
  server.app->store->read([](store::ReadTxn& txn) { EXPECT_TRUE(load_open_orders(txn, "").empty()); });
}

}  // namespace
}  // namespace lenscap::acme::test
