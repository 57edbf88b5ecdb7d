// The list of duties and the tables of checks agree, and the judge's own parts work: a check that cannot fail, or a
// responder that lies, would judge every server wrongly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "tests/conformance/check.h"
#include "tests/conformance/report.h"
#include "tests/conformance/tls_alpn_responder.h"

namespace lenscap::conformance {
namespace {

std::set<std::string> listed_ids() {
  std::ifstream in(std::string(LENSCAP_SOURCE_DIR) + "/tests/conformance/ids");
  std::set<std::string> ids;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line[0] != '#') ids.insert(line.substr(0, line.find(' ')));
  return ids;
}

std::vector<Check> all_checks() {
  std::vector<Check> checks;
  for (auto const section : sections()) checks.insert(checks.end(), section().begin(), section().end());
  return checks;
}

TEST(Checks, EveryDutyHasOneAndOnlyOne) {
  auto const ids = listed_ids();
  ASSERT_GT(ids.size(), 150U);
  std::set<std::string> checked;
  for (auto const& check : all_checks()) {
    EXPECT_TRUE(checked.emplace(check.id).second) << check.id << " stands twice";
    EXPECT_TRUE(ids.contains(std::string(check.id))) << check.id << " is not in tests/conformance/ids";
  }
  for (auto const& id : ids) EXPECT_TRUE(checked.contains(id)) << id << " has no check";
}

TEST(Checks, ThoseThatLookAtNothingSayWhy) {
  for (auto const& check : all_checks()) {
    EXPECT_FALSE(check.title.empty()) << check.id;
    EXPECT_EQ(check.run == nullptr, !check.unseen.empty()) << check.id;
  }
}

TEST(Divergences, AreDutiesWithAReason) {
  std::ifstream in(std::string(LENSCAP_SOURCE_DIR) + "/tests/conformance/divergences");
  auto const text = std::string(std::istreambuf_iterator<char>(in), {});
  auto const divergences = read_divergences(text);
  ASSERT_TRUE(divergences.ok()) << divergences.error().detail();
  auto const ids = listed_ids();
  for (auto const& [id, reason] : *divergences) EXPECT_TRUE(ids.contains(id)) << id;
  EXPECT_FALSE(read_divergences("8555-7.4-1\n").ok());
}

TEST(Tally, CountsListedFailuresAndNamesSettledOnes) {
  Verdict failed{.check = {"8555-7.4-1", "a"}, .outcome = Outcome::fail};
  Verdict listed{.check = {"8555-7.4-2", "b"}, .outcome = Outcome::fail};
  Verdict settled{.check = {"8555-7.4-3", "c"}, .outcome = Outcome::pass};
  Verdict skipped{.check = {"8555-7.4-4", "d"}, .outcome = Outcome::not_applicable};
  Divergences const known{{"8555-7.4-2", "a good reason"}, {"8555-7.4-3", "an old reason"}};
  auto const tally = count({failed, listed, settled, skipped}, known);
  EXPECT_EQ(tally.failed, 2);
  EXPECT_EQ(tally.listed, 1);
  EXPECT_EQ(tally.passed, 1);
  EXPECT_EQ(tally.skipped, 1);
  EXPECT_THAT(tally.settled, ::testing::ElementsAre("8555-7.4-3"));
}

TEST(Readable, DecodesASignedRequest) {
  auto const jws = sign(new_key(), {{"alg", "ES256"}}, "{\"a\":1}");
  auto const text = readable("POST /x HTTP/1.1\r\nHost: a\r\n\r\n" + json::write(jws));
  EXPECT_THAT(text, ::testing::HasSubstr("protected: {\"alg\":\"ES256\"}"));
  EXPECT_THAT(text, ::testing::HasSubstr("payload: {\"a\":1}"));
}

TEST(SectionOf, NamesDocumentAndSection) {
  EXPECT_EQ(section_of("8555-7.1.2.1-1"), "RFC 8555 section 7.1.2.1");
  EXPECT_EQ(section_of("profiles-4-1"), "profiles draft section 4");
}

TEST(Links, FindsEachRelation) {
  Answer answer;
  answer.headers.add("Link", "<https://a/1>;rel=\"index\", <https://a/2>; rel=alternate; title=\"x\"");
  answer.headers.add("link", "<https://a/3>;rel=\"up alternate\"");
  EXPECT_THAT(answer.links("index"), ::testing::ElementsAre("https://a/1"));
  EXPECT_THAT(answer.links("alternate"), ::testing::ElementsAre("https://a/2", "https://a/3"));
  EXPECT_THAT(answer.links("next"), ::testing::IsEmpty());
}

TEST(ParseUrl, KeepsWhatWasWritten) {
  auto const url = parse_url("https://[::1]:8443/a?b=c").value();
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.target, "/a?b=c");
  EXPECT_EQ(url.authority, "[::1]:8443");
  EXPECT_FALSE(parse_url("ftp://a/").ok());
  EXPECT_FALSE(parse_url("https://a:b/").ok());
}

TEST(ReverseName, OfBothKindsOfAddress) {
  EXPECT_EQ(reverse_name(x509::IpAddress::parse("192.0.2.7").value()), "7.2.0.192.in-addr.arpa");
  EXPECT_EQ(reverse_name(x509::IpAddress::parse("2001:db8::1").value()),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

}  // namespace
}  // namespace lenscap::conformance
