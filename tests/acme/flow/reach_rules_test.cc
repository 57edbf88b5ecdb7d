#include "acme/flow/reach_rules.h"

#include <gtest/gtest.h>

#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme::test {
namespace {

// 8555-10.4-1: with everything allowed, these still are not.
TEST(MayContact, AddressesThatAreNeverAHosts) {
  std::vector<x509::IpBlock> const everything{x509::IpBlock::all_v4(), x509::IpBlock::all_v6()};
  struct Case {
    char const* address;
    bool allowed;
  };
  Case const cases[] = {
      {"10.20.0.1", true},
      {"192.168.1.1", true},
      {"172.16.0.1", true},
      {"100.64.0.1", true},
      {"8.8.8.8", true},
      {"126.255.255.255", true},
      {"128.0.0.1", true},
      {"169.253.255.255", true},
      {"169.255.0.0", true},
      {"223.255.255.255", true},
      {"1.0.0.0", true},
      {"fd00:20::1", true},
      {"2001:db8::1", true},
      {"2003::1", true},
      {"fec0::1", true},
      {"127.0.0.1", false},
      {"127.0.0.0", false},
      {"127.255.255.255", false},
      {"169.254.0.0", false},
      {"169.254.169.254", false},
      {"169.254.255.255", false},
      {"0.0.0.0", false},
      {"0.0.0.1", false},
      {"0.255.255.255", false},
      {"224.0.0.1", false},
      {"239.255.255.250", false},
      {"240.0.0.1", false},
      {"255.255.255.255", false},
      {"::", false},
      {"::1", false},
      {"::2", false},
      {"::7f00:1", false},
      {"fe80::1", false},
      {"febf::1", false},
      {"ff02::1", false},
      {"ff0e::1", false},
      {"64:ff9b::7f00:1", false},
      {"64:ff9b::a9fe:a9fe", false},
      {"64:ff9b:1::7f00:1", false},
      {"2001::1", false},
      {"2001:0:7f00:1::", false},
      {"2002:7f00:1::", false},
      {"2002:a9fe:a9fe::1", false},
  };
  for (auto const& c : cases) EXPECT_EQ(may_contact(ip(c.address), everything), c.allowed) << c.address;
}

TEST(MayContact, OnlyWhatIsListed) {
  struct Case {
    std::vector<x509::IpBlock> may_reach;
    char const* address;
    bool allowed;
  };
  Case const cases[] = {
      {{}, "10.20.0.1", false},
      {{block("10.20.0.0/15")}, "10.20.0.1", true},
      {{block("10.20.0.0/15")}, "10.21.255.255", true},
      {{block("10.20.0.0/15")}, "10.22.0.0", false},
      {{block("10.20.0.0/15")}, "10.19.255.255", false},
      {{block("10.20.0.0/15")}, "fd00:20::1", false},
      {{block("10.20.0.0/15"), block("fd00:20::/32")}, "fd00:20::1", true},
      {{block("10.20.0.0/15"), block("fd00:20::/32")}, "fd00:21::1", false},
      // The machine itself and the link are meant only by a block inside them.
      {{block("127.0.0.0/8")}, "127.0.0.1", true},
      {{block("127.0.0.2/32")}, "127.0.0.1", false},
      {{block("127.0.0.2/32")}, "127.0.0.2", true},
      {{block("126.0.0.0/7")}, "127.0.0.1", false},
      {{block("::1/128")}, "::1", true},
      {{block("::/0")}, "::1", false},
      {{block("169.254.0.0/16")}, "169.254.7.7", true},
      {{block("169.254.7.0/24")}, "169.254.169.254", false},
      {{block("169.0.0.0/8")}, "169.254.169.254", false},
      {{block("fe80::/10")}, "fe80::1", true},
      {{block("fe80::/9")}, "fe80::1", false},
      // What is never a host's stays so, even when it is named.
      {{block("0.0.0.0/8")}, "0.0.0.0", false},
      {{block("224.0.0.0/4")}, "224.0.0.1", false},
      {{block("64:ff9b::/96")}, "64:ff9b::7f00:1", false},
  };
  for (auto const& c : cases)
    EXPECT_EQ(may_contact(ip(c.address), c.may_reach), c.allowed)
        << c.address << " in " << (c.may_reach.empty() ? "nothing" : c.may_reach.front().text());
}

}  // namespace
}  // namespace lenscap::acme::test
