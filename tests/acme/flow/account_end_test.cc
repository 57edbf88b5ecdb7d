#include "acme/flow/account_end.h"

#include <gtest/gtest.h>

#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

Error const kWhy(Errc::unauthorized, "the account was deactivated");

// 8555-7.3.6-3
TEST(EndOrder, InEveryStatus) {
  for (auto status :
       {OrderStatus::pending, OrderStatus::ready, OrderStatus::processing, OrderStatus::valid, OrderStatus::invalid}) {
    auto const before = order(status);
    auto const ended = end_order(before, {authorization(AuthorizationStatus::valid)}, kWhy).order;
    if (status == OrderStatus::pending || status == OrderStatus::ready) {
      EXPECT_EQ(ended.status, OrderStatus::invalid) << to_string(status);
      EXPECT_EQ(ended.error, kWhy) << to_string(status);
    } else {
      EXPECT_EQ(ended, before) << to_string(status);
    }
  }
}

TEST(EndOrder, GivesUpWhatIsBeingValidated) {
  std::vector<Authorization> authorizations;
  for (auto status : {AuthorizationStatus::pending, AuthorizationStatus::valid, AuthorizationStatus::invalid,
                      AuthorizationStatus::deactivated, AuthorizationStatus::expired, AuthorizationStatus::revoked})
    authorizations.push_back(
        authorization(status, "cam1.lab.example", "authz-" + std::to_string(authorizations.size())));
  auto const ended = end_order(order(OrderStatus::pending), authorizations, kWhy);
  ASSERT_EQ(ended.authorizations.size(), 1U);
  EXPECT_EQ(ended.authorizations[0].id, "authz-0");
  EXPECT_EQ(ended.authorizations[0].status, AuthorizationStatus::deactivated);
  EXPECT_TRUE(end_order(order(OrderStatus::processing), authorizations, kWhy).authorizations.empty());
}

}  // namespace
}  // namespace lenscap::acme
