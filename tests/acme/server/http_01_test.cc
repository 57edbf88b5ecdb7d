// http-01 (RFC 8555 8.3) against servers that do it right and wrong, and the networks that validation may reach.
#include <gtest/gtest.h>

#include "acme/server/resolver.h"
#include "acme/server/validator.h"
#include "base/net/io_threads.h"
#include "tests/fakes/dns_server.h"
#include "tests/fakes/scripted_server.h"

namespace lenscap::acme {
namespace {

using fakes::DnsServer;
using fakes::http_answer;
using fakes::ScriptedServer;

constexpr char const* kToken = "DGyRejmCefe7v4NfDGDKfA";
constexpr char const* kAnswer = "DGyRejmCefe7v4NfDGDKfA.LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ";

class Http01 : public ::testing::Test {
 protected:
  net::IoThreads threads{1};
  net::HttpClient http{threads.executor(0)};
  DnsServer dns;
  Resolver resolver{{dns.resolver()}};
  std::vector<x509::IpBlock> may_reach{x509::IpBlock::parse("127.0.0.0/8").value(),
                                       x509::IpBlock::parse("::1/128").value()};

  ~Http01() override {
    threads.stop();
    threads.join();
  }

  Result<> validate(std::string const& host, unsigned short port) {
    ValidationTools tools{http, resolver, may_reach, port};
    ChallengeToCheck challenge{Identifier::from_host(host).value(), kToken, kAnswer};
    return net::run(threads.executor(0), validate_http_01(tools, std::move(challenge)));
  }
};

TEST_F(Http01, AnAddressIsContactedDirectly) {  // 8738-4-1, 8555-8.3-1
  ScriptedServer server([](auto const&) { return http_answer(kAnswer); });
  auto const result = validate("127.0.0.1", server.port());
  EXPECT_TRUE(result.ok()) << result.error().detail();
  ASSERT_EQ(server.requests().size(), 1u);
  auto const request = server.requests().front();
  EXPECT_TRUE(request.starts_with("GET /.well-known/acme-challenge/DGyRejmCefe7v4NfDGDKfA HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find("Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"), std::string::npos) << request;
  EXPECT_EQ(dns.questions(), 0);
}

TEST_F(Http01, AnIpv6AddressStandsInBracketsInHost) {  // 8738-4-2
  std::unique_ptr<ScriptedServer> server;
  try {
    server = std::make_unique<ScriptedServer>([](auto const&) { return http_answer(kAnswer); }, "::1");
  } catch (std::exception const&) {
    GTEST_SKIP() << "this machine has no ::1";
  }
  auto const result = validate("::1", server->port());
  EXPECT_TRUE(result.ok()) << result.error().detail();
  EXPECT_NE(server->requests().at(0).find("Host: [::1]:" + std::to_string(server->port())), std::string::npos);
}

TEST_F(Http01, ANameIsAskedOfTheConfiguredResolver) {
  ScriptedServer server([](auto const&) { return http_answer(kAnswer); });
  dns.set("cam1.cams.example", {"127.0.0.1"});
  auto const result = validate("cam1.cams.example", server.port());
  EXPECT_TRUE(result.ok()) << result.error().detail();
  EXPECT_NE(server.requests().at(0).find("Host: cam1.cams.example:"), std::string::npos);
  dns.set("cam1.cams.example", {"127.0.0.2"});  // nothing is remembered from one validation to the next
  auto const asked = dns.questions();
  (void)validate("cam1.cams.example", server.port());
  EXPECT_GT(dns.questions(), asked);
}

TEST_F(Http01, Answers) {
  auto const long_body = std::string(limits::kValidationBodyBytes + 1, 'x');
  struct Case {
    char const* name;
    std::string answer;
    bool ok;
  };
  Case const cases[] = {
      {"exact", http_answer(kAnswer), true},
      {"newline", http_answer(std::string(kAnswer) + "\n"), true},  // 8555-8.3-1
      {"white space", http_answer(std::string(kAnswer) + " \r\n\t\n"), true},
      {"leading space", http_answer(" " + std::string(kAnswer)), false},
      {"chunked",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n42\r\n" + std::string(kAnswer) + "\r\n0\r\n\r\n", true},
      {"empty", http_answer(""), false},
      {"token alone", http_answer(kToken), false},
      {"another account's", http_answer(std::string(kToken) + ".AAAA"), false},
      {"more behind it", http_answer(std::string(kAnswer) + "x"), false},
      {"status 204", "HTTP/1.1 204 No Content\r\n\r\n", false},
      {"status 404", http_answer(kAnswer, "404 Not Found"), false},
      {"status 500", http_answer(kAnswer, "500 Oops"), false},
      {"redirect", http_answer(kAnswer, "301 Moved", "Location: http://127.0.0.1:1/\r\n"), false},
      {"redirect to a file", http_answer(kAnswer, "302 Found", "Location: file:///etc/passwd\r\n"), false},
      {"too long", http_answer(long_body), false},
      {"endless", "HTTP/1.1 200 OK\r\n\r\n" + std::string(200'000, 'x'), false},
      {"gzip is not decoded", http_answer(kAnswer, "200 OK", "Content-Encoding: gzip\r\n"), true},
      {"huge header", "HTTP/1.1 200 OK\r\nX: " + std::string(1'000'000, 'x') + "\r\n\r\n" + kAnswer, false},
      {"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", false},
      {"nothing", "", false},
  };
  for (auto const& c : cases) {
    ScriptedServer server([&](auto const&) { return c.answer; });
    auto const result = validate("127.0.0.1", server.port());
    EXPECT_EQ(result.ok(), c.ok) << c.name << (result.ok() ? "" : ": " + result.error().detail());
    EXPECT_EQ(server.connections(), 1) << c.name;
    if (result.ok()) continue;
    auto const code = result.error().code();
    EXPECT_TRUE(code == Errc::incorrect_response || code == Errc::connection) << c.name;
  }
}

TEST_F(Http01, NothingFetchedIsRepeated) {  // RFC 8555 10.4
  constexpr std::string_view kSecret = "s3cr3t-of-the-intranet";
  for (auto const& answer :
       {http_answer(std::string(kSecret)), http_answer("x", "404 " + std::string(kSecret)),
        http_answer("x", "302 Found", "Location: http://" + std::string(kSecret) + "/\r\n"), std::string(kSecret),
        "HTTP/1.1 " + std::string(kSecret) + "\r\n\r\n", "HTTP/1.1 200 OK\r\n" + std::string(kSecret) + "\r\n\r\n"}) {
    ScriptedServer server([&](auto const&) { return answer; });
    auto const result = validate("127.0.0.1", server.port());
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().detail().find(kSecret), std::string::npos) << result.error().detail();
  }
}

TEST_F(Http01, NobodyListens) {
  unsigned short port = 0;
  {
    ScriptedServer const server([](auto const&) { return ""; });
    port = server.port();
  }
  auto const result = validate("127.0.0.1", port);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Errc::connection);
}

TEST_F(Http01, NamesThatDoNotResolve) {
  dns.set("empty.cams.example", {});
  for (auto const* name : {"absent.cams.example", "empty.cams.example"}) {
    auto const result = validate(name, 1);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), Errc::dns) << result.error().detail();
  }
}

TEST_F(Http01, OutsideTheNetworksThatMayBeReachedNobodyIsContacted) {  // 8555-10.4-1, 8555-10.1-1
  ScriptedServer canary([](auto const&) { return http_answer(kAnswer); });
  may_reach = {x509::IpBlock::parse("10.0.0.0/8").value()};
  dns.set("cam1.cams.example", {"127.0.0.1", "169.254.169.254", "::1"});
  for (auto const* host : {"127.0.0.1", "cam1.cams.example"}) {
    auto const result = validate(host, canary.port());
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), Errc::connection);
  }
  EXPECT_EQ(canary.connections(), 0);
}

// A name that changes its mind: the address that was checked is the one that is contacted (rebinding).
TEST_F(Http01, TheCheckedAddressIsTheContactedOne) {
  ScriptedServer good([](auto const&) { return http_answer(kAnswer); });
  ScriptedServer canary([](auto const&) { return http_answer(kAnswer); }, "127.0.0.2", good.port());
  may_reach = {x509::IpBlock::parse("127.0.0.1/32").value()};
  dns.set_in_turn("cam1.cams.example", {{"127.0.0.1"}, {"127.0.0.1"}, {"127.0.0.2"}});
  EXPECT_TRUE(validate("cam1.cams.example", good.port()).ok());
  EXPECT_EQ(canary.connections(), 0);
}

TEST_F(Http01, TheNextAddressIsTriedWhenOneGivesNoConnection) {  // 8555-8.3-1: IPv6 first, then IPv4
  ScriptedServer server([](auto const&) { return http_answer(kAnswer); });
  dns.set("cam1.cams.example", {"::1", "127.0.0.1"});
  auto const result = validate("cam1.cams.example", server.port());
  EXPECT_TRUE(result.ok()) << result.error().detail();
}

TEST(MayContact, AddressesThatAreNeverAHosts) {
  std::vector<x509::IpBlock> const everything{x509::IpBlock::all_v4(), x509::IpBlock::all_v6()};
  struct Case {
    char const* address;
    bool allowed;
  };
  Case const cases[] = {
      {"10.20.0.1", true},
      {"127.0.0.1", true},
      {"192.168.1.1", true},
      {"169.254.169.254", true},
      {"0.0.0.0", false},
      {"0.1.2.3", false},
      {"224.0.0.1", false},
      {"239.255.255.250", false},
      {"255.255.255.255", false},
      {"240.0.0.1", false},
      {"::1", true},
      {"fd00:20::1", true},
      {"::", false},
      {"ff02::1", false},
      {"64:ff9b::7f00:1", false},
      {"2002:7f00:1::", false},
  };
  for (auto const& c : cases)
    EXPECT_EQ(may_contact(x509::IpAddress::parse(c.address).value(), everything), c.allowed) << c.address;
  EXPECT_FALSE(may_contact(x509::IpAddress::parse("10.20.0.1").value(), {}));
}

TEST(ResolverServer, Texts) {
  for (auto const* text : {"10.0.0.53", "127.0.0.1@8053", "fd00::53", "fd00::53@53"})
    EXPECT_TRUE(Resolver::is_server(text));
  for (auto const* text :
       {"", "dns.example", "10.0.0.53:53", "10.0.0.53@", "10.0.0.53@0", "10.0.0.53@70000", "@53", "10.0.0.53@5x"})
    EXPECT_FALSE(Resolver::is_server(text)) << text;
}

TEST(ResolverAddresses, ASilentServerMeetsTheDeadline) {
  DnsServer dns;
  dns.be_silent_about("slow.cams.example");
  dns.set("cam1.cams.example", {"10.20.0.1", "fd00:20::1"});
  net::IoThreads threads(1);
  Resolver resolver({dns.resolver()});
  auto const ask = [&](char const* name, Seconds deadline) {
    return net::run(threads.executor(0), resolver.addresses(x509::DnsName::parse(name).value(), deadline));
  };
  auto const slow = ask("slow.cams.example", Seconds(1));
  ASSERT_FALSE(slow.ok());
  EXPECT_EQ(slow.error().code(), Errc::dns);
  auto const found = ask("cam1.cams.example", Seconds(5));
  ASSERT_TRUE(found.ok()) << found.error().detail();
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ(found->at(0).text(), "fd00:20::1");
  EXPECT_EQ(found->at(1).text(), "10.20.0.1");
}

}  // namespace
}  // namespace lenscap::acme
