// Challenges from the client's answer to the ready order: validation with retries, outcomes in one transaction
// (RFC 8555 7.5.1, 8.2).
#include <gtest/gtest.h>

#include <future>

#include "acme/flow/dns_01_rules.h"
#include "acme/server/records.h"
#include "acme/server/sweeper.h"
#include "acme/wire/key_authorization.h"
#include "tests/acme/server/proving.h"
#include "tests/base/x509/acme_certificate_maker.h"
#include "tests/fakes/tls_server.h"

namespace lenscap::acme::test {
namespace {

using Validations = Proving;

// B-04, B-05, K-01, K-07, K-12, K-19
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

TEST_F(Validations, NobodyIsAskedForWhatIsOver) {
  server.app->validation.retry_pause = std::chrono::hours(1);
  server.app->validation.retry_at_least = std::chrono::milliseconds(1);
  failures = 100;
  auto const order = client.new_order({"127.0.0.1"});
  auto const url = first_text(order.object(), "authorizations");
  auto const challenge_url = challenge_of(url, "http-01");
  client.post(challenge_url, "{}");
  wait_until([&] { return client.read(challenge_url); }, has_error);
  EXPECT_EQ(device.connections(), 1);
  EXPECT_EQ(client.post(url, R"({"status":"deactivated"})").status, 200);
  server.app->validation.start(url.substr(url.rfind('/') + 1), "1");
  // One that may be tried, behind it: when that has failed, the former would have been asked long ago.
  auto const second = first_text(client.new_order({"127.0.0.1"}).object(), "authorizations");
  auto const second_challenge = challenge_of(second, "http-01");
  client.post(second_challenge, "{}");
  wait_until([&] { return client.read(second_challenge); }, has_error);
  EXPECT_EQ(device.connections(), 2);
}

TEST_F(Validations, AFailureIsTriedAgain) {  // 8555-8.2-1
  failures = 2;
  auto const order = client.new_order({"127.0.0.1"});
  auto const url = first_text(order.object(), "authorizations");
  client.post(json::need_string(first_challenge(client.read(url)), "url").value(), "{}");
  EXPECT_EQ(wait_for(url).text("status"), "valid");
  EXPECT_EQ(device.connections(), 3);
}

// Who asks while an attempt is being made is told its outcome, if that comes soon; each of these answers is the first.
TEST_F(Validations, AnAnswerWaitsForTheOutcomeOfAnAttempt) {
  server.app->validation.outcome_soon = std::chrono::hours(1);
  auto const first = first_text(client.new_order({"127.0.0.1"}).object(), "authorizations");
  client.post(challenge_of(first, "http-01"), "{}");
  EXPECT_EQ(client.read(first).text("status"), "valid");

  failures = 100;
  auto const second = first_text(client.new_order({"127.0.0.2"}).object(), "authorizations");
  auto const challenge_url = challenge_of(second, "http-01");
  client.post(challenge_url, "{}");
  EXPECT_TRUE(has_error(client.read(challenge_url)));
}

TEST_F(Validations, AnAnswerDoesNotWaitForASlowAttempt) {
  std::promise<void> go;
  auto const gone = go.get_future().share();
  before_answer = [gone] { gone.wait(); };
  server.app->validation.outcome_soon = std::chrono::milliseconds(1);
  auto const url = first_text(client.new_order({"127.0.0.1"}).object(), "authorizations");
  client.post(challenge_of(url, "http-01"), "{}");
  auto const early = client.read(url);
  EXPECT_EQ(early.text("status"), "pending");
  EXPECT_EQ(json::need_string(first_challenge(early), "status").value(), "processing");
  EXPECT_EQ(early.header("Retry-After"), "2");

  // Nobody learns from waiting that there is something to wait for (8555-6.3-5).
  server.app->validation.outcome_soon = std::chrono::hours(1);
  auto stranger = proving_client(server);
  EXPECT_EQ(stranger.read(url).status, 404);
  go.set_value();
  EXPECT_EQ(client.read(url).text("status"), "valid");
}

// While the next attempt is awaited the challenge shows the last error, and when to look again (8555-8.2-1).
TEST_F(Validations, AChallengeBetweenTwoAttempts) {
  server.app->validation.outcome_soon = std::chrono::hours(1);  // there is no attempt to wait for
  server.app->validation.retry_pause = std::chrono::hours(1);
  server.app->validation.retry_at_least = std::chrono::milliseconds(1);
  failures = 1;
  auto const order = client.new_order({"127.0.0.1"});
  auto const url = first_text(order.object(), "authorizations");
  auto const challenge_url = challenge_of(url, "http-01");
  client.post(challenge_url, "{}");
  auto const failed = wait_until([&] { return client.read(challenge_url); }, has_error);
  EXPECT_EQ(failed.text("status"), "processing");
  EXPECT_EQ(failed.header("Retry-After"), "5");
  EXPECT_TRUE(failed.has_link(url, "up"));
  auto const object = failed.object();
  EXPECT_EQ(json::need_string(*object.find("error")->as_object(), "type").value(),
            "urn:ietf:params:acme:error:incorrectResponse");
  EXPECT_EQ(client.read(url).text("status"), "pending");
  EXPECT_EQ(client.read(url).header("Retry-After"), "5");
  EXPECT_EQ(client.read(order.header("Location")).text("status"), "pending");
  EXPECT_EQ(device.connections(), 1);

  // The client has set something right and says so: no waiting for an hour.
  auto const ended = wait_until(
      [&] {
        auto answer = client.post(challenge_url, "{}");
        EXPECT_EQ(answer.status, 200);
        EXPECT_TRUE(answer.has_link(url, "up"));
        return answer;
      },
      [](Answer const& answer) { return answer.text("status") == "valid"; });
  EXPECT_EQ(ended.object().find("error"), nullptr);
  EXPECT_EQ(device.connections(), 2);
}

TEST_F(Validations, RepeatedResponsesAreNoMoreThanOneAttempt) {  // S-04, 8555-8.2-1: rate limited
  server.app->validation.retry_pause = std::chrono::hours(1);
  server.app->validation.retry_at_least = std::chrono::hours(1);
  failures = 1000;
  auto const order = client.new_order({"127.0.0.1"});
  auto const challenge_url = challenge_of(first_text(order.object(), "authorizations"), "http-01");
  client.post(challenge_url, "{}");
  wait_until([&] { return client.read(challenge_url); }, has_error);
  for (int i = 0; i < 50; ++i) {
    auto const answer = client.post(challenge_url, "{}");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.text("status"), "processing");
  }
  EXPECT_EQ(device.connections(), 1);
}

// A wildcard has dns-01 alone, an address everything else (8555-8.4-1, 8738-7-1).
TEST_F(Validations, WhichChallengesAreOffered) {
  auto const types = [&](std::string const& host) {
    std::string list;
    auto const authorization = client.read(first_text(client.new_order({host}).object(), "authorizations"));
    auto const object = authorization.object();
    for (auto const& challenge : *object.find("challenges")->as_array())
      list += json::need_string(*challenge.as_object(), "type").value() + " ";
    return list;
  };
  EXPECT_EQ(types("cam1.cams.example"), "http-01 dns-01 tls-alpn-01 ");
  EXPECT_EQ(types("127.0.0.1"), "http-01 tls-alpn-01 ");
}

TEST_F(Validations, ByDns01) {  // 8555-8.4-1
  auto const order = client.new_order({"cam1.cams.example"});
  auto const url = first_text(order.object(), "authorizations");
  auto const challenge_url = challenge_of(url, "dns-01");
  auto const token = client.read(challenge_url).text("token");
  dns.set_texts("_acme-challenge.cam1.cams.example",
                {"another", dns_01_value(key_authorization(token, client.key.public_key()))});
  client.post(challenge_url, "{}");
  auto const done = wait_for(url);
  EXPECT_EQ(done.text("status"), "valid") << done.body;
  EXPECT_EQ(json::need_string(first_challenge(done), "type").value(), "dns-01");  // 8555-7.1.4-4
  EXPECT_EQ(device.connections(), 0);
  EXPECT_EQ(client.finalize(order.header("Location"), {"cam1.cams.example"}).text("status"), "valid");
}

TEST_F(Validations, ByTlsAlpn01) {  // 8737-3-1, 8738-6-1
  auto const order = client.new_order({"127.0.0.1"});
  auto const url = first_text(order.object(), "authorizations");
  auto const challenge_url = challenge_of(url, "tls-alpn-01");
  auto const token = client.read(challenge_url).text("token");
  using namespace x509::testing;
  auto const certificate = acme_certificate({subject_alt_name({}, {Bytes{127, 0, 0, 1}}),
                                             acme_identifier(key_authorization(token, client.key.public_key()))});
  fakes::TlsServer const camera(certificate.get(), acme_certificate_key().native(), {}, "127.0.0.1", tls_port);
  client.post(challenge_url, "{}");
  EXPECT_EQ(wait_for(url).text("status"), "valid");
  EXPECT_EQ(client.finalize(order.header("Location"), {"127.0.0.1"}).text("status"), "valid");
}

TEST_F(Validations, AfterThreeFailuresEverythingIsInvalid) {  // S-04, K-06, K-19, 8555-7.5.1-5, 8555-7.5.1-7, 8555-8-1
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
TEST_F(Validations, AnotherAccountsAnswerIsNotGood) {  // S-01
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
  EXPECT_EQ(resume_validations(*server.app, server.clock.now()), 1u);
  EXPECT_EQ(wait_for(url).text("status"), "valid");
}

}  // namespace
}  // namespace lenscap::acme::test
