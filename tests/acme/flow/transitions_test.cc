// The state machines of RFC 8555 7.1.6: every status meets every event, the allowed ones and all the others
// (8555-7.1.6-1). An event that is not allowed leaves the value as it was.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

constexpr OrderStatus kOrderStatuses[] = {OrderStatus::pending, OrderStatus::ready, OrderStatus::processing,
                                          OrderStatus::valid, OrderStatus::invalid};
constexpr AuthorizationStatus kAuthorizationStatuses[] = {
    AuthorizationStatus::pending,     AuthorizationStatus::valid,   AuthorizationStatus::invalid,
    AuthorizationStatus::deactivated, AuthorizationStatus::expired, AuthorizationStatus::revoked};
constexpr ChallengeStatus kChallengeStatuses[] = {ChallengeStatus::pending, ChallengeStatus::processing,
                                                  ChallengeStatus::valid, ChallengeStatus::invalid};
constexpr AccountStatus kAccountStatuses[] = {AccountStatus::valid, AccountStatus::deactivated, AccountStatus::revoked};

Time const kLater = kNow + kDay;

TEST(Transitions, Orders) {
  using Event = std::function<Result<Order>(Order)>;
  auto const seen = [](AuthorizationStatus status) {
    return Event([status](Order o) -> Result<Order> {
      Authorization const a[] = {authorization(status)};
      return update_readiness(std::move(o), a, kNow);
    });
  };
  struct Row {
    char const* event;
    Event apply;
    std::map<OrderStatus, OrderStatus> allowed;  // every other status stays as it is
  };
  using S = OrderStatus;
  Row const rows[] = {
      {"all authorizations are valid", seen(AuthorizationStatus::valid), {{S::pending, S::ready}}},
      {"an authorization is pending", seen(AuthorizationStatus::pending), {}},
      {"an authorization is invalid",
       seen(AuthorizationStatus::invalid),
       {{S::pending, S::invalid}, {S::ready, S::invalid}}},
      {"an authorization is deactivated",
       seen(AuthorizationStatus::deactivated),
       {{S::pending, S::invalid}, {S::ready, S::invalid}}},
      {"an authorization is expired",
       seen(AuthorizationStatus::expired),
       {{S::pending, S::invalid}, {S::ready, S::invalid}}},
      {"an authorization is revoked",
       seen(AuthorizationStatus::revoked),
       {{S::pending, S::invalid}, {S::ready, S::invalid}}},
      {"begin_finalize", [](Order o) { return begin_finalize(std::move(o), kNow); }, {{S::ready, S::processing}}},
      {"begin_finalize too late", [](Order o) { return begin_finalize(std::move(o), kLater); }, {}},
      {"complete_order", [](Order o) { return complete_order(std::move(o), "cert-1"); }, {{S::processing, S::valid}}},
      {"fail_order",
       [](Order o) { return fail_order(std::move(o), Error(Errc::internal, "no key")); },
       {{S::pending, S::invalid}, {S::ready, S::invalid}, {S::processing, S::invalid}}},
      {"return_to_ready", [](Order o) { return return_to_ready(std::move(o)); }, {{S::processing, S::ready}}},
      {"expire_order in time", [](Order o) -> Result<Order> { return expire_order(std::move(o), kNow); }, {}},
      {"expire_order",
       [](Order o) -> Result<Order> { return expire_order(std::move(o), kLater); },
       {{S::pending, S::invalid}, {S::ready, S::invalid}}},
  };
  for (auto const& row : rows) {
    for (auto const from : kOrderStatuses) {
      SCOPED_TRACE(std::string(row.event) + " in " + std::string(to_string(from)));
      auto const before = order(from);
      auto const after = row.apply(before);
      auto const it = row.allowed.find(from);
      if (it == row.allowed.end()) {
        if (after.ok()) {
          EXPECT_EQ(*after, before);
        } else {
          EXPECT_EQ(after.error().code(), Errc::order_not_ready);
        }
        continue;
      }
      ASSERT_TRUE(after.ok()) << after.error().detail();
      EXPECT_EQ(after->status, it->second);
      EXPECT_EQ(after->error.has_value(), it->second == S::invalid);
      EXPECT_EQ(after->certificate.empty(), it->second != S::valid);
      EXPECT_EQ(after->identifiers, before.identifiers);        // 8555-7.1.3-3
      EXPECT_EQ(after->authorizations, before.authorizations);  // 8555-7.1.3-3
    }
  }
}

TEST(Transitions, Authorizations) {
  using Event = std::function<Result<Authorization>(Authorization)>;
  auto const outcome = [](Result<> result, int attempts_before, Time when) {
    return Event([=](Authorization a) -> Result<Authorization> {
      for (auto& c : a.challenges) c.attempts = attempts_before;
      auto out = record_outcome(std::move(a), "1", result, {}, policy(), when);
      if (!out.ok()) return std::move(out).error();
      for (auto& c : out->authorization.challenges) c.attempts = 0;
      return out->authorization;
    });
  };
  Result<> const good;
  Result<> const bad = Error(Errc::connection, "nobody answered");
  struct Row {
    char const* event;
    Event apply;
    std::map<AuthorizationStatus, AuthorizationStatus> allowed;
  };
  using S = AuthorizationStatus;
  Row const rows[] = {
      {"a challenge is fulfilled", outcome(good, 0, kNow), {{S::pending, S::valid}}},
      {"a challenge is fulfilled too late", outcome(good, 0, kLater), {}},
      {"a challenge fails for good", outcome(bad, 2, kNow), {{S::pending, S::invalid}}},
      {"a challenge fails too late", outcome(bad, 2, kLater), {}},
      {"deactivate",
       [](Authorization a) -> Result<Authorization> {
         auto out = deactivate_authorization(std::move(a), {}, kNow);
         if (!out.ok()) return std::move(out).error();
         return out->authorization;
       },
       {{S::pending, S::deactivated}, {S::valid, S::deactivated}}},
      {"revoke",
       [](Authorization a) -> Result<Authorization> {
         return revoke_authorization(std::move(a), {}, kNow).authorization;
       },
       {{S::valid, S::revoked}}},
      {"expire in time",
       [](Authorization a) -> Result<Authorization> { return expire_authorization(std::move(a), kNow); },
       {}},
      {"expire",
       [](Authorization a) -> Result<Authorization> { return expire_authorization(std::move(a), kLater); },
       {{S::pending, S::expired}, {S::valid, S::expired}}},
      {"accept_challenge",
       [](Authorization a) -> Result<Authorization> {
         auto out = accept_challenge(std::move(a), "1", kNow);
         if (!out.ok()) return std::move(out).error();
         return out->authorization;
       },
       {}},
  };
  for (auto const& row : rows) {
    for (auto const from : kAuthorizationStatuses) {
      SCOPED_TRACE(std::string(row.event) + " in " + std::string(to_string(from)));
      auto const before = authorization(from);
      auto const after = row.apply(before);
      auto const it = row.allowed.find(from);
      if (it == row.allowed.end()) {
        if (after.ok()) {
          EXPECT_EQ(*after, before);
        } else {
          EXPECT_EQ(after.error().code(), Errc::malformed);
        }
        continue;
      }
      ASSERT_TRUE(after.ok()) << after.error().detail();
      EXPECT_EQ(after->status, it->second);
      EXPECT_EQ(after->identifier, before.identifier);
    }
  }
}

TEST(Transitions, Challenges) {
  using Event = std::function<Result<Authorization>(Authorization)>;
  auto const outcome = [](Result<> result, int attempts_before) {
    return Event([=](Authorization a) -> Result<Authorization> {
      a.challenges[0].attempts = attempts_before;
      auto out = record_outcome(std::move(a), "1", result, {}, policy(), kNow);
      if (!out.ok()) return std::move(out).error();
      return out->authorization;
    });
  };
  Result<> const good;
  Result<> const bad = Error(Errc::connection, "nobody answered");
  struct Row {
    char const* event;
    Event apply;
    std::map<ChallengeStatus, ChallengeStatus> allowed;
  };
  using S = ChallengeStatus;
  Row const rows[] = {
      {"accept_challenge",
       [](Authorization a) -> Result<Authorization> {
         auto out = accept_challenge(std::move(a), "1", kNow);
         if (!out.ok()) return std::move(out).error();
         return out->authorization;
       },
       {{S::pending, S::processing}}},
      {"success", outcome(good, 0), {{S::processing, S::valid}}},
      {"first failure", outcome(bad, 0), {}},
      {"second failure", outcome(bad, 1), {}},
      {"last failure", outcome(bad, 2), {{S::processing, S::invalid}}},
  };
  for (auto const& row : rows) {
    for (auto const from : kChallengeStatuses) {
      SCOPED_TRACE(std::string(row.event) + " in " + std::string(to_string(from)));
      auto before = authorization(AuthorizationStatus::pending);
      before.challenges[0].status = from;
      auto const after = row.apply(before);
      ASSERT_TRUE(after.ok());
      auto const it = row.allowed.find(from);
      EXPECT_EQ(after->challenges[0].status, it == row.allowed.end() ? from : it->second);
    }
  }
}

TEST(Transitions, Accounts) {
  for (auto const from : kAccountStatuses) {
    SCOPED_TRACE(to_string(from));
    auto before = account();
    before.status = from;
    auto const updated = update_account(before, {.contact = std::vector<std::string>{}, .deactivate = false});
    auto const deactivated = update_account(before, {.contact = {}, .deactivate = true});
    auto const revoked = revoke_account(before);
    if (from == AccountStatus::valid) {
      EXPECT_EQ(updated.value().status, AccountStatus::valid);
      EXPECT_EQ(deactivated.value().status, AccountStatus::deactivated);
      EXPECT_EQ(revoked.status, AccountStatus::revoked);
    } else {
      EXPECT_EQ(updated.error().code(), Errc::account_deactivated);  // 8555-7.3.6-2
      EXPECT_EQ(deactivated.error().code(), Errc::account_deactivated);
      EXPECT_EQ(revoked, before);
      EXPECT_FALSE(check_valid(before).ok());
    }
  }
}

}  // namespace
}  // namespace lenscap::acme
