#include "agent/verify_served.h"

#include <gtest/gtest.h>

#include "tests/agent/devices/served_data.h"

namespace lenscap::agent {
namespace {

ServedExpectation expectation() {
  ServedExpectation expected;
  expected.key = served_csr("san").key;
  expected.roots = {served_certificate("root")};
  expected.intermediates = {served_certificate("issuer")};
  expected.names = names_of({"cam.example.test"}, {"192.0.2.7"});
  return expected;
}

TEST(JudgeServed, CompleteChain) {
  auto const served =
      judge_served(expectation(), {served_certificate("camera"), served_certificate("issuer")}, kIn2030);
  EXPECT_TRUE(served.good(expectation())) << served.text;
  EXPECT_EQ(served.chain_state, ServedChain::complete);
  EXPECT_EQ(served.text, "serves the certificate of the new key");
}

TEST(JudgeServed, LeafAloneIsReportedAndGood) {
  auto const served = judge_served(expectation(), {served_certificate("camera")}, kIn2030);
  EXPECT_TRUE(served.good(expectation())) << served.text;
  EXPECT_EQ(served.chain_state, ServedChain::incomplete);
  EXPECT_NE(served.text.find("chain incomplete"), std::string::npos);
}

TEST(JudgeServed, EachFailureIsNamed) {
  struct Case {
    std::string_view name;
    std::vector<std::string> chain;
    ServedExpectation expected;
    std::string_view text;
  };
  auto other_name = expectation();
  other_name.names = names_of({"cam.example.test"}, {"192.0.2.8"});
  auto no_names = expectation();
  no_names.names = {};
  auto any_key = expectation();
  any_key.key.reset();
  auto foreign_key = any_key;
  auto unknown_issuer = expectation();
  unknown_issuer.intermediates.clear();
  Case const cases[] = {
      {"nothing", {}, expectation(), "nothing answers"},
      {"factory certificate", {"self_signed"}, expectation(), "another certificate than the new one"},
      {"expired", {"expired"}, any_key, "not now"},
      {"foreign root", {"foreign"}, foreign_key, "does not chain to our root"},
      {"issuer that nobody has", {"camera"}, unknown_issuer, "does not chain to our root"},
      {"address not named", {"camera"}, other_name, "does not name 192.0.2.8"},
      {"no name expected", {"camera"}, no_names, "does not name"},
  };
  for (Case const& c : cases) {
    std::vector<x509::Certificate> chain;
    for (auto const& name : c.chain) chain.push_back(served_certificate(name));
    auto const served = judge_served(c.expected, chain, kIn2030);
    EXPECT_FALSE(served.good(c.expected)) << c.name;
    EXPECT_NE(served.text.find(c.text), std::string::npos) << c.name << ": " << served.text;
  }
}

TEST(JudgeServed, AnExpiredCertificateOfOursIsStillOfOurs) {
  auto any_key = expectation();
  any_key.key.reset();
  auto const served = judge_served(any_key, {served_certificate("expired"), served_certificate("issuer")}, kIn2030);
  EXPECT_FALSE(served.time_valid);
  EXPECT_EQ(served.chain_state, ServedChain::complete);
}

// A camera that was away for long has its whole time from when it answers.
TEST(Patience, CountsFromTheFirstAnswer) {
  ServedExpectation expected;
  expected.until = Seconds(90);
  expected.until_away = Seconds(180);
  Patience never_there(expected);
  EXPECT_FALSE(never_there.is_over(false, Seconds(179)));
  EXPECT_TRUE(never_there.is_over(false, Seconds(180)));

  Patience late(expected);
  EXPECT_FALSE(late.is_over(false, Seconds(100)));
  EXPECT_FALSE(late.is_over(true, Seconds(102))) << "it has only just come back";
  EXPECT_FALSE(late.is_over(true, Seconds(191)));
  EXPECT_TRUE(late.is_over(true, Seconds(192)));

  Patience at_once(expected);
  EXPECT_FALSE(at_once.is_over(true, Seconds(0)));
  EXPECT_TRUE(at_once.is_over(true, Seconds(90)));
  expected.until = Seconds(0);
  EXPECT_TRUE(Patience(expected).is_over(true, Seconds(0))) << "one look";
}

}  // namespace
}  // namespace lenscap::agent
