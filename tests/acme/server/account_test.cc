// Accounts over the wire: newAccount with external account binding, the account's URL (RFC 8555 7.3).
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "acme/server/operations.h"
#include "acme/server/records.h"
#include "ca/ledger.h"
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

TEST(NewAccount, IgnoresWhatARequestMayNotSay) {  // K-21, 8555-7.3-3
  TestServer server;
  Client client(server);
  auto const eab = server.add_eab(server.grant_scope());
  auto const answer = client.new_account(&eab, {{"status", "deactivated"},
                                                {"orders", "https://x/orders"},
                                                {"resource", "new-reg"},
                                                {"onlyReturnExisting", false},
                                                {"unknown", json::Object{{"a", json::Value()}}}});
  ASSERT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(answer.text("status"), "valid");
  EXPECT_EQ(answer.text("orders"), client.kid + "/orders");
  for (auto const* member : {"onlyReturnExisting", "resource", "unknown"})
    EXPECT_EQ(answer.object().find(member), nullptr) << member;
  EXPECT_EQ(client.read(client.kid).body, answer.body);
}

TEST(NewAccount, AKnownKeyGetsItsAccountWhateverTheRequestSays) {  // K-08, 8555-7.3.1-1
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

// A binding that is wrong in one thing; the account is not made, and the key can still be used.
TEST(NewAccount, BindingsThatAreNoBindings) {  // 8555-7.3.4-1, 8555-7.3.4-2, 8555-7.3.4-4
  TestServer server;
  auto const& url = server.app->settings.urls.new_account();
  auto const eab = server.add_eab(server.grant_scope(), EabUse::single);
  Client client(server);
  auto const jwk = to_jwk(client.key.public_key());
  auto const binding = [&](json::Object const& header, json::Object const& payload) {
    auto const protected_text = to_base64url(as_bytes(json::write(header)));
    auto const payload_text = to_base64url(as_bytes(json::write(payload)));
    auto const mac = hmac(HashAlgorithm::sha256, eab.mac_key.view(), as_bytes(protected_text + '.' + payload_text));
    return json::Object{{"protected", protected_text}, {"payload", payload_text}, {"signature", to_base64url(mac)}};
  };
  auto const header = [&](char const* member, json::Value value) {
    json::Object object{{"alg", "HS256"}, {"kid", eab.kid}, {"url", url}};
    return object.set(member, std::move(value));
  };
  auto const good = header("kid", eab.kid);
  auto jwk_with_more = jwk;
  jwk_with_more.set("use", "sig").set("kid", "mine").set("key_ops", json::Value::strings({"verify"}));
  auto cut = binding(good, jwk);
  cut.set("signature", to_base64url(Bytes(16, 1)));

  struct Case {
    char const* name;
    json::Value binding;
    int status;
    char const* problem;
  };
  Case const cases[] = {
      {"a nonce", binding(header("nonce", server.nonce()), jwk), 400, "malformed"},
      {"a jwk", binding(header("jwk", jwk), jwk), 400, "malformed"},
      {"crit", binding(header("crit", json::Value::strings({"b64"})), jwk), 400, "malformed"},
      {"alg of a signature", binding(header("alg", "ES256"), jwk), 400, "malformed"},
      {"alg none", binding(header("alg", "none"), jwk), 400, "malformed"},
      {"alg of another MAC than was used", binding(header("alg", "HS512"), jwk), 403, "unauthorized"},
      {"kid a number", binding(header("kid", 1), jwk), 400, "malformed"},
      {"kid not ASCII", binding(header("kid", "k\xC3\xA4"), jwk), 400, "malformed"},
      {"kid too long", binding(header("kid", std::string(1000, 'k')), jwk), 403, "unauthorized"},
      {"url of another resource", binding(header("url", server.app->settings.urls.new_order()), jwk), 403,
       "unauthorized"},
      {"url and a slash", binding(header("url", url + "/"), jwk), 403, "unauthorized"},
      {"payload no key", binding(good, {{"kty", "EC"}}), 400, "malformed"},
      {"payload a private key", binding(good, json::Object(jwk).set("d", "AA")), 400, "malformed"},
      {"a MAC that is cut short", cut, 403, "unauthorized"},
      {"a text", "e30", 400, "malformed"},
      {"null", json::Value(), 400, "malformed"},
      {"a list", json::Array{}, 400, "malformed"},
  };
  for (auto const& c : cases) {
    auto const answer = client.new_account(nullptr, {{"externalAccountBinding", c.binding}});
    EXPECT_EQ(answer.status, c.status) << c.name << ": " << answer.body;
    EXPECT_EQ(answer.problem(), c.problem) << c.name << ": " << answer.body;
  }
  EXPECT_EQ(accounts_in(server), 0U);
  // Optional members do not make it another key (RFC 7638): Proxmox sends such.
  auto const made = client.new_account(nullptr, {{"externalAccountBinding", binding(good, jwk_with_more)}});
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(json::need_object(made.object(), "externalAccountBinding").value(), binding(good, jwk_with_more));

  // It was for one account. The one that it bound is found without it, and with it.
  Client second(server);
  auto const used_up = second.new_account(&eab);
  EXPECT_EQ(used_up.status, 403);
  EXPECT_EQ(used_up.problem(), "unauthorized");
  EXPECT_EQ(client.new_account(&eab).status, 200);
}

TEST(NewAccount, AKeyForManyCountsItsAccounts) {
  TestServer server;
  auto const eab = server.add_eab(server.grant_scope(), EabUse::many);
  for (int i = 0; i < 3; ++i) {
    Client client(server);
    EXPECT_EQ(client.new_account(&eab).status, 201);
    EXPECT_EQ(client.new_account(&eab).status, 200);  // not counted again
  }
  server.app->store->read([&](store::ReadTxn& txn) { EXPECT_EQ(load_eab(txn, eab.kid).value().key.accounts, 3U); });
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

TEST(AccountUrl, ReadAndUpdate) {  // B-21, K-09, 8555-7.3.2-1
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

TEST(AccountUrl, AnUpdateThatSaysNothingChangesNothing) {  // K-20, 8555-7.3.2-1; lacme posts {} to look
  TestServer server;
  auto client = granted_client(server);
  ASSERT_EQ(client.post(client.kid, R"({"contact":["mailto:a@cams.example"]})").status, 200);
  auto const before = client.read(client.kid);
  EXPECT_EQ(before.text("orders"), client.kid + "/orders");
  for (auto const* payload : {"{}", R"({"resource":"reg"})", R"({"termsOfServiceAgreed":false})",
                              R"({"status":"valid"})", R"({"status":"revoked"})", R"({"status":"pending"})",
                              R"({"externalAccountBinding":{},"orders":"https://x/","key":{}})"}) {
    auto const answer = client.post(client.kid, payload);
    EXPECT_EQ(answer.status, 200) << payload;
    EXPECT_EQ(answer.body, before.body) << payload;
    EXPECT_EQ(client.read(client.kid).body, before.body) << payload;
  }
}

TEST(AccountUrl, Refusals) {  // 8555-7.3-4, 8555-7.3.2-1
  TestServer server;
  auto client = granted_client(server);
  ASSERT_EQ(client.post(client.kid, R"({"contact":["mailto:a@cams.example"]})").status, 200);
  auto const before = client.read(client.kid);
  struct Case {
    char const* payload;
    char const* problem;
  };
  Case const cases[] = {
      {"[]", "malformed"},
      {"null", "malformed"},
      {R"({"contact":null})", "malformed"},
      {R"({"contact":"mailto:a@b.example"})", "malformed"},
      {R"({"contact":[1]})", "malformed"},
      {R"({"status":1})", "malformed"},
      {R"({"contact":["tel:+4646"]})", "unsupportedContact"},
      {R"({"contact":["mailto:a@b.example?subject=x"]})", "invalidContact"},
      {R"({"contact":["mailto:a@b.example,c@d.example"]})", "invalidContact"},
      {R"({"contact":["mailto:b@cams.example","tel:1"],"status":"deactivated"})", "unsupportedContact"},
      {R"({"contact":["mailto:b@cams.example"],"contact":[]})", "malformed"},
  };
  for (auto const& c : cases) {
    auto const answer = client.post(client.kid, c.payload);
    EXPECT_EQ(answer.status, 400) << c.payload;
    EXPECT_EQ(answer.problem(), c.problem) << c.payload;
    EXPECT_EQ(client.read(client.kid).body, before.body) << c.payload;
  }
}

TEST(AccountUrl, DeactivationEndsEverythingButTheCertificates) {  // 8555-7.3.6-1, -2, -3
  TestServer server;
  auto client = granted_client(server);
  auto const issued = client.new_order({"cam2.cams.example"});
  auto const certificate = client.finalize(issued.header("Location"), {"cam2.cams.example"}).text("certificate");
  ASSERT_FALSE(certificate.empty());
  auto const order = client.new_order({"cam1.cams.example"});
  ASSERT_EQ(order.status, 201) << order.body;
  auto const answer = client.post(client.kid, R"({"status":"deactivated"})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.text("status"), "deactivated");

  auto const& urls = server.app->settings.urls;
  for (auto const& url :
       {urls.directory(), urls.new_nonce(), urls.new_order(), urls.key_change(), client.kid, client.kid + "/orders",
        order.header("Location"), order.text("finalize"), first_text(order.object(), "authorizations"), certificate})
    for (auto const* payload : {"", "{}"}) {
      auto const refused = client.post(url, payload);
      EXPECT_EQ(refused.status, 401) << url;
      EXPECT_EQ(refused.problem(), "unauthorized") << url;
    }
  for (auto const* payload : {"{}", R"({"onlyReturnExisting":true})"}) {
    auto const refused = client.post_with_jwk(urls.new_account(), payload);
    EXPECT_EQ(refused.status, 401) << payload;
    EXPECT_EQ(refused.problem(), "unauthorized") << payload;
  }

  auto const id = [](std::string const& url) { return url.substr(url.rfind('/') + 1); };
  server.app->store->read([&](store::ReadTxn& txn) {
    EXPECT_TRUE(load_open_orders(txn, "").empty());
    auto const ended = load_order(txn, id(order.header("Location"))).value();
    EXPECT_EQ(ended.status, OrderStatus::invalid);
    EXPECT_EQ(ended.error.value().code(), Errc::unauthorized);
    EXPECT_EQ(load_order(txn, id(issued.header("Location"))).value().status, OrderStatus::valid);
    EXPECT_EQ(ca::find_by_serial(txn, id(certificate)).value().status, ca::CertificateStatus::issued);
  });
}

TEST(AccountUrl, DeactivationEndsWhatIsBeingValidated) {  // 8555-7.3.6-3
  TestServer server;
  auto client = proving_client(server);
  auto const order = client.new_order({"cam1.cams.example", "10.20.0.7"});
  ASSERT_EQ(order.text("status"), "pending") << order.body;
  ASSERT_EQ(client.post(client.kid, R"({"status":"deactivated"})").status, 200);
  auto const authorizations = json::need_strings(order.object(), "authorizations").value();
  EXPECT_EQ(authorizations.size(), 2U);
  server.app->store->read([&](store::ReadTxn& txn) {
    for (auto const& url : authorizations)
      EXPECT_EQ(load_authorization(txn, url.substr(url.rfind('/') + 1)).value().status,
                AuthorizationStatus::deactivated);
  });
}

// Whatever an account asks for in the moment in which it ends, nothing of it stays open.
TEST(AccountUrl, DeactivationRacesNewOrders) {  // 8555-7.3.6-2, 8555-7.3.6-3
  TestServer server;
  for (int round = 0; round < 8; ++round) {
    auto client = granted_client(server);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, i] {
        auto const status = client.new_order({"cam" + std::to_string(i) + ".cams.example"}).status;
        EXPECT_TRUE(status == 201 || status == 401) << status;
      });
    threads.emplace_back([&] { EXPECT_EQ(client.post(client.kid, R"({"status":"deactivated"})").status, 200); });
    for (auto& thread : threads) thread.join();
    server.app->store->read([](store::ReadTxn& txn) { EXPECT_TRUE(load_open_orders(txn, "").empty()); });
  }
}

// The operator ends an account as its owner would, and the object says who did (RFC 8555 7.1.6).
TEST(AccountOperations, DeactivateEndsAnAccountByItsIdOrItsUrl) {  // 8555-7.3.6-2, 8555-7.3.6-3
  TestServer server;
  auto const& app = *server.app;
  OperationContext const context{
      app.settings,      *app.store, &app.sealer, app.authority->root_certificate(), app.authority->issuer().limits(),
      server.clock.now()};
  auto const* deactivate = find_operation("account.deactivate");
  ASSERT_NE(deactivate, nullptr);
  auto const prefix = app.settings.urls.account("").size();
  for (bool const by_url : {false, true}) {
    auto client = granted_client(server), other = granted_client(server);
    ASSERT_EQ(client.new_order({"cam1.cams.example"}).status, 201);
    ASSERT_EQ(other.new_order({"cam1.cams.example"}).status, 201);
    auto const named = by_url ? client.kid : client.kid.substr(prefix);
    auto const ended = deactivate->run(context, {{"account", named}});
    ASSERT_TRUE(ended.ok()) << ended.error().detail();
    EXPECT_EQ(json::need_string(*ended, "status").value(), "revoked");
    EXPECT_EQ(json::need_string(*ended, "account").value(), client.kid.substr(prefix));
    EXPECT_EQ(client.read(client.kid).status, 401);
    EXPECT_EQ(client.read(client.kid).problem(), "unauthorized");
    EXPECT_EQ(other.read(other.kid).status, 200);
    server.app->store->read([&](store::ReadTxn& txn) {
      EXPECT_TRUE(load_open_orders(txn, client.kid.substr(prefix)).empty());
      EXPECT_EQ(load_open_orders(txn, other.kid.substr(prefix)).size(), 1U);
    });
    EXPECT_TRUE(deactivate->run(context, {{"account", named}}).ok());  // again is harmless
  }
  for (auto const& wrong : {std::string("nobody"), std::string(), std::string(500, 'a'),
                            std::string("https://other.example/acme/account/1"), app.settings.urls.account("nobody")})
    EXPECT_EQ(deactivate->run(context, {{"account", wrong}}).error().code(), Errc::not_found) << wrong;
  EXPECT_EQ(deactivate->run(context, {}).error().code(), Errc::malformed);
}

}  // namespace
}  // namespace lenscap::acme::test
