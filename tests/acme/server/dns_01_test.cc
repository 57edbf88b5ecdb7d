// dns-01 (RFC 8555 8.4) against DNS servers that do it right and wrong. The resolver is libunbound, the server is on
// loopback, over UDP and TCP.
#include "acme/flow/dns_01_rules.h"
#include "tests/acme/server/validator_bench.h"

namespace lenscap::acme::test {
namespace {

using fakes::dns_text;
using fakes::kDnsTxt;

constexpr char const* kName = "_acme-challenge.cam1.cams.example";

class Dns01 : public ValidatorBench {
 protected:
  std::string const good = dns_01_value(kAnswer);
  ~Dns01() override { dns.stop(); }  // its answers are made of `good`
  Result<> validate() { return ValidatorBench::validate("dns-01", Identifier::from_host("cam1.cams.example").value()); }
  // The outcome as a word: "ok", or the refusal's code.
  std::string outcome() {
    auto const result = validate();
    return result.ok() ? "ok" : std::string(to_string(result.error().code()));
  }
};

TEST_F(Dns01, WhatMayStandThere) {  // K-28, 8555-8.4-1
  struct Case {
    char const* name;
    std::vector<std::string> data;
    char const* outcome;
  };
  Case const cases[] = {
      {"the value", {dns_text(good)}, "ok"},
      {"in pieces", {dns_text(good, 10)}, "ok"},
      {"octet by octet", {dns_text(good, 1)}, "ok"},
      {"last of three", {dns_text("v=spf1 -all"), dns_text("another order's"), dns_text(good)}, "ok"},
      {"another's", {dns_text("another order's")}, "incorrect_response"},
      {"with a padding", {dns_text(good + "=")}, "incorrect_response"},
      {"as many as are read", std::vector<std::string>(Resolver::kRecords - 1, dns_text("x")), "incorrect_response"},
      {"none", {}, "incorrect_response"},
  };
  for (auto const& c : cases) {
    dns.set_records(kName, kDnsTxt, c.data);
    EXPECT_EQ(outcome(), c.outcome) << c.name;
  }
}

TEST_F(Dns01, ANameThatDoesNotExist) { EXPECT_EQ(outcome(), "incorrect_response"); }

TEST_F(Dns01, AWildcardIsProvedAtItsBase) {  // 8555-8.4-1
  dns.set_texts(kName, {good});
  auto const result = ValidatorBench::validate("dns-01", x509::DnsName::parse("*.cam1.cams.example").value());
  EXPECT_TRUE(result.ok()) << result.error().detail();
}

TEST_F(Dns01, CnameIsFollowed) {  // 8555-8.4-1
  dns.set_cname(kName, "a.acme.example");
  dns.set_cname("a.acme.example", "b.acme.example");
  dns.set_texts("b.acme.example", {good});
  EXPECT_EQ(outcome(), "ok");
}

TEST_F(Dns01, ACnameLoopEnds) {  // V-35
  dns.set_cname(kName, "a.acme.example");
  dns.set_cname("a.acme.example", kName);
  EXPECT_EQ(outcome(), "dns");
}

TEST_F(Dns01, AnEndlessCnameChainEnds) {  // V-35
  for (int i = 0; i < 200; ++i)
    dns.set_cname("n" + std::to_string(i) + ".acme.example", "n" + std::to_string(i + 1) + ".acme.example");
  dns.set_texts("n200.acme.example", {good});
  dns.set_cname(kName, "n0.acme.example");
  EXPECT_EQ(outcome(), "dns");
  EXPECT_LT(dns.questions(), 100);
}

TEST_F(Dns01, WhatDoesNotFitIntoUdpIsAskedForByTcp) {  // V-36, 8555-8.4-1
  dns.set_texts(kName, {std::string(1400, 'x'), good});
  EXPECT_EQ(outcome(), "ok");
  EXPECT_EQ(dns.questions_by_tcp(), 1);
}

TEST_F(Dns01, AnswersAreBounded) {  // V-33, V-34
  struct Case {
    char const* name;
    std::vector<std::string> texts;
  };
  Case const cases[] = {
      {"1,000 records", std::vector<std::string>(1000, "x")},
      {"one more than are read", std::vector<std::string>(Resolver::kRecords + 1, "x")},
      {"64 kB", {std::string(60'000, 'x')}},
  };
  for (auto const& c : cases) {
    auto texts = c.texts;
    texts.push_back(good);
    dns.set_texts(kName, texts);
    auto const result = validate();
    ASSERT_FALSE(result.ok()) << c.name;
    EXPECT_EQ(result.error().code(), Errc::dns) << c.name;
    EXPECT_NE(result.error().detail().find("more than"), std::string::npos) << c.name << result.error().detail();
  }
}

TEST_F(Dns01, NothingIsRemembered) {           // K-29
  EXPECT_EQ(outcome(), "incorrect_response");  // no such name
  dns.set_texts(kName, {"old"});
  EXPECT_EQ(outcome(), "incorrect_response");
  dns.set_texts(kName, {good});
  EXPECT_EQ(outcome(), "ok");
  dns.set_texts(kName, {"old"});
  EXPECT_EQ(outcome(), "incorrect_response");
}

TEST_F(Dns01, AServerThatFails) {
  dns.set_texts(kName, {good});
  for (int const rcode : {2, 4, 5, 9}) {
    dns.fail(kName, rcode);
    EXPECT_EQ(outcome(), "dns") << rcode;
  }
  dns.fail(kName, 0);
  EXPECT_EQ(outcome(), "ok");  // the next attempt asks again
}

TEST_F(Dns01, AServerThatIsSilentMeetsTheDeadline) {
  dns.be_silent_about(kName);
  deadline = std::chrono::milliseconds(300);
  auto const result = validate();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Errc::dns);
  EXPECT_NE(result.error().detail().find("in time"), std::string::npos);
}

// Answers that somebody else may have sent, or that answer something else: none of them proves anything.
TEST_F(Dns01, ForgedAndBrokenAnswers) {  // V-37, V-38, V-39, S-03
  using Datagrams = std::vector<std::string>;
  struct Case {
    char const* name;
    fakes::DnsServer::Spoil spoil;
  };
  auto const with_id = [](std::string answer, int id) {
    answer[0] = static_cast<char>(answer[0] ^ id);
    answer[1] = static_cast<char>(answer[1] ^ (id >> 8));
    return answer;
  };
  auto const flood = [&](std::string const& answer) {
    Datagrams many;
    for (int id = 1; id < 200; ++id) many.push_back(with_id(answer, id));
    return many;
  };
  auto const other_name = [](std::string answer) {
    answer.replace(13, 15, "_acme-challengf");
    return Datagrams{answer};
  };
  Case const cases[] = {
      {"wrong transaction id", [&](auto const& answer) { return Datagrams{with_id(answer, 1)}; }},
      {"flood of wrong ids", flood},
      {"answer for another name", other_name},
      {"a question", [](std::string answer) { return Datagrams{(answer[2] = '\x05', answer)}; }},
      {"cut in the header", [](auto const& answer) { return Datagrams{answer.substr(0, 11)}; }},
      {"cut in the question", [](auto const& answer) { return Datagrams{answer.substr(0, 20)}; }},
      {"cut in the record", [](auto const& answer) { return Datagrams{answer.substr(0, answer.size() - 5)}; }},
      {"empty", [](auto const&) { return Datagrams{""}; }},
      {"noise", [](auto const&) { return Datagrams{std::string(600, '\xc0')}; }},
      {"pointer to itself",
       [](std::string answer) {
         answer.replace(12, 2, "\xc0\x0c");
         return Datagrams{answer};
       }},
      {"more records than there are",
       [](std::string answer) {
         answer[6] = '\x7f';
         return Datagrams{answer};
       }},
  };
  dns.set_texts(kName, {good});
  for (auto const& c : cases) {
    dns.spoil(kName, c.spoil);
    deadline = std::chrono::milliseconds(400);
    EXPECT_EQ(outcome(), "dns") << c.name;
  }
}

// A forger who is faster than the server, but has to guess the question's secrets.
TEST_F(Dns01, TheRightAnswerIsFoundAmongForgedOnes) {  // V-39, S-03
  std::string const truth(good.size(), 'x');
  dns.set_texts(kName, {truth});
  dns.spoil(kName, [this, truth](std::string const& answer) {
    std::vector<std::string> all;
    for (int id = 1; id < 50; ++id) {
      auto forged = answer;
      forged.replace(forged.find(truth), truth.size(), good);
      forged[1] = static_cast<char>(forged[1] ^ id);
      all.push_back(forged);
    }
    all.push_back(answer);
    return all;
  });
  EXPECT_EQ(outcome(), "incorrect_response");
}

TEST(ResolverTcp, NeverUdp) {  // S-03, 8555-11.2-1
  fakes::DnsServer dns;
  dns.set_texts("a.example", {"x"});
  net::IoThreads threads(1);
  Resolver resolver({.servers = {dns.resolver()}, .tcp = true});
  auto const found = net::run(threads.executor(0), resolver.txt("a.example", Resolver::in(std::chrono::seconds(10))));
  ASSERT_TRUE(found.ok()) << found.error().detail();
  EXPECT_EQ(found->size(), 1u);
  EXPECT_EQ(dns.questions_by_tcp(), dns.questions());
}

}  // namespace
}  // namespace lenscap::acme::test
