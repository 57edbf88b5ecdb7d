// RFC 8659 and RFC 8657 as tables.
#include "acme/flow/caa_rules.h"

#include <gtest/gtest.h>

#include "tests/acme/flow/fixtures.h"
#include "tests/fakes/dns_server.h"

namespace lenscap::acme::test {
namespace {

using fakes::dns_caa;

constexpr char const* kAccount = "https://pki.example/acme/account/1";

CaaQuestion question(bool wildcard = false) {
  CaaQuestion q{.name = dns("cam1.cams.example")};
  q.wildcard = wildcard;
  q.account_uri = kAccount;
  q.method = "dns-01";
  return q;
}

bool is_allowed(std::vector<std::string> const& records, CaaQuestion const& q = question()) {
  std::vector<Bytes> data;
  for (auto const& record : records) data.push_back(to_bytes(record));
  std::vector<std::string> const identities{"pki.example", "Other.Example"};
  auto const result = judge_caa(data, q, identities);
  if (!result.ok()) {
    EXPECT_EQ(result.error().code(), Errc::caa);
  }
  return result.ok();
}

TEST(CaaClimb, TheNameAndEachNameAbove) {  // 8659-3-1
  EXPECT_EQ(caa_climb(dns("cam1.cams.example")),
            (std::vector<std::string>{"cam1.cams.example", "cams.example", "example"}));
  EXPECT_EQ(caa_climb(dns("localhost")), std::vector<std::string>{"localhost"});
}

TEST(JudgeCaa, WhoMayIssue) {  // 8659-4-1
  struct Case {
    char const* name;
    std::vector<std::string> records;
    bool host, wildcard;
  };
  Case const cases[] = {
      {"no records", {}, true, true},
      {"ours", {dns_caa("issue", "pki.example")}, true, true},
      {"our other name", {dns_caa("issue", "other.example")}, true, true},
      {"in another case", {dns_caa("ISSUE", "PKI.Example")}, true, true},
      {"with spaces", {dns_caa("issue", " \tpki.example\t ")}, true, true},
      {"with a semicolon", {dns_caa("issue", "pki.example;")}, true, true},
      {"another CA", {dns_caa("issue", "ca.invalid")}, false, false},
      {"another CA and ours", {dns_caa("issue", "ca.invalid"), dns_caa("issue", "pki.example")}, true, true},
      {"below ours", {dns_caa("issue", "x.pki.example")}, false, false},
      {"begins like ours", {dns_caa("issue", "pki.example.org")}, false, false},
      {"nobody", {dns_caa("issue", ";")}, false, false},
      {"nobody, empty", {dns_caa("issue", "")}, false, false},
      {"nobody, and ours", {dns_caa("issue", ";"), dns_caa("issue", "pki.example")}, true, true},
      {"wildcards alone", {dns_caa("issuewild", "pki.example")}, true, true},
      {"wildcards for another CA", {dns_caa("issuewild", "ca.invalid")}, true, false},
      {"wildcards for nobody", {dns_caa("issuewild", ";"), dns_caa("issue", "pki.example")}, true, false},
      {"ours for wildcards, another for hosts",
       {dns_caa("issuewild", "pki.example"), dns_caa("issue", "ca.invalid")},
       false,
       true},
      {"iodef alone", {dns_caa("iodef", "mailto:a@b.example")}, true, true},
      {"critical iodef", {dns_caa("iodef", "mailto:a@b.example", 0x80)}, true, true},
      {"critical issue", {dns_caa("issue", "pki.example", 0x80)}, true, true},
      {"unknown", {dns_caa("tbs", "x")}, true, true},
      {"unknown and critical", {dns_caa("tbs", "x", 0x80)}, false, false},
      {"unknown and critical beside ours", {dns_caa("issue", "pki.example"), dns_caa("tbs", "x", 0x80)}, false, false},
      {"a reserved flag", {dns_caa("tbs", "x", 0x40)}, true, true},
      {"cannot be read", {"\x01"}, false, false},
      {"cannot be read, beside ours", {dns_caa("issue", "pki.example"), ""}, false, false},
      // A value that is none allows nobody, and still restricts.
      {"two dots", {dns_caa("issue", "pki..example")}, false, false},
      {"a dot behind", {dns_caa("issue", "pki.example.")}, false, false},
      {"underscore", {dns_caa("issue", "pki_.example")}, false, false},
      {"space inside", {dns_caa("issue", "pki .example")}, false, false},
      {"parameter without value", {dns_caa("issue", "pki.example; x")}, false, false},
      {"parameter without name", {dns_caa("issue", "pki.example; =x")}, false, false},
      {"parameters without semicolon", {dns_caa("issue", "pki.example a=b")}, false, false},
      {"space in a parameter", {dns_caa("issue", "pki.example; a=b c")}, false, false},
      {"control octet in a parameter", {dns_caa("issue", "pki.example; a=b\x01")}, false, false},
      {"zero octet", {dns_caa("issue", std::string("pki.example\0", 12))}, false, false},
      {"unknown parameters", {dns_caa("issue", "pki.example; policy=ev ; x-y = 1")}, true, true},
      {"empty parameter value", {dns_caa("issue", "pki.example; policy=")}, true, true},
  };
  for (auto const& c : cases) {
    EXPECT_EQ(is_allowed(c.records, question(false)), c.host) << c.name;
    EXPECT_EQ(is_allowed(c.records, question(true)), c.wildcard) << c.name << ", wildcard";
  }
}

TEST(JudgeCaa, AccountsAndMethods) {  // 8657-3-1
  struct Case {
    std::string value;
    bool allowed;
  };
  auto const account = std::string(kAccount);
  Case const cases[] = {
      {"pki.example; accounturi=" + account, true},
      {"pki.example; ACCOUNTURI=" + account, true},
      {"pki.example; accounturi = " + account + " ", true},
      {"pki.example; accounturi=" + account + "0", false},
      {"pki.example; accounturi=https://PKI.example/acme/account/1", false},
      {"pki.example; accounturi=", false},
      {"pki.example; accounturi=" + account + "; accounturi=" + account, false},
      {"ca.invalid; accounturi=" + account, false},
      {"; accounturi=" + account, false},
      {"pki.example; validationmethods=dns-01", true},
      {"pki.example; validationmethods=http-01,dns-01", true},
      {"pki.example; validationmethods=dns-01,ca-other", true},
      {"pki.example; validationmethods=http-01", false},
      {"pki.example; validationmethods=dns-012", false},
      {"pki.example; validationmethods=DNS-01", false},
      {"pki.example; validationmethods=", false},
      {"pki.example; validationmethods=dns-01,", false},
      {"pki.example; validationmethods=dns-01,-x", false},
      {"pki.example; validationmethods=dns-01; validationmethods=dns-01", false},
      {"pki.example; accounturi=" + account + "; validationmethods=dns-01", true},
      {"pki.example; accounturi=" + account + "; validationmethods=http-01", false},
      {"pki.example; accounturi=https://x; validationmethods=dns-01", false},
  };
  for (auto const& c : cases) EXPECT_EQ(is_allowed({dns_caa("issue", c.value)}), c.allowed) << c.value;
  // Each property stands for itself.
  EXPECT_TRUE(is_allowed({dns_caa("issue", "pki.example; validationmethods=http-01"),
                          dns_caa("issue", "pki.example; validationmethods=dns-01")}));
}

TEST(CaaIodef, OfTheRecordsThatCanBeRead) {
  std::vector<Bytes> const records{to_bytes(dns_caa("issue", ";")), to_bytes(dns_caa("iodef", "mailto:a@b.example")),
                                   Bytes{1}};
  EXPECT_EQ(caa_iodef(records), std::vector<std::string>{"mailto:a@b.example"});
}

Authorization authorization(std::string_view host) {
  Authorization made{.identifier = id_of(host).base()};
  made.status = AuthorizationStatus::valid;
  made.challenges.push_back({.id = "1", .type = "http-01", .status = ChallengeStatus::invalid});
  made.challenges.push_back({.id = "2", .type = "dns-01", .status = ChallengeStatus::valid, .validated = kNow});
  return made;
}

TEST(IsCaaDue, EightHoursAfterValidation) {
  auto const proved = authorization("cam1.cams.example");
  EXPECT_FALSE(is_caa_due(proved, kNow));
  EXPECT_FALSE(is_caa_due(proved, kNow + 8 * kHour - Seconds(1)));
  EXPECT_TRUE(is_caa_due(proved, kNow + 8 * kHour));
  EXPECT_FALSE(is_caa_due(authorization("10.20.0.1"), kNow + kDay));
  auto granted = proved;
  granted.granted = "by key 1";
  EXPECT_TRUE(is_caa_due(granted, kNow));
}

TEST(MakeCaaQuestion, ByTheChallengeThatProvedIt) {
  auto proved = authorization("*.cams.example");
  proved.wildcard = true;
  auto const asked = caa_question(proved, kAccount);
  EXPECT_EQ(asked.name.text(), "cams.example");
  EXPECT_TRUE(asked.wildcard);
  EXPECT_EQ(asked.account_uri, kAccount);
  EXPECT_EQ(asked.method, "dns-01");
  proved.granted = "by key 1";
  EXPECT_EQ(caa_question(proved, kAccount).method, "ca-granted");
}

}  // namespace
}  // namespace lenscap::acme::test
