#include "acme/flow/policy.h"

#include <gtest/gtest.h>

#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

TEST(Access, ByList) {
  struct Case {
    char const* host;
    Access expected;
  };
  Case const cases[] = {
      {"cams.example", Access::grant},       // a suffix stands for itself
      {"cam1.cams.example", Access::grant},  // and for all below it
      {"a.b.cams.example", Access::grant},  {"CAM1.Cams.Example", Access::grant}, {"*.cams.example", Access::grant},
      {"xcams.example", Access::refuse},  // whole labels only
      {"cams.example.org", Access::refuse}, {"example", Access::refuse},          {"cam1.lab.example", Access::prove},
      {"10.20.0.1", Access::grant},         {"10.20.255.255", Access::grant},     {"10.21.0.0", Access::refuse},
      {"10.30.0.1", Access::prove},         {"fd00::1", Access::refuse},          {"camera", Access::refuse},
  };
  for (auto const& c : cases) EXPECT_EQ(access(scope(), id_of(c.host)), c.expected) << c.host;
}

TEST(Access, GrantBeatsProve) {
  auto s = scope();
  s.prove_dns.push_back(dns("cams.example"));
  EXPECT_EQ(access(s, id_of("cam1.cams.example")), Access::grant);
  s.grant_dns.clear();
  EXPECT_EQ(access(s, id_of("cam1.cams.example")), Access::prove);
}

TEST(Access, NothingInAnEmptyScope) {
  for (auto host : {"cam1.cams.example", "10.20.0.1"}) EXPECT_EQ(access(Scope(), id_of(host)), Access::refuse) << host;
}

TEST(ScopeFor, WithAKey) {
  EabKey key{.kid = "agent-7", .scope = scope()};
  EXPECT_EQ(scope_for("agent-7", &key, policy()).value(), &key.scope);
  EXPECT_EQ(scope_for("agent-7", nullptr, policy()).error().code(), Errc::unauthorized);
  EXPECT_EQ(scope_for("agent-8", &key, policy()).error().code(), Errc::unauthorized);
  key.revoked = true;
  EXPECT_EQ(scope_for("agent-7", &key, policy()).error().code(), Errc::unauthorized);
}

TEST(ScopeFor, WithoutAKey) {
  auto p = policy();
  EXPECT_EQ(scope_for("", nullptr, p).error().code(), Errc::unauthorized);
  p.open_scope = scope();
  EXPECT_EQ(scope_for("", nullptr, p).error().code(), Errc::unauthorized);  // the settings ask for a key again
  p.eab_required = false;
  EXPECT_EQ(scope_for("", nullptr, p).value(), &*p.open_scope);
  p.open_scope.reset();
  EXPECT_EQ(scope_for("", nullptr, p).error().code(), Errc::unauthorized);
}

TEST(ReachFor, TheScopesIssuerOrThePolicys) {
  auto p = policy();
  p.issuer.ends = kNow;
  std::optional<IssuerReach> const own = IssuerReach{.only = "plant4", .ends = kNow + kDay};
  auto s = scope();
  EXPECT_EQ(&reach_for(s, std::nullopt, p), &p.issuer);
  EXPECT_EQ(&reach_for(s, own, p), &p.issuer);
  s.issuer = "plant4";
  EXPECT_EQ(&reach_for(s, own, p), &*own);
  EXPECT_DEATH(reach_for(s, std::nullopt, p), "nobody looked");
  s.issuer = "plant8";
  EXPECT_DEATH(reach_for(s, own, p), "nobody looked");
}

TEST(FindProfile, ByName) {
  auto const p = policy();
  EXPECT_TRUE(p.find_profile("camera-soap")->names_from_order);
  EXPECT_EQ(p.find_profile("nothing"), nullptr);
}

}  // namespace
}  // namespace lenscap::acme
