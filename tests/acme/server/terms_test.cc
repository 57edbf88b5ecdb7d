// Terms of service (RFC 8555 7.3, 7.3.3): asked for at newAccount, and again when they change: by a person, on the page
// that the refusal names.
#include <gtest/gtest.h>

#include "acme/server/operations.h"
#include "acme/server/records.h"
#include "acme/server/terms.h"
#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

constexpr char const* kTerms = "https://pki.cams.example/terms/2?a=1&b='2'";
constexpr char const* kFormerTerms = "https://pki.cams.example/terms/1";

class Terms : public ::testing::Test {
 protected:
  TestServer server{{.settings = std::string("terms_of_service = \"") + kTerms + "\"\n"}};
  Urls const& urls = server.app->settings.urls;
  TestServer::Eab eab = server.add_eab(server.grant_scope());

  Client agreed_client() {
    Client client(server);
    EXPECT_EQ(client.new_account(&eab, {{"termsOfServiceAgreed", true}}).status, 201);
    return client;
  }
  std::string id_of(Client const& client) const { return client.kid.substr(urls.account("").size()); }
  // An account that agreed when other terms were in force.
  Client former_client() {
    auto client = agreed_client();
    server.app->store->write([&](store::WriteTxn& txn) {
      auto account = load_account(txn, id_of(client)).value();
      account.terms_of_service = kFormerTerms;
      save_account(txn, account);
      return true;
    });
    return client;
  }
  Answer press(std::string const& page) { return server.send(make_request(net::Method::post, page)); }
};

TEST_F(Terms, AreInTheDirectory) {  // 8555-7.3-5, 8555-7.1.1-2
  auto const meta = json::need_object(server.get(urls.directory()).object(), "meta").value();
  EXPECT_EQ(json::need_string(meta, "termsOfService").value(), kTerms);
}

TEST_F(Terms, NewAccountHasToAgree) {  // 8555-7.3-5
  for (auto const& payload : {json::Object{}, json::Object{{"termsOfServiceAgreed", false}}}) {
    Client client(server);
    auto const refused = client.new_account(&eab, payload);
    EXPECT_EQ(refused.status, 403) << refused.body;
    EXPECT_EQ(refused.problem(), "userActionRequired");
    EXPECT_TRUE(refused.has_link(kTerms, "terms-of-service"));
    EXPECT_EQ(refused.text("instance"), kTerms);
  }
  Client client(server);
  EXPECT_EQ(client.new_account(&eab, {{"termsOfServiceAgreed", "yes"}}).problem(), "malformed");
  // Looking for an account needs no agreement (8555-7.3.1-2).
  EXPECT_EQ(client.new_account(nullptr, {{"onlyReturnExisting", true}}).problem(), "accountDoesNotExist");
  auto const made = client.new_account(&eab, {{"termsOfServiceAgreed", true}});
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_TRUE(json::need_bool(made.object(), "termsOfServiceAgreed").value());
  EXPECT_EQ(client.new_order({"cam1.cams.example"}).status, 201);
}

TEST_F(Terms, ThatChangedStopNewOrdersUntilSomebodyAgrees) {  // 8555-7.3.3-1
  auto client = former_client();
  auto const refused = client.new_order({"cam1.cams.example"});
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(refused.problem(), "userActionRequired");
  EXPECT_TRUE(refused.has_link(kTerms, "terms-of-service"));
  EXPECT_TRUE(refused.has_link(urls.directory(), "index"));
  EXPECT_FALSE(refused.header("Replay-Nonce").empty());
  auto const instance = refused.text("instance");
  ASSERT_TRUE(instance.starts_with(urls.terms_page(""))) << instance;
  EXPECT_EQ(client.post(urls.new_authz(), R"({"identifier":{"type":"dns","value":"cam1.cams.example"}})").problem(),
            "userActionRequired");

  // What a client says by itself is no agreement (8555-7.3.1-1, 8555-7.3.2-1).
  EXPECT_EQ(client.post(client.kid, R"({"termsOfServiceAgreed":true})").status, 200);
  EXPECT_EQ(client.new_account(nullptr, {{"termsOfServiceAgreed", true}}).status, 200);
  EXPECT_EQ(client.new_order({"cam1.cams.example"}).problem(), "userActionRequired");

  // Looking at the page is none either; mail programs do that by themselves.
  auto const page = server.get(instance);
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(page.body.find("<form method=\"post\">"), std::string::npos) << page.body;
  EXPECT_NE(page.body.find("terms/2?a=1&amp;b=&#39;2&#39;"), std::string::npos) << page.body;
  EXPECT_NE(page.body.find(client.kid), std::string::npos) << page.body;
  EXPECT_EQ(client.new_order({"cam1.cams.example"}).problem(), "userActionRequired");

  EXPECT_EQ(press(instance).status, 200);
  EXPECT_EQ(client.new_order({"cam1.cams.example"}).status, 201);
  auto const after = server.get(instance);
  EXPECT_EQ(after.status, 200);
  EXPECT_EQ(after.body.find("<form"), std::string::npos);
  EXPECT_EQ(press(instance).status, 200);  // twice is harmless
  server.app->store->read(
      [&](store::ReadTxn& txn) { EXPECT_EQ(load_account(txn, id_of(client)).value().terms_of_service, kTerms); });
}

TEST_F(Terms, DoNotStopAnybodyFromReadingOrLeaving) {
  auto client = agreed_client();
  auto const order = client.new_order({"cam1.cams.example"});
  server.app->store->write([&](store::WriteTxn& txn) {
    auto account = load_account(txn, id_of(client)).value();
    account.terms_of_service = kFormerTerms;
    save_account(txn, account);
    return true;
  });
  EXPECT_EQ(client.read(client.kid).status, 200);
  EXPECT_EQ(client.read(client.kid + "/orders").status, 200);
  // What was ordered before the change is delivered.
  EXPECT_EQ(client.finalize(order.header("Location"), {"cam1.cams.example"}).text("status"), "valid");
  EXPECT_EQ(client.post(client.kid, R"({"contact":["mailto:a@cams.example"]})").status, 200);
  EXPECT_EQ(client.post(client.kid, R"({"status":"deactivated"})").text("status"), "deactivated");
}

TEST_F(Terms, OnlyALinkOfOursForTheseTermsIsGood) {
  auto client = former_client();
  auto const instance = client.new_order({"cam1.cams.example"}).text("instance");
  auto const token = instance.substr(urls.terms_page("").size());
  auto const link = read_terms_token(server.app->sealer, token).value();
  EXPECT_EQ(link.account, id_of(client));
  EXPECT_EQ(link.terms, kTerms);

  auto damaged = token;
  damaged[damaged.size() / 2] = damaged[damaged.size() / 2] == 'A' ? 'B' : 'A';
  std::string const wrong[] = {
      "x",
      damaged,
      token.substr(0, token.size() - 4),
      make_terms_token(server.app->sealer, {id_of(client), kFormerTerms}),  // the terms have changed since
      make_terms_token(server.app->sealer, {"nobody", kTerms}),
      make_terms_token(Sealer(SecretBytes(Bytes(32, 8))), {id_of(client), kTerms}),  // of another server
  };
  for (auto const& text : wrong) {
    EXPECT_EQ(server.get(urls.terms_page(text)).status, 404) << text;
    EXPECT_EQ(press(urls.terms_page(text)).status, 404) << text;
  }
  EXPECT_EQ(client.new_order({"cam1.cams.example"}).problem(), "userActionRequired");
  EXPECT_EQ(server.send_web(make_request(net::Method::get, instance)).status, 404);  // inside TLS alone
}

TEST_F(Terms, APageOfADeactivatedAccountIsGone) {
  auto client = former_client();
  auto const instance = client.new_order({"cam1.cams.example"}).text("instance");
  ASSERT_EQ(client.post(client.kid, R"({"status":"deactivated"})").status, 200);
  EXPECT_EQ(server.get(instance).status, 404);
  EXPECT_EQ(press(instance).status, 404);
}

TEST_F(Terms, TheOperatorMayAgreeForAnAccount) {
  auto client = former_client();
  auto const& app = *server.app;
  OperationContext const context{
      app.settings,      *app.store, &app.sealer, app.authority->root_certificate(), app.authority->issuer().limits(),
      server.clock.now()};
  auto const agree = find_operation("account.agree");
  ASSERT_NE(agree, nullptr);
  EXPECT_EQ(agree->run(context, {{"account", "nobody"}}).error().code(), Errc::not_found);
  auto const agreed = agree->run(context, {{"account", client.kid}});
  ASSERT_TRUE(agreed.ok()) << agreed.error().detail();
  EXPECT_EQ(json::need_string(*agreed, "terms").value(), kTerms);
  EXPECT_EQ(client.new_order({"cam1.cams.example"}).status, 201);
}

TEST(TermsSetting, HasToBeAUrl) {
  for (auto const* text : {"terms.html", "ftp://x/terms", "https://", "https://x/a b", "https://x/>", "https://x/\\\""})
    EXPECT_THROW(TestServer({.settings = std::string("terms_of_service = \"") + text + "\"\n"}), std::runtime_error)
        << text;
  TestServer const none;
  EXPECT_EQ(none.app->policy.terms_of_service, "");
}

}  // namespace
}  // namespace lenscap::acme::test
