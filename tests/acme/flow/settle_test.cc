#include "acme/flow/settle.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

Result<Settled> ask(std::string_view host, AuthzContext const& context = {}, Scope const& s = scope(),
                    Policy const& p = policy()) {
  return new_authz(account(), s, id_of(host), context, p, kNow);
}

// --- settle (what orders see of it is in order_rules_test.cc) ---

TEST(Settle, AGrantedAuthorizationIsReusedWhileItIsGrantedStill) {
  auto const granted = settle(account(), scope(), id_of("cam1.cams.example"), {}, policy(), {}, kNow)->authorization;
  ASSERT_EQ(granted.status, AuthorizationStatus::valid);
  struct Case {
    char const* name;
    std::function<void(Authorization&, Account&, Scope&)> change;
    bool reused;
  };
  Case const cases[] = {
      {"as it was", [](Authorization&, Account&, Scope&) {}, true},
      {"with little time left", [](Authorization& a, Account&, Scope&) { a.expires = kNow + kMinute; }, false},
      {"deactivated", [](Authorization& a, Account&, Scope&) { a.status = AuthorizationStatus::deactivated; }, false},
      {"granted by another key", [](Authorization&, Account& a, Scope&) { a.eab_kid = "agent-8"; }, false},
      {"to be proved now",
       [](Authorization&, Account&, Scope& s) {
         s.grant_dns.clear();
         s.prove_dns = {dns("cams.example")};
       },
       false},
      {"another account's", [](Authorization& a, Account&, Scope&) { a.account_id = "account-2"; }, false},
  };
  for (auto const& c : cases) {
    Authorization const known[] = {[&] {
      auto changed = granted;
      auto a = account();
      auto s = scope();
      c.change(changed, a, s);
      return changed;
    }()};
    auto a = account();
    auto s = scope();
    auto ignored = granted;
    c.change(ignored, a, s);
    auto const settled = settle(a, s, id_of("cam1.cams.example"), known, policy(), {}, kNow);
    ASSERT_TRUE(settled.ok()) << c.name;
    EXPECT_EQ(!settled->is_new, c.reused) << c.name;
    EXPECT_EQ(settled->authorization.id == granted.id, c.reused) << c.name;
  }
}

TEST(Settle, ReusesAsThePolicySays) {
  auto granted = settle(account(), scope(), id_of("cam1.cams.example"), {}, policy(), {}, kNow)->authorization;
  struct Case {
    ReusePolicy reuse;
    Seconds left;
    bool reused;
  };
  for (auto const& c :
       {Case{ReusePolicy::usual, kHour / 2, true}, Case{ReusePolicy::usual, kHour / 2 - Seconds(1), false},
        Case{ReusePolicy::always, Seconds(1), true}, Case{ReusePolicy::always, Seconds(0), false},
        Case{ReusePolicy::never, kHour, false}}) {
    granted.expires = kNow + c.left;
    auto p = policy();
    p.reuse = c.reuse;
    Authorization const known[] = {granted};
    auto const settled = settle(account(), scope(), id_of("cam1.cams.example"), known, p, {}, kNow);
    EXPECT_EQ(!settled->is_new, c.reused) << static_cast<int>(c.reuse) << " " << c.left.count();
  }
}

// --- new_authz ---

TEST(NewAuthz, GrantedIsBornValidAndOthersPending) {  // 8555-7.4.1-3
  auto const granted = ask("cam1.cams.example").value();
  EXPECT_TRUE(granted.is_new);
  EXPECT_EQ(granted.authorization.status, AuthorizationStatus::valid);
  EXPECT_EQ(granted.authorization.expires, kNow + kHour);
  EXPECT_EQ(granted.authorization.account_id, "account-1");
  auto const pending = ask("cam1.lab.example").value();
  EXPECT_TRUE(pending.is_new);
  EXPECT_EQ(pending.authorization.status, AuthorizationStatus::pending);
  EXPECT_EQ(pending.authorization.challenges.size(), 1U);
  EXPECT_EQ(pending.authorization.expires, kNow + kDay);
}

TEST(NewAuthz, WillingnessComesFirst) {  // 8555-7.4.1-1, 8555-7.4.1-2
  auto wild = policy();
  wild.allow_wildcards = true;
  auto narrow = policy();
  narrow.issuer.constraints = {x509::NameConstraints::permit_only({dns("other.example")}, {})};
  auto late = scope();
  late.issue_until = kNow;
  auto dead = account();
  dead.status = AccountStatus::deactivated;
  auto of_a_site = scope();
  of_a_site.issuer = "plant4";
  AuthzContext const site{.issuer = IssuerReach{"plant4", narrow.issuer.constraints}};
  struct Case {
    char const* name;
    Result<Settled> result;
    Errc code;
  };
  Case const cases[] = {
      {"outside the scope", ask("www.example.org"), Errc::rejected_identifier},
      {"a wildcard", ask("*.cams.example", {}, scope(), wild), Errc::rejected_identifier},
      {"outside the constraints", ask("cam1.cams.example", {}, scope(), narrow), Errc::rejected_identifier},
      {"outside the constraints of the scope's issuer", ask("cam1.cams.example", site, of_a_site),
       Errc::rejected_identifier},
      {"too late", ask("cam1.cams.example", {}, late), Errc::unauthorized},
      {"a dead account", new_authz(dead, scope(), id_of("cam1.cams.example"), {}, policy(), kNow),
       Errc::account_deactivated},
  };
  for (auto const& c : cases) {
    ASSERT_FALSE(c.result.ok()) << c.name;
    EXPECT_EQ(c.result.error().code(), c.code) << c.name;
    if (c.code != Errc::rejected_identifier) continue;
    ASSERT_EQ(c.result.error().sub.size(), 1U) << c.name;  // 8555-6.7.1-1
    EXPECT_EQ(c.result.error().sub[0].identifier_type, "dns") << c.name;
    EXPECT_FALSE(c.result.error().sub[0].identifier_value.empty()) << c.name;
  }
}

TEST(NewAuthz, WhatIsThereIsGivenAgain) {
  auto const first = ask("cam1.lab.example").value().authorization;
  AuthzContext context{.known = {first}, .open = 1};
  auto const again = ask("cam1.lab.example", context).value();
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(again.authorization, first);

  auto proved = first;
  proved.status = AuthorizationStatus::valid;
  proved.expires = kNow + kDay;
  context.known = {first, proved};
  EXPECT_EQ(ask("cam1.lab.example", context).value().authorization, proved);

  struct Case {
    char const* name;
    std::function<void(Authorization&)> spoil;
  };
  Case const cases[] = {
      {"nearly expired", [](Authorization& a) { a.expires = kNow + kMinute; }},
      {"invalid", [](Authorization& a) { a.status = AuthorizationStatus::invalid; }},
      {"deactivated (8555-7.5.2-1)", [](Authorization& a) { a.status = AuthorizationStatus::deactivated; }},
      {"another account's", [](Authorization& a) { a.account_id = "account-2"; }},
      {"another name's", [](Authorization& a) { a.identifier = id_of("cam2.lab.example"); }},
      {"a wildcard's", [](Authorization& a) { a.wildcard = true; }},
  };
  for (auto const& c : cases) {
    context.known = {first};
    c.spoil(context.known[0]);
    EXPECT_TRUE(ask("cam1.lab.example", context).value().is_new) << c.name;
  }
}

TEST(NewAuthz, PendingOnesAreBounded) {  // 8555-10.3-1
  AuthzContext context;
  context.open = policy().pending_orders_max - 1;
  EXPECT_TRUE(ask("cam1.lab.example", context).ok());
  ++context.open;
  auto const refused = ask("cam1.lab.example", context).error();
  EXPECT_EQ(refused.code(), Errc::rate_limited);
  EXPECT_TRUE(refused.retry_after.has_value());
  EXPECT_TRUE(ask("cam1.cams.example", context).ok()) << "nothing stays pending for a granted name";
  context.known = {ask("cam2.lab.example").value().authorization};
  EXPECT_TRUE(ask("cam2.lab.example", context).ok()) << "one that is there costs nothing";
}

}  // namespace
}  // namespace lenscap::acme
