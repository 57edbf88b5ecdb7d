// Table N of hostile inputs: names in newOrder over TLS. Each is refused with its type; several together are refused
// together, each in a sub-problem with the identifier as it was sent; nothing is created, and the connection lives on.
#include <gtest/gtest.h>

#include "acme/wire/order.h"
#include "base/x509/csr.h"
#include "tests/hostile_inputs/wire.h"

namespace lenscap::hostile {
namespace {

struct NameCase {
  std::string name;  // its id first
  std::string type = "dns";
  std::string value = "";
  std::string problem = "malformed";
  int status = 400;
};

std::string const kLabel63(63, 'a');

std::vector<NameCase> const& refused_cases() {
  static std::string const name254 =
      kLabel63 + "." + kLabel63 + "." + kLabel63 + "." + std::string(54, 'b') + ".example";
  static std::vector<NameCase> const cases{
      {"N-01 dot at the end", "dns", "cam1.example."},
      {"N-02 dot at the start", "dns", ".cam1.example"},
      {"N-02 two dots", "dns", "cam1..example"},
      {"N-02 a dot", "dns", "."},
      {"N-03 underscore", "dns", "cam_1.example"},
      {"N-03 underscore first", "dns", "_acme-challenge.example"},
      {"N-04 label of 64", "dns", kLabel63 + "a.example"},
      {"N-05 name of 254", "dns", name254},
      {"N-06 last label of digits", "dns", "cam1.example.123"},
      {"N-06 hex", "dns", "0x7f000001"},
      {"N-07 A-label of upper case", "dns", "xn--bcher-4pa.example"},
      {"N-08 A-label of ASCII", "dns", "xn--abc-.example"},
      {"N-09 no punycode", "dns", "xn--a.example"},
      {"N-09 Unicode", "dns",
       "b\xc3\xbc"
       "cher.example"},
      {"N-09 reserved hyphens", "dns", "ab--cd.example"},
      {"N-10 star", "dns", "*"},
      {"N-10 star and dot", "dns", "*."},
      {"N-11 two stars", "dns", "*.*"},
      {"N-11 two star labels", "dns", "*.*.example"},
      {"N-12 star as a part", "dns", "a*.example"},
      {"N-12 star inside", "dns", "a.*.example"},
      {"N-13 wildcard", "dns", "*.example", "rejectedIdentifier", 403},
      {"N-14 single label", "dns", "camera", "rejectedIdentifier", 403},
      {"N-15 localhost", "dns", "localhost", "rejectedIdentifier", 403},
      {"N-18 address as a name", "dns", "10.20.0.1"},
      {"N-18 IPv6 as a name", "dns", "2001:db8::1"},
      {"N-18 in brackets", "dns", "[2001:db8::1]"},
      {"N-18 a number", "dns", "167772161"},
      {"N-20 not in the scope", "dns", "camera.lan", "rejectedIdentifier", 403},
      {"nothing", "dns", ""},
      {"a blank", "dns", "cam1.example "},
      {"a line end", "dns", "cam1.example\n"},
      {"a port", "dns", "cam1.example:443"},
      {"a path", "dns", "cam1.example/x"},
      {"another type", "email", "a@cam1.example", "unsupportedIdentifier", 403},
      {"type in upper case", "DNS", "cam1.example", "unsupportedIdentifier", 403},
      // V-40: addresses in odd spelling
      {"V-40 octal", "ip", "010.20.0.1"},
      {"V-40 short", "ip", "10.1"},
      {"V-40 number", "ip", "167772161"},
      {"V-40 hex", "ip", "0x0a.20.0.1"},
      {"V-40 blank before", "ip", " 10.20.0.1"},
      {"V-40 blank behind", "ip", "10.20.0.1 "},
      {"V-40 line end", "ip", "10.20.0.1\n"},
      {"V-40 mapped", "ip", "::ffff:10.20.0.1"},
      {"V-40 upper case", "ip", "2001:DB8::1"},
      {"V-40 long form", "ip", "2001:db8:0:0:0:0:0:1"},
      {"V-40 brackets", "ip", "[2001:db8::1]"},
      {"V-40 zone", "ip", "fe80::1%eth0"},
      {"V-40 block", "ip", "10.20.0.0/15"},
      {"V-40 a name", "ip", "cam1.example"},
      {"outside the scope", "ip", "192.168.0.1", "rejectedIdentifier", 403},
  };
  return cases;
}

json::Object identifier(std::string const& type, std::string const& value) {
  return {{"type", type}, {"value", value}};
}

class HostileNames : public ::testing::Test {
 protected:
  ServerOnWire on_wire;
  Client client = on_wire.client();
  Wire wire{on_wire};

  Answer order(json::Array identifiers) {
    json::Object const payload{{"identifiers", std::move(identifiers)}};
    return wire.post(client, on_wire.urls().new_order(), json::write(payload));
  }
  std::size_t orders() {
    auto const list = client.read(client.kid + "/orders");
    return list.object().find("orders")->as_array()->size();
  }
};

// N-01 N-02 N-03 N-04 N-05 N-06 N-07 N-08 N-09 N-10 N-11 N-12 N-13 N-14 N-15 N-18 V-40
TEST_F(HostileNames, EachAlone) {
  for (auto const& c : refused_cases()) {
    auto const answer = order({identifier(c.type, c.value)});
    expect_problem(answer, c.status, c.problem, c.name);
    // Beside a good one: that one is not to blame, and not named.
    auto const beside = order({identifier("dns", "good.example"), identifier(c.type, c.value)});
    expect_problem(beside, c.status, c.problem, c.name + ", beside a good one");
    auto const object = beside.object();
    auto const* subproblems = object.find("subproblems");
    ASSERT_TRUE(subproblems != nullptr && subproblems->as_array() != nullptr) << c.name << beside.body;
    ASSERT_EQ(subproblems->as_array()->size(), 1U) << c.name;
    auto const sub = *subproblems->as_array()->front().as_object();
    EXPECT_EQ(json::need_string(sub, "type").value(), "urn:ietf:params:acme:error:" + c.problem) << c.name;
    auto const named = json::need_object(sub, "identifier").value();
    EXPECT_EQ(json::need_string(named, "type").value(), c.type) << c.name;
    EXPECT_EQ(json::need_string(named, "value").value(), c.value.substr(0, 253)) << c.name;
  }
  EXPECT_EQ(orders(), 0U);
  EXPECT_TRUE(wire.is_open());
}

TEST_F(HostileNames, AllTogether) {  // 8555-6.7.1-1, B-13
  json::Array all;
  std::size_t malformed = 0;
  for (auto const& c : refused_cases()) {
    all.emplace_back(identifier(c.type, c.value));
    malformed +=
        c.problem == "rejectedIdentifier" ? 0 : 1;  // what may be asked for is looked at in readable orders only
  }
  auto const answer = order(all);
  expect_problem(answer, 403, "compound", "all of them");
  EXPECT_EQ(answer.object().find("subproblems")->as_array()->size(), malformed) << answer.body;
  for (int const count : {101, 160, 171, 600}) {
    json::Array many;
    for (int i = 0; i < count; ++i) many.emplace_back(identifier("dns", "cam" + std::to_string(i) + ".example"));
    auto const refused = order(many);
    expect_problem(refused, 400, "malformed", "too many");
    EXPECT_NE(refused.detail().find("100"), std::string::npos) << refused.detail();
  }
  EXPECT_EQ(orders(), 0U);
}

TEST_F(HostileNames, TheSameTwice) {  // N-16 N-17
  for (auto const& [first, second] :
       {std::pair("cam1.example", "cam1.example"), std::pair("cam1.example", "CAM1.Example")}) {
    auto const answer = order({identifier("dns", first), identifier("dns", second)});
    expect_problem(answer, 400, "malformed", second);
    EXPECT_NE(answer.detail().find("twice"), std::string::npos) << answer.detail();
  }
  expect_problem(order({identifier("ip", "10.20.0.1"), identifier("ip", "10.20.0.1")}), 400, "malformed", "an address");
  EXPECT_EQ(orders(), 0U);
}

TEST_F(HostileNames, GoodOnesAreShownInTheirNormalForm) {  // N-16
  std::string const name253 = kLabel63 + "." + kLabel63 + "." + kLabel63 + "." + std::string(53, 'b') + ".example";
  for (auto const& [sent, shown] : {std::pair<std::string, std::string>("CAM1.Example", "cam1.example"),
                                    {kLabel63 + ".example", kLabel63 + ".example"},
                                    {name253, name253},
                                    {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
                                    {"10.20.example", "10.20.example"}}) {
    auto const answer = order({identifier("dns", sent)});
    ASSERT_EQ(answer.status, 201) << sent << answer.body;
    auto const first = *answer.object().find("identifiers")->as_array()->front().as_object();
    EXPECT_EQ(json::need_string(first, "value").value(), shown);
  }
}

// Names without a public suffix are a private CA's daily bread: the account's scope says which.
TEST_F(HostileNames, PrivateSuffixesWhereTheScopeHasThem) {  // N-14 N-15 N-20
  auto settings = ca::test::ceremony_settings();
  settings.permit_dns = {"cams.example", "lan", "local", "nvr", "localhost"};
  TestServer server({.ca = ca::test::TestCa(settings)});
  acme::Scope wide;
  for (auto const* suffix : {"lan", "local", "nvr", "localhost"})
    wide.grant_dns.push_back(x509::DnsName::parse(suffix).value());
  Client insider(server);
  auto const eab = server.add_eab(wide);
  ASSERT_EQ(insider.new_account(&eab).status, 201);
  for (auto const* name : {"camera.lan", "axis-00408c123456.local", "nvr", "localhost"}) {
    auto const made = insider.new_order({name});
    ASSERT_EQ(made.text("status"), "ready") << name << made.body;
    EXPECT_EQ(insider.finalize(made.header("Location"), {name}).text("status"), "valid") << name;
  }
  EXPECT_EQ(insider.new_order({"camera.home"}).problem(), "rejectedIdentifier");
}

TEST_F(HostileNames, AnAddressInTheCommonName) {  // N-19, C-24
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const csr = x509::make_csr(key, acme::test::names_of({"cam1.example"}), "10.20.0.1");
  auto const made = order({identifier("dns", "cam1.example")});
  auto const url = made.header("Location");
  auto const answer = wire.post(client, url + "/finalize", json::write(acme::finalize_to_json(csr)));
  expect_problem(answer, 400, "badCSR", "an address in the CN");
  EXPECT_EQ(client.read(url).text("status"), "ready");
}

// What a wildcard is offered: dns-01 and nothing else (8555-8.4-1), and no http-01 challenge at any URL.
TEST(HostileWildcard, HasNoOtherChallengeThanDns01) {  // N-13
  ServerOnWire on_wire("allow_wildcards = true\n");
  acme::Scope scope;
  scope.prove_dns = {x509::DnsName::parse("example").value()};
  auto client = on_wire.client(scope);
  auto const order = client.new_order({"*.example"});
  ASSERT_EQ(order.text("status"), "pending") << order.body;
  auto const authorization = client.read(acme::test::first_text(order.object(), "authorizations"));
  EXPECT_EQ(authorization.object().find("wildcard")->as_bool() != nullptr, true);
  auto const challenges = *authorization.object().find("challenges")->as_array();
  ASSERT_EQ(challenges.size(), 1U) << authorization.body;
  EXPECT_EQ(json::need_string(*challenges.front().as_object(), "type").value(), "dns-01");
}

}  // namespace
}  // namespace lenscap::hostile
