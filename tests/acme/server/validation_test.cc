// Challenges from the client's answer to the ready order: validation with retries, outcomes in one transaction
// (RFC 8555 7.5.1, 8.2).
#include <gtest/gtest.h>

#include "acme/server/records.h"
#include "acme/server/sweeper.h"
#include "acme/wire/key_authorization.h"
#include "tests/acme/server/fixture.h"
#include "tests/fakes/dns_server.h"
#include "tests/fakes/scripted_server.h"

namespace lenscap::acme::test {
namespace {

using fakes::http_answer;
using fakes::ScriptedServer;

// A device that answers with what its owner's key authorizes, after `failures` wrong answers.
class Validations : public ::testing::Test {
 protected:
  ScriptedServer device{[this](std::string const& request) {
    if (failures-- > 0) return http_answer("not yet");
    auto const begin = request.find("/.well-known/acme-challenge/") + 28;
    auto const token = request.substr(begin, request.find(' ', begin) - begin);
    return http_answer(key_authorization(token, *account_key));
  }};
  std::atomic<int> failures = 0;
  std::optional<x509::PublicKey> account_key;
  fakes::DnsServer dns;
  TestServer server{{.settings = "http_port = " + std::to_string(device.port()) +
                                 "\nmay_reach = [\"127.0.0.0/8\"]\nresolver = [\"" + dns.resolver() + "\"]\n"}};
  Client client = proving_client(server);

  Validations() { account_key = client.key.public_key(); }

  // Polls until the object leaves `pending` and `processing`.
  Answer wait_for(std::string const& url) {
    for (int i = 0; i < 2000; ++i) {
      auto answer = client.read(url);
      EXPECT_EQ(answer.status, 200);  // 8555-7.5.1-6
      auto const status = answer.text("status");
      if (status != "pending" && status != "processing") return answer;
      net::run_until_done(server.app->threads.executor(0), net::sleep_for(std::chrono::milliseconds(5)));
    }
    ADD_FAILURE() << "no end: " << url;
    return {};
  }
  static json::Object first_challenge(Answer const& authorization) {
    return *authorization.object().find("challenges")->as_array()->front().as_object();
  }
};

TEST_F(Validations, TheLastValidAuthorizationMakesTheOrderReady) {  // 8555-7.5.1-7, 8555-8-1, 8555-8-2
  dns.set("cam1.cams.example", {"127.0.0.1"});
  auto const order = client.new_order({"cam1.cams.example", "127.0.0.1"});
  ASSERT_EQ(order.text("status"), "pending") << order.body;
  auto const urls = json::need_strings(order.object(), "authorizations").value();
  ASSERT_EQ(urls.size(), 2u);
  EXPECT_EQ(client.finalize(order.header("Location"), {"cam1.cams.example", "127.0.0.1"}).problem(), "orderNotReady");
  for (auto const& url : urls) {
    auto const authorization = client.read(url);
    EXPECT_EQ(authorization.text("status"), "pending");
    auto const challenge = first_challenge(authorization);
    EXPECT_EQ(json::need_string(challenge, "type").value(), "http-01");
    EXPECT_TRUE(is_token(json::need_string(challenge, "token").value()));  // 8555-11.3-1
    auto const challenge_url = json::need_string(challenge, "url").value();
    EXPECT_EQ(client.read(challenge_url).text("status"), "pending");                                   // "" only reads
    auto const accepted = client.post(challenge_url, R"({"keyAuthorization":"x","type":"http-01"})");  // 8555-7.5.1-1
    EXPECT_EQ(accepted.status, 200) << accepted.body;
    EXPECT_TRUE(accepted.has_link(url, "up"));  // 8555-7.5.1-3
    auto const done = wait_for(url);
    EXPECT_EQ(done.text("status"), "valid") << done.body;
    EXPECT_FALSE(done.text("expires").empty());  // 8555-7.5.1-4
    EXPECT_TRUE(first_challenge(done).find("validated") != nullptr);
    auto const again = client.post(challenge_url, "{}");  // harmless
    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(again.text("status"), "valid");
  }
  EXPECT_EQ(client.read(order.header("Location")).text("status"), "ready");
  EXPECT_EQ(client.finalize(order.header("Location"), {"cam1.cams.example", "127.0.0.1"}).text("status"), "valid");
  // What is proved need not be proved again for a while.
  EXPECT_EQ(client.new_order({"127.0.0.1"}).text("status"), "ready");
}

TEST_F(Validations, AFailureIsTriedAgain) {  // 8555-8.2-1
  failures = 2;
  auto const order = client.new_order({"127.0.0.1"});
  auto const url = first_text(order.object(), "authorizations");
  client.post(json::need_string(first_challenge(client.read(url)), "url").value(), "{}");
  EXPECT_EQ(wait_for(url).text("status"), "valid");
  EXPECT_EQ(device.connections(), 3);
}

TEST_F(Validations, AfterThreeFailuresEverythingIsInvalid) {  // 8555-7.5.1-5, 8555-7.5.1-7, 8555-8-1
  failures = 1000;
  auto const order = client.new_order({"127.0.0.1"});
  auto const url = first_text(order.object(), "authorizations");
  auto const challenge_url = json::need_string(first_challenge(client.read(url)), "url").value();
  client.post(challenge_url, "{}");
  auto const done = wait_for(url);
  EXPECT_EQ(done.text("status"), "invalid");
  EXPECT_EQ(device.connections(), limits::kValidationAttempts);
  auto const challenge = client.post(challenge_url, "{}");
  EXPECT_EQ(challenge.status, 200);  // a failed validation is no failed request
  EXPECT_EQ(challenge.text("status"), "invalid");
  auto const object = challenge.object();
  auto const* error = object.find("error");
  ASSERT_NE(error, nullptr) << challenge.body;
  EXPECT_EQ(json::need_string(*error->as_object(), "type").value(), "urn:ietf:params:acme:error:incorrectResponse");
  auto const ended = client.read(order.header("Location"));
  EXPECT_EQ(ended.text("status"), "invalid");
  EXPECT_NE(ended.object().find("error"), nullptr);
}

TEST_F(Validations, AResponseThatIsNoObjectLeavesTheChallengeAsItWas) {  // 8555-7.5.1-2
  auto const url = first_text(client.new_order({"127.0.0.1"}).object(), "authorizations");
  auto const challenge_url = json::need_string(first_challenge(client.read(url)), "url").value();
  for (auto const* payload : {"[]", "1", "{", "\"\""})
    EXPECT_EQ(client.post(challenge_url, payload).problem(), "malformed");
  EXPECT_EQ(client.read(challenge_url).text("status"), "pending");
  EXPECT_EQ(client.read(challenge_url + "0").status, 404);
}

// Two accounts, one device: what one account's key authorizes says nothing for the other (RFC 8555 10.2).
TEST_F(Validations, AnotherAccountsAnswerIsNotGood) {
  auto const attacker = proving_client(server);
  account_key = attacker.key.public_key();
  auto const url = first_text(client.new_order({"127.0.0.1"}).object(), "authorizations");
  client.post(json::need_string(first_challenge(client.read(url)), "url").value(), "{}");
  EXPECT_EQ(wait_for(url).text("status"), "invalid");
}

TEST_F(Validations, TokensDiffer) {  // 8555-11.3-1
  std::set<std::string> tokens;
  for (int i = 0; i < 20; ++i) {
    auto const order = client.new_order({"127.0.0." + std::to_string(i + 1)});
    auto const authorization = client.read(first_text(order.object(), "authorizations"));
    EXPECT_TRUE(tokens.insert(json::need_string(first_challenge(authorization), "token").value()).second);
  }
}

// A validation that was under way when the process died is taken up by the next.
TEST_F(Validations, AreResumedAtTheStart) {
  auto const url = first_text(client.new_order({"127.0.0.1"}).object(), "authorizations");
  auto const id = url.substr(server.app->settings.urls.authorization("").size());
  server.app->store->write([&](store::WriteTxn& txn) {
    auto const challenge = load_authorization(txn, id)->challenges.front().id;
    save_authorization(txn,
                       accept_challenge(*load_authorization(txn, id), challenge, server.clock.now())->authorization);
    return true;
  });
  EXPECT_EQ(recover(*server.app, server.clock.now()).validations, 1u);
  EXPECT_EQ(wait_for(url).text("status"), "valid");
}

}  // namespace
}  // namespace lenscap::acme::test
