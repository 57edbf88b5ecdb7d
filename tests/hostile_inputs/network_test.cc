// Table V of hostile inputs: where validation may not connect. In a network of the test's own every address is this
// machine's, and a canary listens on all of them; it answers whatever is asked with the right answer, so that only the
// rules stand between a client and somebody else's machine. What is forbidden sees no connection; what is allowed does,
// so the canary is known to be awake.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/acme/server/validator_bench.h"
#include "tests/fakes/own_network.h"
#include "tests/fakes/scripted_server.h"
#include "tests/hostile_inputs/wire.h"

namespace lenscap::hostile {
namespace {

bool has_own_network = false;

using acme::Identifier;
using Visits = std::map<std::string, int>;

// The first hop of redirects; allowed.
constexpr char const* kDoor = "10.20.0.7";

// Never contacted, whatever the settings allow, unless they name exactly these.
constexpr char const* kForbidden[] = {
    "127.0.0.1",                             // V-01
    "127.255.255.254",                       //
    "169.254.169.254",                       // V-02
    "169.254.0.1",                           //
    "224.0.0.1",                             // V-03
    "239.255.255.250",                       //
    "255.255.255.255",                       //
    "240.0.0.1",                             //
    "0.0.0.0",                               // V-04
    "0.1.2.3",                               //
    "::1",                                   // V-01
    "::",                                    // V-05
    "::ffff:127.0.0.1",                      // V-06
    "::ffff:10.20.0.1",                      //
    "::ffff:169.254.169.254",                //
    "::127.0.0.1",                           // V-07
    "::10.20.0.1",                           //
    "64:ff9b::7f00:1",                       //
    "64:ff9b::a9fe:a9fe",                    //
    "64:ff9b:1::a14:1",                      //
    "2002:7f00:1::1",                        //
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",  //
    "fe80::1",                               // V-08
    "febf:ffff::1",                          //
    "ff02::1",                               // V-03
    "ff0e::1",                               //
};
// Outside of what the settings usually allow.
constexpr char const* kOutside[] = {"10.0.0.1",   "10.22.0.1",    "172.16.0.1",  "192.168.1.1",
                                    "100.64.0.1", "198.51.100.1", "2001:db8::1", "fd00:21::1"};

class HostileNetwork : public acme::test::ValidatorBench {
 protected:
  static constexpr unsigned short kHttp = 80, kTls = 443;
  // Besides the ports of validation, some where other things stand.
  fakes::Canary canary{{kHttp, kTls, 22, 25, 389, 5432, 6379, 8080, 8443},
                       [this](int peer, auto const& address, auto port) { answer(peer, address, port); }};
  std::string location;  // of the door's redirect; empty: it has the answer itself

  HostileNetwork() { tls_port = kTls; }
  void SetUp() override {
    if (has_own_network) return;
    if (std::getenv("CI") != nullptr) FAIL() << "no network namespace: these tests have to run somewhere";
    GTEST_SKIP() << "this machine lets its users make no network namespace";
  }

  void answer(int peer, std::string const& address, unsigned short port) const {
    char buffer[4096];
    if (port == kTls || ::recv(peer, buffer, sizeof buffer, 0) <= 0) return;
    auto const text = address == kDoor && !location.empty()
                          ? fakes::http_answer("", "302 Found", "Location: " + location + "\r\n")
                          : fakes::http_answer(kAnswer);
    (void)::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
  }

  static bool is_v6(std::string const& address) { return address.find(':') != std::string::npos; }
  // A record of the name with this address, of the right kind, octet by octet.
  void resolve(std::string const& name, std::vector<std::string> const& addresses) {
    std::vector<std::string> v4, v6;
    for (auto const& address : addresses) {
      std::string octets(is_v6(address) ? 16 : 4, '\0');
      ASSERT_EQ(::inet_pton(is_v6(address) ? AF_INET6 : AF_INET, address.c_str(), octets.data()), 1) << address;
      (is_v6(address) ? v6 : v4).push_back(octets);
    }
    dns.set_records(name, fakes::kDnsA, v4);
    dns.set_records(name, fakes::kDnsAaaa, v6);
  }
  Result<> by(char const* challenge, Identifier identifier) {
    return validate(challenge, std::move(identifier), kHttp);
  }
  static Identifier name(char const* text) { return x509::DnsName::parse(text).value(); }

  // Every way to make the server go to an address; none may. How many ways there were.
  int expect_no_visit(std::string const& address) {
    int ways = 0;
    auto const refused = [&](Result<> const& result, std::string const& way) {
      ++ways;
      EXPECT_FALSE(result.ok()) << address << " " << way;
      EXPECT_EQ(canary.take_visits(), Visits()) << address << " " << way;
    };
    resolve("cam1.cams.example", {address});
    refused(by("http-01", name("cam1.cams.example")), "http-01 of a name");
    refused(by("tls-alpn-01", name("cam1.cams.example")), "tls-alpn-01 of a name");
    if (auto ip = x509::IpAddress::parse(address)) {
      refused(by("http-01", *ip), "http-01 of the address");
      refused(by("tls-alpn-01", *ip), "tls-alpn-01 of the address");
    }
    dns.set_records("alias.cams.example", fakes::kDnsCname, {fakes::dns_wire_name("cam1.cams.example")});
    refused(by("http-01", name("alias.cams.example")), "http-01 of an alias");

    redirects = true;
    resolve("door.cams.example", {kDoor});
    auto const host = is_v6(address) ? "[" + address + "]" : address;
    for (auto const& to : {"http://cam1.cams.example/answer", "https://cam1.cams.example/answer"}) {
      location = to;
      auto const result = by("http-01", name("door.cams.example"));
      ++ways;
      EXPECT_FALSE(result.ok()) << address << " by a redirect";
      EXPECT_EQ(canary.take_visits(), (Visits{{std::string(kDoor) + ":80", 1}})) << address << " by a redirect";
    }
    for (auto const& to : {"http://" + host + "/answer", "//" + host + "/answer"}) {
      location = to;
      auto const result = by("http-01", name("door.cams.example"));
      ++ways;
      EXPECT_FALSE(result.ok()) << to;
      EXPECT_EQ(canary.take_visits(), (Visits{{std::string(kDoor) + ":80", 1}})) << to;
    }
    redirects = false;
    location.clear();
    return ways;
  }
};

// V-01 V-02 V-03 V-04 V-05 V-06 V-07 V-08 V-21 S-06, 8555-10.4-1
TEST_F(HostileNetwork, AddressesThatAreNeverContacted) {
  may_reach = {x509::IpBlock::all_v4(), x509::IpBlock::all_v6()};
  int ways = 0;
  for (auto const* address : kForbidden) ways += expect_no_visit(address);
  EXPECT_GE(ways, 200);
}

TEST_F(HostileNetwork, NetworksThatTheSettingsDoNotName) {  // S-06, 8555-10.4-1
  may_reach = {x509::IpBlock::parse("10.20.0.0/15").value()};
  int ways = 0;
  for (auto const* address : kOutside) ways += expect_no_visit(address);
  for (auto const* address : kForbidden) ways += expect_no_visit(address);
  EXPECT_GE(ways, 250);
}

// The canary is awake: the same ways lead to addresses that are allowed.
TEST_F(HostileNetwork, AllowedOnesAreContacted) {
  may_reach = {x509::IpBlock::parse("10.20.0.0/15").value(), x509::IpBlock::parse("fd00:20::/32").value()};
  for (std::string const address : {"10.20.0.1", "10.21.255.254", "fd00:20::1"}) {
    resolve("cam1.cams.example", {address});
    EXPECT_TRUE(by("http-01", name("cam1.cams.example")).ok()) << address;
    EXPECT_TRUE(by("http-01", *x509::IpAddress::parse(address)).ok()) << address;
    EXPECT_EQ(canary.take_visits(), (Visits{{address + ":80", 2}}));
    EXPECT_FALSE(by("tls-alpn-01", name("cam1.cams.example")).ok()) << "no TLS there";
    EXPECT_EQ(canary.take_visits(), (Visits{{address + ":443", 1}}));
    redirects = true;
    resolve("door.cams.example", {kDoor});
    location = "http://cam1.cams.example/answer";
    EXPECT_TRUE(by("http-01", name("door.cams.example")).ok()) << address;
    EXPECT_EQ(canary.take_visits(), (Visits{{std::string(kDoor) + ":80", 1}, {address + ":80", 1}}));
    redirects = false;
    location.clear();
  }
  // The link and the machine itself, where the settings name just that.
  may_reach = {x509::IpBlock::parse("127.0.0.9/32").value(), x509::IpBlock::parse("169.254.7.0/24").value()};
  for (std::string const address : {"127.0.0.9", "169.254.7.7"}) {
    resolve("cam1.cams.example", {address});
    EXPECT_TRUE(by("http-01", name("cam1.cams.example")).ok()) << address;
    EXPECT_EQ(canary.take_visits(), (Visits{{address + ":80", 1}}));
  }
  EXPECT_FALSE(by("http-01", *x509::IpAddress::parse("169.254.169.254")).ok());
  EXPECT_EQ(canary.take_visits(), Visits());
}

TEST_F(HostileNetwork, OfManyAddressesOnlyTheAllowedOnes) {  // V-12
  may_reach = {x509::IpBlock::parse("10.20.0.0/15").value()};
  resolve("cam1.cams.example", {"fd00::1", "::ffff:10.20.0.1", "169.254.169.254", "10.20.0.1", "127.0.0.1"});
  EXPECT_TRUE(by("http-01", name("cam1.cams.example")).ok());
  EXPECT_EQ(canary.take_visits(), (Visits{{"10.20.0.1:80", 1}}));
}

// A name that says something else each time it is asked: contacted is what was checked, and nothing else.
TEST_F(HostileNetwork, NamesThatChangeTheirMind) {  // V-13
  may_reach = {x509::IpBlock::parse("10.20.0.0/15").value()};
  for (auto const* challenge : {"http-01", "tls-alpn-01"}) {
    auto const port = std::string(challenge) == "http-01" ? ":80" : ":443";
    // One question for AAAA, one for A, and then the other address, for whoever would ask again (as the resolver does
    // it, for AAAA first).
    dns.set_in_turn("cam1.cams.example", {{}, {"10.20.0.1"}, {"169.254.169.254"}});
    (void)by(challenge, name("cam1.cams.example"));
    EXPECT_EQ(canary.take_visits(), (Visits{{std::string("10.20.0.1") + port, 1}})) << challenge;
    // And the other way round: what was forbidden is not asked for again.
    dns.set_in_turn("cam1.cams.example", {{}, {"169.254.169.254"}, {"10.20.0.1"}});
    EXPECT_FALSE(by(challenge, name("cam1.cams.example")).ok()) << challenge;
    EXPECT_EQ(canary.take_visits(), Visits()) << challenge;
  }
  redirects = true;
  location = "/again";
  dns.set_in_turn("cam1.cams.example", {{}, {kDoor}, {}, {"169.254.169.254"}});
  EXPECT_FALSE(by("http-01", name("cam1.cams.example")).ok());
  EXPECT_EQ(canary.take_visits(), (Visits{{std::string(kDoor) + ":80", 1}}));
}

// V-10 V-14 V-15 V-16 V-17 V-18 V-19 V-20 V-21 V-22 S-02
TEST_F(HostileNetwork, Redirects) {
  may_reach = {x509::IpBlock::parse("10.20.0.0/15").value()};
  resolve("door.cams.example", {kDoor});
  resolve("cam1.cams.example", {"10.20.0.1"});
  redirects = true;
  Visits const only_the_door{{std::string(kDoor) + ":80", 1}};
  for (std::string const to : {
           "ftp://cam1.cams.example/answer",
           "gopher://cam1.cams.example/answer",
           "ldap://cam1.cams.example/",
           "dict://cam1.cams.example:6379/info",
           "file:///etc/passwd",
           "file://cam1.cams.example/etc/passwd",
           "javascript:alert(1)",
           "data:text/plain,x",
           "http://cam1.cams.example:22/answer",
           "http://cam1.cams.example:25/answer",
           "http://cam1.cams.example:389/answer",
           "http://cam1.cams.example:5432/answer",
           "http://cam1.cams.example:6379/answer",
           "http://cam1.cams.example:8080/answer",
           "https://cam1.cams.example:8443/answer",
           "http://cam1.cams.example:0/answer",
           "http://cam1.cams.example:65616/answer",  // 80 when cut to 16 bits
           "http://cam1.cams.example:/answer",
           "http://user@cam1.cams.example/answer",
           "http://user:password@cam1.cams.example/answer",
           "http://door.cams.example@cam1.cams.example/answer",
           "http://cam1.cams.example\\@door.cams.example/answer",
           "http://cam1.cams.example#@door.cams.example/answer",
           "http://10.20.0.1/answer",
           "http://[::ffff:10.20.0.1]/answer",
           "http://169090600/answer",
           "http://0x0a140001/answer",
           "http://012.024.0.1/answer",
           "http://10.20.1/answer",
           "http://b\xc3\xbc"
           "cher.cams.example/answer",
           "http://cam1.cams.example./answer",
           "http://cam1\xe3\x80\x82"
           "cams.example/answer",  // an ideographic full stop
           "http://*.cams.example/answer",
           "http:///answer",
           "http://",
           "",
           "relative",
           "../answer",
           "/a b",
           "/\xff",
           "/#x",
       }) {
    location = to.empty() ? " " : to;
    EXPECT_FALSE(by("http-01", name("door.cams.example")).ok()) << to;
    EXPECT_EQ(canary.take_visits(), only_the_door) << to;
  }
  location = "/" + std::string(2000, 'a');
  EXPECT_FALSE(by("http-01", name("door.cams.example")).ok());
  EXPECT_EQ(canary.take_visits(), only_the_door);
  location = "http://door.cams.example/round";  // in a circle
  auto const circle = by("http-01", name("door.cams.example"));
  ASSERT_FALSE(circle.ok());
  EXPECT_NE(circle.error().detail().find("more than 10 times"), std::string::npos) << circle.error().detail();
  EXPECT_EQ(canary.take_visits(), (Visits{{std::string(kDoor) + ":80", 11}}));
  redirects = false;  // off, which is the default: none at all
  location = "http://cam1.cams.example/answer";
  EXPECT_FALSE(by("http-01", name("door.cams.example")).ok());
  EXPECT_EQ(canary.take_visits(), only_the_door);
}

// The TCP ports that somebody listens on, in this network.
std::vector<std::string> listening() {
  std::vector<std::string> ports;
  for (auto const* file : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream in(file);
    std::string line;
    while (std::getline(in, line)) {
      std::istringstream words(line);
      std::string index, local, remote, state;
      if (words >> index >> local >> remote >> state && state == "0A") ports.push_back(local);
    }
  }
  return ports;
}

// Our own listener tells a validator nothing that would prove anything, and changes nothing; the admin socket is none
// of TCP.
TEST_F(HostileNetwork, OurOwnListeners) {  // V-09 V-11
  auto const before = listening().size();
  ServerOnWire on_wire;
  EXPECT_EQ(listening().size(), before + 2) << "TLS and plain HTTP, and no other";
  may_reach = {x509::IpBlock::all_v4(), x509::IpBlock::all_v6()};
  resolve("cam1.cams.example", {"127.0.0.1"});
  for (auto const port : {on_wire.port(), on_wire.web_port()}) {
    may_reach = {x509::IpBlock::all_v4(), x509::IpBlock::all_v6()};
    auto const refused = validate("http-01", name("cam1.cams.example"), port);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().detail().find("no address that this server may contact"), std::string::npos);
    may_reach = {x509::IpBlock::parse("127.0.0.1/32").value()};  // the operator says so
    EXPECT_FALSE(validate("http-01", name("cam1.cams.example"), port).ok());
    tls_port = port;
    EXPECT_FALSE(validate("tls-alpn-01", name("cam1.cams.example"), port).ok());
  }
  EXPECT_TRUE(Wire(on_wire).is_open());
}

}  // namespace
}  // namespace lenscap::hostile

int main(int argc, char** argv) {
  lenscap::hostile::has_own_network = lenscap::fakes::enter_own_network();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
