#include "acme/flow/retention_rules.h"

#include <gtest/gtest.h>

#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

Retention const kRetention{.orders = 30 * kDay, .unused_accounts = 365 * kDay};

Authorization authorization_until(std::string const& id, Time expires,
                                  AuthorizationStatus status = AuthorizationStatus::valid) {
  return {.id = id,
          .account_id = "account-1",
          .identifier = id_of("cam1.cams.example"),
          .status = status,
          .created = kNow,
          .expires = expires};
}

Order order_in(OrderStatus status) {
  Order order;
  order.id = "order-1";
  order.account_id = "account-1";
  order.status = status;
  order.created = kNow;
  order.expires = kNow + kDay;
  order.authorizations = {"a"};
  return order;
}

TEST(SweepOrder, InEveryStatusAndTime) {
  auto const ends = kNow + 90 * kDay;  // of the certificate
  struct Case {
    char const* name;
    OrderStatus status;
    Time now;
    Time authorization_expires;
    bool expires;  // the order becomes invalid
    bool loses_authorization;
    std::optional<Time> look_again;  // nothing: it is removed
  };
  auto const end = kNow + kDay;  // of the order
  Case const cases[] = {
      {"pending, in time", OrderStatus::pending, kNow, end, false, false, end},
      {"ready, in time", OrderStatus::ready, kNow, end, false, false, end},
      {"pending, at its end", OrderStatus::pending, end, end, true, false, end + 30 * kDay},
      {"ready, at its end", OrderStatus::ready, end, end, true, false, end + 30 * kDay},
      {"pending, found years later", OrderStatus::pending, end + 900 * kDay, end, true, true, std::nullopt},
      {"processing, at its end", OrderStatus::processing, end, end, false, false, end + kHour},
      {"failed before its end", OrderStatus::invalid, end, end, false, false, end + 30 * kDay},
      {"failed, kept long enough", OrderStatus::invalid, end + 30 * kDay, end, false, true, std::nullopt},
      {"failed, a second before", OrderStatus::invalid, end + 30 * kDay - Seconds(1), end, false, false,
       end + 30 * kDay},
      {"issued, authorization alive", OrderStatus::valid, end, end + kMinute, false, false, end + kMinute},
      {"issued, authorization expired", OrderStatus::valid, end + kMinute, end + kMinute, false, true,
       ends + 30 * kDay},
      {"issued, certificate ended", OrderStatus::valid, ends, end, false, true, ends + 30 * kDay},
      {"issued, kept long enough", OrderStatus::valid, ends + 30 * kDay, end, false, true, std::nullopt},
      {"issued, kept long enough, shares a living authorization", OrderStatus::valid, ends + 30 * kDay,
       ends + 30 * kDay + kHour, false, false, ends + 30 * kDay + kHour},
  };
  for (auto const& c : cases) {
    Authorization const authorizations[] = {authorization_until("a", c.authorization_expires)};
    auto const certificate = c.status == OrderStatus::valid ? std::optional(ends) : std::nullopt;
    auto const swept = sweep_order(order_in(c.status), authorizations, certificate, kRetention, c.now);
    EXPECT_EQ(swept.changed.has_value(), c.expires) << c.name;
    if (swept.changed) {
      EXPECT_EQ(swept.changed->status, OrderStatus::invalid) << c.name;
    }
    EXPECT_EQ(swept.gone.size(), c.loses_authorization ? 1u : 0u) << c.name;
    EXPECT_EQ(swept.look_again, c.look_again) << c.name;
    if (swept.look_again) {
      EXPECT_GT(*swept.look_again, c.now) << c.name;
    }
  }
}

TEST(SweepOrder, WithoutAuthorizationsOrCertificateOnRecord) {
  auto const end = kNow + kDay;
  EXPECT_EQ(sweep_order(order_in(OrderStatus::valid), {}, std::nullopt, kRetention, end).look_again, end + 30 * kDay);
  EXPECT_EQ(sweep_order(order_in(OrderStatus::valid), {}, std::nullopt, kRetention, end + 30 * kDay).look_again,
            std::nullopt);
}

TEST(SweepOrder, OfManyAuthorizationsTheExpiredOnesGo) {
  auto const end = kNow + kDay;
  Authorization const three[] = {authorization_until("a", end - kHour), authorization_until("b", end + kHour),
                                 authorization_until("c", end + 2 * kHour)};
  auto const swept = sweep_order(order_in(OrderStatus::valid), three, end + 90 * kDay, kRetention, end);
  EXPECT_EQ(swept.gone, std::vector<std::string>{"a"});
  EXPECT_EQ(swept.look_again, end + 2 * kHour);  // once for both
}

TEST(SweepAuthorization, ExpiresAndThenGoes) {
  auto const end = kNow + kDay;
  for (auto const status : {AuthorizationStatus::pending, AuthorizationStatus::valid, AuthorizationStatus::invalid,
                            AuthorizationStatus::deactivated}) {
    auto const authorization = authorization_until("a", end, status);
    EXPECT_EQ(sweep_authorization(authorization, kRetention, kNow).look_again, end);
    auto const over = sweep_authorization(authorization, kRetention, end);
    bool const was_open = status == AuthorizationStatus::pending || status == AuthorizationStatus::valid;
    EXPECT_EQ(over.changed.has_value(), was_open) << to_string(status);
    if (over.changed) {
      EXPECT_EQ(over.changed->status, AuthorizationStatus::expired);
    }
    EXPECT_EQ(over.look_again, end + 30 * kDay);
    EXPECT_EQ(sweep_authorization(authorization, kRetention, end + 30 * kDay).look_again, std::nullopt);
  }
}

TEST(SweepAccount, OnlyWhatNobodyVouchedForAndNobodyUsesGoes) {
  auto const year = kNow + 365 * kDay;
  struct Case {
    char const* name;
    char const* eab_kid;
    AccountStatus status;
    AccountUse use;
    Time now;
    AccountFate fate;
  };
  Case const cases[] = {
      {"young", "", AccountStatus::valid, {}, year - Seconds(1), AccountFate::look_again},
      {"unused", "", AccountStatus::valid, {}, year, AccountFate::remove},
      {"with an order", "", AccountStatus::valid, {.has_objects = true}, year, AccountFate::look_again},
      {"with a certificate", "", AccountStatus::valid, {.has_certificate = true}, year, AccountFate::keep_for_ever},
      {"of an EAB key", "agent-7", AccountStatus::valid, {}, year, AccountFate::keep_for_ever},
      {"deactivated", "", AccountStatus::deactivated, {}, year, AccountFate::keep_for_ever},
      {"revoked", "", AccountStatus::revoked, {}, year, AccountFate::keep_for_ever},
  };
  for (auto const& c : cases) {
    auto account = test::account();
    account.created = kNow;
    account.eab_kid = c.eab_kid;
    account.status = c.status;
    auto const swept = sweep_account(account, c.use, kRetention, c.now);
    EXPECT_EQ(swept.fate, c.fate) << c.name;
    if (swept.fate == AccountFate::look_again) {
      EXPECT_GT(swept.at, c.now) << c.name;
    }
    auto const never = sweep_account(account, c.use, {.unused_accounts = Seconds(0)}, c.now);
    EXPECT_NE(never.fate, AccountFate::remove) << c.name;
  }
}

}  // namespace
}  // namespace lenscap::acme
