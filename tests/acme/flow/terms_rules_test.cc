#include "acme/flow/terms_rules.h"

#include <gtest/gtest.h>

#include "acme/flow/order_rules.h"
#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

constexpr char const* kTerms = "https://ca.cams.example/terms/2";

Policy with_terms() {
  auto p = policy();
  p.terms_of_service = kTerms;
  return p;
}

// 8555-7.3.3-1
TEST(CheckAgreed, Cases) {
  struct Case {
    char const* name;
    bool flag;
    char const* terms;
    bool agreed;
  };
  Case const cases[] = {
      {"never asked", false, "", false},
      {"agreed when there were no terms", true, "", false},
      {"agreed to others", true, "https://ca.cams.example/terms/1", false},
      {"agreed to these", true, kTerms, true},
      {"did not agree", false, kTerms, false},
  };
  for (auto const& c : cases) {
    auto a = account();
    a.terms_of_service_agreed = c.flag;
    a.terms_of_service = c.terms;
    EXPECT_TRUE(check_agreed(a, policy()).ok()) << c.name;  // no terms, nothing to agree to
    auto const outcome = check_agreed(a, with_terms());
    EXPECT_EQ(outcome.ok(), c.agreed) << c.name;
    if (!outcome.ok()) {
      EXPECT_EQ(outcome.error().code(), Errc::user_action_required) << c.name;
      EXPECT_EQ(outcome.error().url, kTerms) << c.name;
    }
    EXPECT_TRUE(check_agreed(agree(a, with_terms()), with_terms()).ok()) << c.name;
  }
}

TEST(Agree, ChangesNothingElse) {
  auto const before = account();
  auto after = agree(before, with_terms());
  EXPECT_TRUE(after.terms_of_service_agreed);
  EXPECT_EQ(after.terms_of_service, kTerms);
  after.terms_of_service_agreed = before.terms_of_service_agreed;
  after.terms_of_service = before.terms_of_service;
  EXPECT_EQ(after, before);
}

TEST(NewOrder, NeedsAgreementToTheTermsInForce) {  // 8555-7.3.3-1
  auto const refused = new_order(account(), scope(), request({"cam1.cams.example"}), {}, with_terms(), kNow);
  EXPECT_EQ(refused.error().code(), Errc::user_action_required);
  EXPECT_EQ(refused.error().url, kTerms);
  EXPECT_TRUE(
      new_order(agree(account(), with_terms()), scope(), request({"cam1.cams.example"}), {}, with_terms(), kNow).ok());
}

}  // namespace
}  // namespace lenscap::acme
