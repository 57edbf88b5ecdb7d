// Authorizations over the wire: before an order (RFC 8555 7.4.1), reused by later ones (7.1.3), given up (7.5.2), and
// for wildcards.
#include <gtest/gtest.h>

#include "acme/server/records.h"
#include "acme/server/sweeper.h"
#include "acme/wire/authorization.h"
#include "acme/wire/key_authorization.h"
#include "tests/acme/server/fixture.h"
#include "tests/fakes/scripted_server.h"

namespace lenscap::acme::test {
namespace {

using fakes::http_answer;
using fakes::ScriptedServer;

std::string wish(std::string_view host) {
  auto const identifier = host.starts_with("*.") ? Identifier::parse("dns", host) : Identifier::from_host(host);
  return json::write(new_authz_to_json(identifier.value()));
}

std::vector<std::string> authorizations_of(Answer const& order) {
  return json::need_strings(order.object(), "authorizations").value();
}

TEST(NewAuthz, AGrantedNameIsValidAtOnceAndServesTheNextOrder) {  // 8555-7.4.1-3, 8555-7.4.1-4
  TestServer server;
  auto client = granted_client(server);
  auto const& urls = server.app->settings.urls;
  EXPECT_EQ(server.get(urls.directory()).text("newAuthz"), urls.new_authz());
  auto const made = client.post(urls.new_authz(), wish("cam1.cams.example"));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.text("status"), "valid");
  auto const url = made.header("Location");
  EXPECT_EQ(client.read(url).body, made.body);
  EXPECT_TRUE(made.has_link(urls.directory(), "index"));  // 8555-7.1-2

  auto const order = client.new_order({"cam1.cams.example", "cam2.cams.example"});
  EXPECT_EQ(order.text("status"), "ready");
  EXPECT_EQ(authorizations_of(order).at(0), url);  // 8555-7.1.3-4
  EXPECT_NE(authorizations_of(order).at(1), url);
  EXPECT_EQ(client.finalize(order.header("Location"), {"cam1.cams.example", "cam2.cams.example"}).text("status"),
            "valid");
  // An order's own authorization is its own: nobody else's order ends when it is given up.
  EXPECT_NE(authorizations_of(client.new_order({"cam2.cams.example"})).at(0), authorizations_of(order).at(1));
}

TEST(NewAuthz, Refusals) {  // 8555-7.4.1-1, 8555-7.4.1-2
  TestServer server({.settings = "allow_wildcards = true\n"});
  auto client = granted_client(server);
  auto const url = server.app->settings.urls.new_authz();
  struct Case {
    char const* name;
    std::string payload;
    int status;
    char const* problem;
  };
  Case const cases[] = {
      {"outside the scope", wish("cam1.other.example"), 403, "rejectedIdentifier"},
      {"a wildcard", wish("*.cams.example"), 403, "rejectedIdentifier"},
      {"another type", R"({"identifier":{"type":"email","value":"a@b"}})", 403, "unsupportedIdentifier"},
      {"a bad name", R"({"identifier":{"type":"dns","value":"-.cams.example"}})", 400, "malformed"},
      {"no identifier", R"({"identifiers":[{"type":"dns","value":"cam1.cams.example"}]})", 400, "malformed"},
      {"not an object", R"({"identifier":"cam1.cams.example"})", 400, "malformed"},
      {"POST-as-GET", "", 400, "malformed"},
  };
  for (auto const& c : cases) {
    auto const answer = client.post(url, c.payload);
    EXPECT_EQ(answer.status, c.status) << c.name << ": " << answer.body;
    EXPECT_EQ(answer.problem(), c.problem) << c.name << ": " << answer.body;
  }
  auto const refused = client.post(url, wish("cam1.other.example")).object();
  EXPECT_EQ(refused.find("subproblems")->as_array()->size(), 1u);  // 8555-6.7.1-1
  EXPECT_EQ(server.get(url).status, 405);
  server.app->store->read([](store::ReadTxn& txn) { EXPECT_TRUE(load_pre_authorizations(txn, "").empty()); });
}

// A device that proves whatever its owner's key authorizes.
class Proving : public ::testing::Test {
 protected:
  ScriptedServer device{[this](std::string const& request) {
    auto const begin = request.find("/.well-known/acme-challenge/") + 28;
    auto const token = request.substr(begin, request.find(' ', begin) - begin);
    return http_answer(key_authorization(token, *account_key));
  }};
  std::optional<x509::PublicKey> account_key;
  TestServer server{{.settings = "http_port = " + std::to_string(device.port()) + "\nmay_reach = [\"127.0.0.0/8\"]\n"}};
  Client client = proving_client(server);
  Urls const& urls = server.app->settings.urls;

  Proving() { account_key = client.key.public_key(); }

  void prove(std::string const& url) {
    auto const challenge = *client.read(url).object().find("challenges")->as_array()->front().as_object();
    client.post(json::need_string(challenge, "url").value(), "{}");
    wait_until_valid(url);
  }
  void wait_until_valid(std::string const& url) {
    for (int i = 0; i < 2000; ++i) {
      if (client.read(url).text("status") == "valid") return;
      net::run_until_done(server.app->threads.executor(0), net::sleep_for(std::chrono::milliseconds(5)));
    }
    ADD_FAILURE() << "never valid: " << url;
  }
};

TEST_F(Proving, BeforehandAndThenOrdersAreBornReady) {  // 8555-7.4.1-4, 8555-7.1.3-4
  auto const made = client.post(urls.new_authz(), wish("127.0.0.1"));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.text("status"), "pending");
  auto const url = made.header("Location");
  EXPECT_EQ(client.post(urls.new_authz(), wish("127.0.0.1")).header("Location"), url) << "asked twice, to prove once";
  prove(url);
  EXPECT_EQ(client.post(urls.new_authz(), wish("127.0.0.1")).header("Location"), url);
  server.app->store->read([](store::ReadTxn& txn) { EXPECT_TRUE(load_pre_authorizations(txn, "").empty()); });
  for (int i = 0; i < 2; ++i) {
    auto const order = client.new_order({"127.0.0.1"});
    EXPECT_EQ(order.text("status"), "ready");
    EXPECT_EQ(authorizations_of(order), std::vector<std::string>{url});
  }
  auto other = proving_client(server);
  EXPECT_EQ(other.new_order({"127.0.0.1"}).text("status"), "pending") << "another account proves for itself";
}

TEST_F(Proving, AnOrdersProofIsReusedAlsoWhenAnotherOrderForTheNameIsStillPending) {
  auto const first = client.new_order({"127.0.0.1"}), second = client.new_order({"127.0.0.1"});
  EXPECT_NE(authorizations_of(first), authorizations_of(second));
  prove(authorizations_of(first).at(0));
  EXPECT_EQ(authorizations_of(client.new_order({"127.0.0.1"})), authorizations_of(first));
  EXPECT_EQ(client.read(second.header("Location")).text("status"), "pending");
  // Its time ends, and with it the reuse.
  server.clock.advance(limits::kProvedAuthorizationLifetime - kHour + Seconds(1));
  EXPECT_EQ(client.new_order({"127.0.0.1"}).text("status"), "pending");
}

TEST_F(Proving, GivenUpItEndsEveryOrderThatRestsOnIt) {  // 8555-7.5.2-1
  auto const url = client.post(urls.new_authz(), wish("127.0.0.1")).header("Location");
  prove(url);
  auto const ready = client.new_order({"127.0.0.1"}).header("Location");
  auto const pending = client.new_order({"127.0.0.1", "127.0.0.2"}).header("Location");
  auto const issued = client.new_order({"127.0.0.1"}).header("Location");
  ASSERT_EQ(client.finalize(issued, {"127.0.0.1"}).text("status"), "valid");

  EXPECT_EQ(proving_client(server).post(url, R"({"status":"deactivated"})").status, 404);  // 8555-6.3-5
  EXPECT_EQ(client.read(ready).text("status"), "ready");
  EXPECT_EQ(client.post(url, R"({"status":"deactivated"})").text("status"), "deactivated");
  for (auto const& order : {ready, pending}) {
    auto const answer = client.read(order);
    EXPECT_EQ(answer.text("status"), "invalid");
    EXPECT_NE(answer.object().find("error"), nullptr);  // 8555-7.4-9
  }
  EXPECT_EQ(client.finalize(ready, {"127.0.0.1"}).problem(), "orderNotReady");
  EXPECT_EQ(client.read(issued).text("status"), "valid");
  EXPECT_EQ(client.new_order({"127.0.0.1"}).text("status"), "pending");
  EXPECT_EQ(client.post(url, R"({"status":"deactivated"})").status, 200) << "again is harmless";
  EXPECT_EQ(client.post(url, R"({"status":"valid"})").problem(), "malformed");
}

TEST_F(Proving, OneWithoutAnOrderEndsByTimeAndIsTakenUpAfterACrash) {
  auto const url = client.post(urls.new_authz(), wish("127.0.0.1")).header("Location");
  auto const id = url.substr(urls.authorization("").size());
  // As a process leaves it that dies between the client's answer and the outcome.
  server.app->store->write([&](store::WriteTxn& txn) {
    auto accepted = accept_challenge(load_authorization(txn, id).value(), "1", server.clock.now()).value();
    save_authorization(txn, accepted.authorization);
    return true;
  });
  EXPECT_EQ(resume_validations(*server.app, server.clock.now()), 1u);
  wait_until_valid(url);

  auto const other = client.post(urls.new_authz(), wish("127.0.0.2")).header("Location");
  server.clock.advance(limits::kPendingLifetime);
  EXPECT_EQ(client.read(other).text("status"), "expired");
  EXPECT_EQ(sweep(*server.app, server.clock.now()).expired, 2u);  // and the one that was proved
  EXPECT_EQ(sweep(*server.app, server.clock.now()).expired, 0u);
  EXPECT_EQ(client.read(other).text("status"), "expired");
}

// --- wildcards ---

TEST(Wildcards, AreRefusedUnlessTheSettingsAllowThem) {
  TestServer server;
  auto client = granted_client(server);
  EXPECT_EQ(client.new_order({"*.cams.example"}).problem(), "rejectedIdentifier");
}

TEST(Wildcards, AGrantedOneToItsCertificate) {  // 8555-7.1.3-2, 8555-7.1.4-1, 8555-7.1.4-3
  TestServer server({.settings = "allow_wildcards = true\n"});
  auto client = granted_client(server);
  std::vector<std::string> const hosts{"*.cams.example", "cams.example", "*.north.cams.example"};
  auto const order = client.new_order(hosts);
  ASSERT_EQ(order.text("status"), "ready") << order.body;
  auto const urls = authorizations_of(order);
  ASSERT_EQ(urls.size(), 3u);
  for (std::size_t i = 0; i < urls.size(); ++i) {
    auto const authorization = client.read(urls[i]).object();
    auto const identifier = json::need_object(authorization, "identifier").value();
    EXPECT_EQ(json::need_string(identifier, "value").value(), i == 2 ? "north.cams.example" : "cams.example");
    EXPECT_EQ(authorization.find("wildcard") != nullptr, i != 1) << "absent where it is no wildcard";
    if (i != 1) {
      EXPECT_TRUE(*authorization.find("wildcard")->as_bool());
      auto const challenge = *authorization.find("challenges")->as_array()->front().as_object();
      EXPECT_EQ(json::need_string(challenge, "type").value(), "dns-01");
    }
  }
  auto const done = client.finalize(order.header("Location"), hosts);
  ASSERT_EQ(done.text("status"), "valid") << done.body;
  auto const chain = x509::parse_pem_chain(client.read(done.text("certificate")).body).value();
  EXPECT_EQ(chain.at(0).names(), names_of(hosts));
  // Under the name constraints of issuer and root, as OpenSSL reads them.
  auto const& root = server.app->authority->root_certificate();
  EXPECT_TRUE(x509::verify_chain(chain.at(0), {chain.at(1)}, {root}, server.clock.now()).ok());
}

TEST(Wildcards, NeverOutsideScopeAndConstraints) {
  TestServer server({.settings = "allow_wildcards = true\n"});
  auto client = granted_client(server);
  EXPECT_EQ(client.new_order({"*.example"}).problem(), "rejectedIdentifier");
  EXPECT_EQ(client.new_order({"*.other.example"}).problem(), "rejectedIdentifier");
  auto wide = server.grant_scope();
  wide.grant_dns.push_back(x509::DnsName::parse("example").value());
  auto const eab = server.add_eab(wide);
  Client other(server);
  ASSERT_EQ(other.new_account(&eab).status, 201);
  EXPECT_EQ(other.new_order({"*.example"}).problem(), "rejectedIdentifier") << "the CA's own constraints hold";
  EXPECT_EQ(other.new_order({"*.cams.example"}).status, 201);
}

TEST(Wildcards, WhatIsToBeProvedNeedsAChallengeThatCan) {
  TestServer server({.settings = "allow_wildcards = true\nchallenges = [\"http-01\"]\n"});
  auto client = proving_client(server);
  EXPECT_EQ(client.new_order({"*.cams.example"}).problem(), "rejectedIdentifier") << "http-01 proves one host";
  EXPECT_EQ(client.new_order({"cam1.cams.example"}).status, 201);
}

}  // namespace
}  // namespace lenscap::acme::test
