#include "acme/flow/authz_rules.h"

#include <gtest/gtest.h>

#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

Result<> const kGood;
Result<> const kBad = Error(Errc::incorrect_response, "got 404");

// Two challenges, the first of them accepted.
Authorization running() {
  auto a = authorization(AuthorizationStatus::pending);
  a.challenges.push_back({.id = "2", .type = "dns-01", .token = "dG9rZW50b2tlbnRva2VudG9rZX"});
  return a;
}

WaitingOrder waiting(std::string id, std::vector<Authorization> authorizations) {
  WaitingOrder w{.order = order(OrderStatus::pending), .authorizations = std::move(authorizations)};
  w.order.id = std::move(id);
  w.order.authorizations.clear();
  w.order.identifiers.clear();
  for (auto const& a : w.authorizations) {
    w.order.authorizations.push_back(a.id);
    w.order.identifiers.push_back(a.identifier);
  }
  return w;
}

TEST(AcceptChallenge, StartsOnce) {
  auto a = running();
  a.challenges[0].status = ChallengeStatus::pending;
  auto const first = accept_challenge(a, "1", kNow).value();
  EXPECT_TRUE(first.start_validation);
  EXPECT_EQ(first.authorization.challenges[0].status, ChallengeStatus::processing);
  EXPECT_EQ(first.authorization.challenges[1].status, ChallengeStatus::pending);
  auto const second = accept_challenge(first.authorization, "1", kNow).value();  // 8555-7.5.1-3
  EXPECT_FALSE(second.start_validation);
  EXPECT_EQ(second.authorization, first.authorization);
}

TEST(AcceptChallenge, HarmlessWhenAllIsOver) {
  for (auto status : {AuthorizationStatus::valid, AuthorizationStatus::invalid, AuthorizationStatus::deactivated}) {
    auto const a = authorization(status);
    auto const accepted = accept_challenge(a, "1", kNow + kDay).value();
    EXPECT_FALSE(accepted.start_validation);
    EXPECT_EQ(accepted.authorization, a);
  }
}

TEST(AcceptChallenge, Refuses) {
  auto a = running();
  a.challenges[0].status = ChallengeStatus::pending;
  EXPECT_EQ(accept_challenge(a, "3", kNow).error().code(), Errc::not_found);
  EXPECT_EQ(accept_challenge(a, "", kNow).error().code(), Errc::not_found);
  EXPECT_EQ(accept_challenge(a, "1", a.expires).error().code(), Errc::not_found);
}

// 8555-8-1, 8555-7.5.1-4, 8555-7.1.4-4
TEST(RecordOutcome, Success) {
  auto const out = record_outcome(running(), "1", kGood, {}, policy(), kNow).value();
  EXPECT_EQ(out.authorization.status, AuthorizationStatus::valid);
  EXPECT_EQ(out.authorization.expires, kNow + policy().proved_lifetime);
  ASSERT_EQ(out.authorization.challenges.size(), 1U);
  EXPECT_EQ(out.authorization.challenges[0].id, "1");
  EXPECT_EQ(out.authorization.challenges[0].status, ChallengeStatus::valid);
  EXPECT_EQ(out.authorization.challenges[0].validated, kNow);
  EXPECT_FALSE(out.try_again);
}

TEST(RecordOutcome, KeepsTheChallengeThatDecided) {
  auto a = running();
  std::swap(a.challenges[0], a.challenges[1]);
  std::string_view const id = a.challenges[1].id;
  auto const out = record_outcome(a, id, kGood, {}, policy(), kNow).value();
  ASSERT_EQ(out.authorization.challenges.size(), 1U);
  EXPECT_EQ(out.authorization.challenges[0].type, "http-01");
}

// 8555-8.2-1: during retries it stays `processing` and shows the last error.
TEST(RecordOutcome, FailureIsRetried) {
  auto out = record_outcome(running(), "1", kBad, {}, policy(), kNow).value();
  EXPECT_TRUE(out.try_again);
  EXPECT_EQ(out.authorization.status, AuthorizationStatus::pending);
  EXPECT_EQ(out.authorization.challenges.size(), 2U);
  EXPECT_EQ(out.authorization.challenges[0].status, ChallengeStatus::processing);
  EXPECT_EQ(out.authorization.challenges[0].error, kBad.error());
  EXPECT_EQ(out.authorization.challenges[0].attempts, 1);
  out = record_outcome(out.authorization, "1", kBad, {}, policy(), kNow).value();
  EXPECT_TRUE(out.try_again);
  auto const good = record_outcome(out.authorization, "1", kGood, {}, policy(), kNow).value();
  EXPECT_EQ(good.authorization.status, AuthorizationStatus::valid);
  EXPECT_FALSE(good.authorization.challenges[0].error.has_value());

  out = record_outcome(out.authorization, "1", kBad, {}, policy(), kNow).value();
  EXPECT_FALSE(out.try_again);
  EXPECT_EQ(out.authorization.status, AuthorizationStatus::invalid);  // 8555-7.5.1-7
  ASSERT_EQ(out.authorization.challenges.size(), 1U);                 // 8555-7.5.1-5
  EXPECT_EQ(out.authorization.challenges[0].status, ChallengeStatus::invalid);
  EXPECT_EQ(out.authorization.challenges[0].error, kBad.error());
}

// The last valid authorization makes the order ready, in the same value (8555-7.5.1-7).
TEST(RecordOutcome, CarriesOrdersOver) {
  auto const other_valid = authorization(AuthorizationStatus::valid, "cam2.lab.example", "authz-2");
  auto const other_pending = authorization(AuthorizationStatus::pending, "cam3.lab.example", "authz-3");
  std::vector<WaitingOrder> const orders{waiting("alone", {running()}), waiting("complete", {running(), other_valid}),
                                         waiting("incomplete", {running(), other_pending})};
  auto const out = record_outcome(running(), "1", kGood, orders, policy(), kNow).value();
  ASSERT_EQ(out.orders.size(), 2U);
  EXPECT_EQ(out.orders[0].id, "alone");
  EXPECT_EQ(out.orders[0].status, OrderStatus::ready);
  EXPECT_EQ(out.orders[1].id, "complete");
  EXPECT_EQ(out.orders[1].status, OrderStatus::ready);

  auto strict = policy();
  strict.validation_attempts = 1;
  auto const failed = record_outcome(running(), "1", kBad, orders, strict, kNow).value();
  ASSERT_EQ(failed.orders.size(), 3U);
  for (auto const& o : failed.orders) {
    EXPECT_EQ(o.status, OrderStatus::invalid) << o.id;
    EXPECT_EQ(o.error->code(), Errc::incorrect_response) << o.id;
  }
  auto const retried = record_outcome(running(), "1", kBad, orders, policy(), kNow).value();
  EXPECT_TRUE(retried.orders.empty());
}

TEST(RecordOutcome, TooLateChangesNothing) {
  auto deactivated = running();
  deactivated.status = AuthorizationStatus::deactivated;
  for (auto const& outcome : {kGood, kBad}) {
    auto const out = record_outcome(deactivated, "1", outcome, {waiting("o", {deactivated})}, policy(), kNow).value();
    EXPECT_EQ(out.authorization, deactivated);
    EXPECT_TRUE(out.orders.empty());
    EXPECT_FALSE(out.try_again);
    EXPECT_EQ(record_outcome(running(), "1", outcome, {}, policy(), kNow + kHour).value().authorization, running());
    EXPECT_EQ(record_outcome(running(), "2", outcome, {}, policy(), kNow).value().authorization, running());
  }
  EXPECT_EQ(record_outcome(running(), "9", kGood, {}, policy(), kNow).error().code(), Errc::not_found);
}

// 8555-7.5.2-1
TEST(DeactivateAuthorization, TakesOrdersWithIt) {
  auto ready = waiting("ready", {authorization(AuthorizationStatus::valid)});
  ready.order.status = OrderStatus::ready;
  auto claimed = ready;
  claimed.order.id = "claimed";
  claimed.order.status = OrderStatus::processing;
  auto const out = deactivate_authorization(authorization(AuthorizationStatus::valid), {ready, claimed}, kNow).value();
  EXPECT_EQ(out.authorization.status, AuthorizationStatus::deactivated);
  ASSERT_EQ(out.orders.size(), 1U);
  EXPECT_EQ(out.orders[0].id, "ready");
  EXPECT_EQ(out.orders[0].status, OrderStatus::invalid);
  EXPECT_EQ(out.orders[0].error->code(), Errc::unauthorized);
  EXPECT_TRUE(deactivate_authorization(out.authorization, {}, kNow).ok());  // again is harmless
}

TEST(OrderedIdentifier, Wildcard) {
  EXPECT_EQ(ordered_identifier(authorization(AuthorizationStatus::valid, "*.lab.example")).value(), "*.lab.example");
  EXPECT_EQ(ordered_identifier(authorization(AuthorizationStatus::valid)).value(), "cam1.lab.example");
}

}  // namespace
}  // namespace lenscap::acme
