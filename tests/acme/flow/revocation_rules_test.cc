#include "acme/flow/revocation_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;
using ::testing::HasSubstr;

Revocable certificate(std::initializer_list<std::string_view> hosts, std::string account_id = "account-1") {
  std::vector<Identifier> identifiers;
  for (auto host : hosts) identifiers.push_back(id_of(host));
  return {device_private_key().public_key(), to_name_set(identifiers), std::move(account_id)};
}

Authorization held(std::string_view host, std::string account_id = "account-2") {
  auto one = authorization(AuthorizationStatus::valid, host);
  one.account_id = std::move(account_id);
  return one;
}

TEST(MayRevoke, TheAccountThatHasIt) {  // 8555-7.6-2
  auto const owner = account();
  EXPECT_EQ(may_revoke(certificate({"cam1.lab.example"}), &owner, owner.key, {}, kNow).value(), Revoker::account);
  EXPECT_EQ(may_revoke(certificate({}), &owner, owner.key, {}, kNow).value(), Revoker::account);
  auto gone = account();
  gone.status = AccountStatus::deactivated;
  EXPECT_EQ(may_revoke(certificate({"cam1.lab.example"}), &gone, gone.key, {}, kNow).error().code(),
            Errc::account_deactivated);
}

TEST(MayRevoke, AnAccountThatIsAuthorizedForAllNames) {  // 8555-7.6-2
  auto pending = held("b.lab.example");
  pending.status = AuthorizationStatus::pending;
  auto expired = held("b.lab.example");
  expired.expires = kNow;
  struct Case {
    char const* name;
    Revocable certificate;
    std::vector<Authorization> held;
    bool may;
  };
  Case const cases[] = {
      {"all", certificate({"a.lab.example", "10.30.0.1"}), {held("10.30.0.1"), held("a.lab.example")}, true},
      {"all and more", certificate({"a.lab.example"}), {held("b.lab.example"), held("a.lab.example")}, true},
      {"a wildcard's", certificate({"*.lab.example"}), {held("*.lab.example")}, true},
      {"the server's own", certificate({"a.lab.example"}, ""), {held("a.lab.example")}, true},
      {"none", certificate({"a.lab.example"}), {}, false},
      {"the name alone", certificate({"a.lab.example", "10.30.0.1"}), {held("a.lab.example")}, false},
      {"the address alone", certificate({"a.lab.example", "10.30.0.1"}), {held("10.30.0.1")}, false},
      {"a base for its wildcard", certificate({"*.lab.example"}), {held("lab.example")}, false},
      {"a wildcard for a name below", certificate({"a.lab.example"}), {held("*.lab.example")}, false},
      {"pending", certificate({"b.lab.example"}), {pending}, false},
      {"expired", certificate({"b.lab.example"}), {expired}, false},
      {"another account's", certificate({"b.lab.example"}), {held("b.lab.example", "account-3")}, false},
      {"of nothing, nothing", certificate({}), {}, false},
      {"of nothing, something", certificate({}), {held("a.lab.example")}, false},
  };
  auto const other = account("account-2");
  for (auto const& c : cases) {
    auto const right = may_revoke(c.certificate, &other, other.key, c.held, kNow);
    ASSERT_EQ(right.ok(), c.may) << c.name;
    if (c.may) {
      EXPECT_EQ(*right, Revoker::authorized_account) << c.name;
    } else {
      EXPECT_EQ(right.error().code(), Errc::unauthorized) << c.name;
    }
  }
}

TEST(MayRevoke, WhoeverHasTheCertificatesKey) {  // 8555-7.6-2
  auto const subject = certificate({"a.lab.example"}, "");
  EXPECT_EQ(may_revoke(subject, nullptr, device_private_key().public_key(), {}, kNow).value(),
            Revoker::certificate_key);
  // A key that is not the certificate's has no right, be it an account's.
  auto const refused = may_revoke(certificate({"a.lab.example"}), nullptr, account().key, {}, kNow);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::unauthorized);
}

TEST(MayRevoke, AnAccountWithoutIdOwnsNothing) {
  auto const nobody = account("");
  EXPECT_FALSE(may_revoke(certificate({"a.lab.example"}, ""), &nobody, nobody.key, {}, kNow).ok());
}

TEST(CheckReason, ByRevoker) {  // 8555-7.6-4
  struct Case {
    std::int64_t code;
    bool account, authorized_account, certificate_key, administrator;
  };
  constexpr Case kCases[] = {
      {-1, false, false, false, false}, {0, true, true, true, true},
      {1, true, false, true, true},     {2, false, false, false, false},
      {3, true, true, true, true},      {4, true, true, true, true},
      {5, true, true, true, true},      {6, false, false, false, false},
      {7, false, false, false, false},  {8, false, false, false, false},
      {9, false, false, false, true},   {10, false, false, false, false},
      {11, false, false, false, false}, {1LL << 32, false, false, false, false},
  };
  for (auto const& c : kCases) {
    std::pair<Revoker, bool> const revokers[] = {{Revoker::account, c.account},
                                                 {Revoker::authorized_account, c.authorized_account},
                                                 {Revoker::certificate_key, c.certificate_key},
                                                 {Revoker::administrator, c.administrator}};
    for (auto const& [revoker, allowed] : revokers) {
      auto const reason = check_reason(c.code, revoker);
      ASSERT_EQ(reason.ok(), allowed) << c.code << " by " << to_string(revoker);
      if (!allowed) {
        EXPECT_EQ(reason.error().code(), Errc::bad_revocation_reason);
      } else if (c.code != 0) {
        EXPECT_EQ(static_cast<std::int64_t>(reason->value()), c.code);
      }
    }
  }
  EXPECT_EQ(check_reason(std::nullopt, Revoker::account).value(), std::nullopt);  // 8555-7.6-3
  EXPECT_EQ(check_reason(0, Revoker::account).value(), std::nullopt);
  EXPECT_THAT(check_reason(6, Revoker::account).error().detail(), HasSubstr("6 (certificateHold)"));
  EXPECT_THAT(check_reason(7, Revoker::authorized_account).error().detail(),
              HasSubstr("allowed: 0 (unspecified), 3 (affiliationChanged), 4 (superseded), 5 (cessationOfOperation)"));
}

}  // namespace
}  // namespace lenscap::acme
