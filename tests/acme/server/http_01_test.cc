// http-01 (RFC 8555 8.3) against servers that do it right and wrong, and the networks that validation may reach.
#include "acme/server/validators/targets.h"
#include "tests/acme/server/validator_bench.h"
#include "tests/base/x509/acme_certificate_maker.h"
#include "tests/fakes/scripted_server.h"
#include "tests/fakes/tls_server.h"

namespace lenscap::acme::test {
namespace {

using fakes::DnsServer;
using fakes::http_answer;
using fakes::ScriptedServer;

class Http01 : public ValidatorBench {
 protected:
  Result<> validate(std::string const& host, unsigned short port) {
    return ValidatorBench::validate("http-01", Identifier::from_host(host).value(), port);
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

TEST_F(Http01, AnIpv6AddressStandsInBracketsInHost) {  // B-11, 8738-4-2
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

// Loopback addresses that something listens on, written in every way: with everything but the machine itself allowed,
// nobody is contacted.
TEST_F(Http01, NoSpellingOfThisMachineIsContacted) {  // 8555-10.4-1
  ScriptedServer canary([](auto const&) { return http_answer(kAnswer); });
  std::unique_ptr<ScriptedServer> canary_v6;
  try {
    canary_v6 =
        std::make_unique<ScriptedServer>([](auto const&) { return http_answer(kAnswer); }, "::1", canary.port());
  } catch (std::exception const&) {
    // This machine has no ::1; the IPv4 spellings remain.
  }
  may_reach = {x509::IpBlock::all_v4(), x509::IpBlock::all_v6()};
  constexpr std::string_view kV6[] = {
      std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16),          // ::1
      std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16),          // ::
      std::string_view("\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16),    // ::ffff:127.0.0.1
      std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\x7f\0\0\1", 16),        // ::127.0.0.1
      std::string_view("\0\x64\xff\x9b\0\0\0\0\0\0\0\0\x7f\0\0\1", 16),  // 64:ff9b::127.0.0.1
      std::string_view("\x20\x02\x7f\0\0\1\0\0\0\0\0\0\0\0\0\1", 16),    // 2002:7f00:1::1
      std::string_view("\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16),      // fe80::1
      std::string_view("\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16),      // ff02::1
  };
  constexpr std::string_view kV4[] = {
      std::string_view("\x7f\0\0\1", 4),        // 127.0.0.1
      std::string_view("\x7f\xff\xff\xfe", 4),  // 127.255.255.254
      std::string_view("\0\0\0\0", 4),          // 0.0.0.0
      std::string_view("\xff\xff\xff\xff", 4),  // 255.255.255.255
      std::string_view("\xa9\xfe\xa9\xfe", 4),  // 169.254.169.254
      std::string_view("\xe0\0\0\1", 4),        // 224.0.0.1
  };
  auto const expect_refused = [&](int type, std::string_view data) {
    dns.set_records("cam1.cams.example", fakes::kDnsA, {});
    dns.set_records("cam1.cams.example", fakes::kDnsAaaa, {});
    dns.set_records("cam1.cams.example", type, {std::string(data)});
    for (auto const* challenge : {"http-01", "tls-alpn-01"}) {
      auto const result =
          ValidatorBench::validate(challenge, Identifier::from_host("cam1.cams.example").value(), canary.port());
      EXPECT_FALSE(result.ok()) << challenge << " " << to_hex(as_bytes(data));
    }
  };
  for (auto const octets : kV6) expect_refused(fakes::kDnsAaaa, octets);
  for (auto const octets : kV4) expect_refused(fakes::kDnsA, octets);
  // An address in a record of the other kind, and one of no length at all, are no addresses.
  expect_refused(fakes::kDnsA, kV6[0]);
  expect_refused(fakes::kDnsAaaa, kV4[0]);
  expect_refused(fakes::kDnsA, "");
  EXPECT_EQ(canary.connections(), 0);
  if (canary_v6) {
    EXPECT_EQ(canary_v6->connections(), 0);
  }
}

// A and AAAA that differ: each is looked at for itself.
TEST_F(Http01, OfTwoAddressesOnlyTheAllowedOneIsContacted) {
  ScriptedServer good([](auto const&) { return http_answer(kAnswer); });
  ScriptedServer canary([](auto const&) { return http_answer(kAnswer); }, "127.0.0.2", good.port());
  may_reach = {x509::IpBlock::parse("127.0.0.1/32").value()};
  dns.set("cam1.cams.example", {"127.0.0.2", "127.0.0.1", "::1"});
  EXPECT_TRUE(validate("cam1.cams.example", good.port()).ok());
  EXPECT_EQ(canary.connections(), 0);
}

TEST_F(Http01, NotMoreThanFourAddressesAreTried) {  // 8555-10.3-1
  std::vector<std::string> addresses;
  for (int i = 1; i <= 20; ++i) addresses.push_back("127.0.1." + std::to_string(i));
  dns.set("cam1.cams.example", addresses);
  ValidationTools tools{http, resolver, targets, clock, may_reach};
  auto const found = net::run(
      threads.executor(0),
      find_targets(tools, Identifier::from_host("cam1.cams.example").value(), Resolver::in(std::chrono::seconds(10))));
  ASSERT_TRUE(found.ok()) << found.error().detail();
  EXPECT_EQ(found->size(), kTargets);
}

TEST_F(Http01, ASlowAnswerMeetsTheDeadline) {  // V-26
  auto trickle = [](int peer) {
    std::string const head = "HTTP/1.1 200 OK\r\n\r\n";
    (void)::send(peer, head.data(), head.size(), MSG_NOSIGNAL);
    pollfd gone{peer, POLLRDHUP, 0};
    while (::poll(&gone, 1, 20) == 0 || (gone.revents & POLLRDHUP) == 0) {
      if (::send(peer, "x", 1, MSG_NOSIGNAL) != 1) return;
    }
  };
  fakes::SocketServer server(trickle);
  deadline = std::chrono::milliseconds(300);
  auto const result = validate("127.0.0.1", server.port());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Errc::connection) << result.error().detail();
}

TEST_F(Http01, AStormOfInterimAnswersIsBounded) {
  std::string storm;
  for (int i = 0; i < 20'000; ++i) storm += "HTTP/1.1 102 Processing\r\nX: y\r\n\r\n";
  ScriptedServer server([&](auto const&) { return storm + http_answer(kAnswer); });
  auto const result = validate("127.0.0.1", server.port());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Errc::incorrect_response) << result.error().detail();
}

// --- redirects ---

class Http01Redirects : public Http01 {
 protected:
  Http01Redirects() {
    redirects = true;
    dns.set("cam1.cams.example", {"127.0.0.1"});
    dns.set("store.cams.example", {"127.0.0.1"});
  }
  // Answers at /answer, and redirects from elsewhere.
  static ScriptedServer::Script redirecting_to(std::string location, std::string status = "301 Moved") {
    return [=](std::string const& request) {
      if (request.starts_with("GET /answer ")) return http_answer(kAnswer);
      return http_answer("", status, "Location: " + location + "\r\n");
    };
  }
};

TEST_F(Http01Redirects, AreFollowedWhenTheSettingsSaySo) {  // 8555-8.3-1
  for (auto const* status : {"301 Moved", "302 Found", "307 Temporary", "308 Permanent"}) {
    ScriptedServer server(redirecting_to("/answer", status));
    EXPECT_TRUE(validate("cam1.cams.example", server.port()).ok()) << status;
    EXPECT_EQ(server.connections(), 2) << status;
    redirects = false;
    EXPECT_FALSE(validate("cam1.cams.example", server.port()).ok()) << status;
    EXPECT_EQ(server.connections(), 3) << status;
    redirects = true;
  }
}

TEST_F(Http01Redirects, OtherStatusesAreNot) {
  for (auto const* status : {"300 Choices", "303 See Other", "304 Same", "305 Proxy"}) {
    ScriptedServer server(redirecting_to("/answer", status));
    EXPECT_FALSE(validate("cam1.cams.example", server.port()).ok()) << status;
    EXPECT_EQ(server.connections(), 1) << status;
  }
}

TEST_F(Http01Redirects, ToAnotherHostAndToHttps) {
  std::string location;
  ScriptedServer server([&](std::string const& request) { return redirecting_to(location)(request); });
  location = "http://store.cams.example:" + std::to_string(server.port()) + "/answer";
  EXPECT_TRUE(validate("cam1.cams.example", server.port()).ok());
  EXPECT_NE(server.requests().at(1).find("Host: store.cams.example"), std::string::npos);

  fakes::TlsManners manners;
  manners.protocol.clear();
  manners.answer = http_answer(kAnswer);
  auto const certificate = x509::testing::acme_certificate({});  // whose it is does not matter here
  fakes::TlsServer secure(certificate.get(), x509::testing::acme_certificate_key().native(), manners);
  tls_port = secure.port();
  location = "https://store.cams.example:" + std::to_string(secure.port()) + "/answer";
  auto const result = validate("cam1.cams.example", server.port());
  EXPECT_TRUE(result.ok()) << result.error().detail();
  EXPECT_EQ(secure.connections(), 1);
}

TEST_F(Http01Redirects, AtMostTen) {
  for (int const hops : {10, 11}) {
    ScriptedServer server([&](std::string const& request) {
      auto const at = request.find("/hop");
      int const hop = at == request.npos ? 0 : std::atoi(request.c_str() + at + 4);
      if (hop == hops) return http_answer(kAnswer);
      return http_answer("", "302 Found", "Location: /hop" + std::to_string(hop + 1) + "\r\n");
    });
    EXPECT_EQ(validate("cam1.cams.example", server.port()).ok(), hops == 10);
    EXPECT_EQ(server.connections(), 11);
  }
}

TEST_F(Http01Redirects, EachHostIsHeldAgainstTheNetworks) {  // 8555-10.4-1
  std::string location;
  ScriptedServer server([&](auto const&) { return redirecting_to(location)("GET / "); });
  ScriptedServer canary([](auto const&) { return http_answer(kAnswer); }, "127.0.0.2", server.port());
  ScriptedServer other_port([](auto const&) { return http_answer(kAnswer); });
  may_reach = {x509::IpBlock::parse("127.0.0.1/32").value()};
  dns.set("inner.cams.example", {"127.0.0.2"});
  auto const port = ":" + std::to_string(server.port());
  for (auto const& to : {"http://inner.cams.example" + port + "/answer", "http://127.0.0.2" + port + "/answer",
                         "https://inner.cams.example" + port + "/answer", "//inner.cams.example" + port + "/answer",
                         "http://cam1.cams.example:" + std::to_string(other_port.port()) + "/answer",
                         std::string("file:///etc/passwd"), "http://a:b@cam1.cams.example" + port + "/answer"}) {
    location = to;
    auto const result = validate("cam1.cams.example", server.port());
    ASSERT_FALSE(result.ok()) << to;
    EXPECT_EQ(result.error().detail().find("passwd"), std::string::npos);
  }
  EXPECT_EQ(canary.connections(), 0);
  EXPECT_EQ(other_port.connections(), 0);
  EXPECT_EQ(server.connections(), 7);
}

// A host that changes its mind between two hops is looked up, and checked, for each.
TEST_F(Http01Redirects, ANameIsLookedUpForEachHop) {
  ScriptedServer server(redirecting_to("/answer"));
  ScriptedServer canary([](auto const&) { return http_answer(kAnswer); }, "127.0.0.2", server.port());
  may_reach = {x509::IpBlock::parse("127.0.0.1/32").value()};
  dns.set_in_turn("cam1.cams.example", {{"127.0.0.1"}, {"127.0.0.1"}, {"127.0.0.2"}});
  EXPECT_FALSE(validate("cam1.cams.example", server.port()).ok());
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(canary.connections(), 0);
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
  Resolver resolver({.servers = {dns.resolver()}});
  auto const ask = [&](char const* name, Seconds deadline) {
    return net::run(threads.executor(0),
                    resolver.addresses(x509::DnsName::parse(name).value(), Resolver::in(deadline)));
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
}  // namespace lenscap::acme::test
