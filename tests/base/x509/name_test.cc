#include "base/x509/name.h"

#include <gtest/gtest.h>

namespace lenscap::x509 {
namespace {

struct DnsCase {
  char const* title;
  std::string text;
  std::string normal;  // empty: refused
};

// 8555-7.1.4-2
TEST(DnsName, Parse) {
  std::string const label63(63, 'a');
  std::string const name253 = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'a');
  DnsCase const cases[] = {
      {"plain", "cam1.example", "cam1.example"},
      {"single label", "nvr", "nvr"},
      {"localhost", "localhost", "localhost"},
      {"private suffix", "cam1.lan", "cam1.lan"},
      {"multicast suffix", "axis-00408c123456.local", "axis-00408c123456.local"},
      {"upper case is folded", "CAM1.Example", "cam1.example"},
      {"wildcard", "*.cams.example", "*.cams.example"},
      {"digits in front", "10.20.example", "10.20.example"},
      {"a label of digits", "123.example", "123.example"},
      {"A-label", "xn--bcher-kva.example", "xn--bcher-kva.example"},
      {"A-label in upper case", "XN--BCHER-KVA.example", "xn--bcher-kva.example"},
      {"A-label with sharp s", "xn--strae-oqa.example", "xn--strae-oqa.example"},
      {"label of 63", label63 + ".example", label63 + ".example"},
      {"name of 253", name253, name253},
      {"empty", "", ""},
      {"dot", ".", ""},
      {"trailing dot", "cam1.example.", ""},
      {"leading dot", ".cam1.example", ""},
      {"two dots", "cam1..example", ""},
      {"underscore", "_acme.example", ""},
      {"underscore inside", "cam_1.example", ""},
      {"space", "cam 1.example", ""},
      {"blank at the end", "cam1.example ", ""},
      {"newline", "cam1.example\n", ""},
      {"NUL inside", std::string("cam1\0.example", 13), ""},
      {"NUL at the end", std::string("cam1.example\0", 13), ""},
      {"slash", "cam1.example/x", ""},
      {"port", "cam1.example:443", ""},
      {"UTF-8",
       "b\xc3\xbc"
       "cher.example",
       ""},
      {"label of 64", label63 + "a.example", ""},
      {"name of 254", name253 + "a", ""},
      {"hyphen first", "-cam.example", ""},
      {"hyphen last", "cam-.example", ""},
      {"reserved label", "ab--cd.example", ""},
      {"star alone", "*", ""},
      {"star and dot", "*.", ""},
      {"star in the middle", "a.*.example", ""},
      {"two stars", "*.*", ""},
      {"two star labels", "*.*.example", ""},
      {"star as part", "a*.example", ""},
      {"star before letters", "*a.example", ""},
      {"punycode that is none", "xn--a.example", ""},
      {"punycode of nothing", "xn--.example", ""},
      {"punycode of plain ASCII", "xn--abc-.example", ""},
      {"punycode of upper case", "xn--Bcher-Kva-.example", ""},
      {"punycode of capital U umlaut", "xn--bcher-4pa.example", ""},
      {"punycode of a forbidden sign", "xn--4ca0b.xn--i-7iq", ""},
      {"IPv4", "192.0.2.1", ""},
      {"IPv4 behind a star", "*.2.1", ""},
      {"short IPv4", "10.1", ""},
      {"number", "167772161", ""},
      {"last label of digits", "cam.example.123", ""},
      {"hex number", "0x7f000001", ""},
      {"hex last label", "cam.0X1f", ""},
      {"IPv6", "2001:db8::1", ""},
      {"IPv6 in brackets", "[2001:db8::1]", ""},
  };
  for (auto const& c : cases) {
    auto const parsed = DnsName::parse(c.text);
    EXPECT_EQ(parsed.ok(), !c.normal.empty()) << c.title;
    if (parsed.ok()) {
      EXPECT_EQ(parsed->text(), c.normal) << c.title;
    } else {
      EXPECT_EQ(parsed.error().code(), Errc::malformed) << c.title;
    }
  }
}

TEST(DnsName, RefusalShowsNoControlCharacters) {
  auto const parsed = DnsName::parse("evil\n\x1b[31m.example");
  ASSERT_FALSE(parsed.ok());
  for (char c : parsed.error().detail()) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
}

TEST(DnsName, Wildcard) {
  auto const name = DnsName::parse("*.cams.example").value();
  EXPECT_TRUE(name.is_wildcard());
  EXPECT_EQ(name.base().text(), "cams.example");
  EXPECT_FALSE(name.base().is_wildcard());
  EXPECT_EQ(name.base().base(), name.base());
}

TEST(DnsName, IsWithin) {
  struct Case {
    char const *name, *suffix;
    bool within;
  };
  Case const cases[] = {
      {"cams.example", "cams.example", true},      {"a.cams.example", "cams.example", true},
      {"a.b.cams.example", "cams.example", true},  {"badcams.example", "cams.example", false},
      {"cams.example", "a.cams.example", false},   {"example", "cams.example", false},
      {"cams.example.org", "cams.example", false}, {"*.cams.example", "cams.example", true},
      {"*.example", "cams.example", false},        {"*.badcams.example", "cams.example", false},
  };
  for (auto const& c : cases) {
    EXPECT_EQ(DnsName::parse(c.name)->is_within(*DnsName::parse(c.suffix)), c.within) << c.name << " in " << c.suffix;
  }
}

// 8738-3-1
TEST(IpAddress, Parse) {
  char const* const good[] = {"0.0.0.0",
                              "10.20.30.40",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "1::",
                              "2001:db8::1",
                              "2001:db8:0:1:1:1:1:1",
                              "fe80::1:0:0:1",
                              "0:1:2:3:4:5:6:7",
                              "1:2:3:4:5:6:7:8",
                              "64:ff9b::c000:201",
                              "::102:304"};
  for (auto const* text : good) {
    auto const address = IpAddress::parse(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->text(), text);
    EXPECT_EQ(*IpAddress::from_octets(address->octets()), *address);
  }
  std::string const bad[] = {"",
                             " ",
                             "10.1",
                             "1.2.3",
                             "1.2.3.4.5",
                             "010.0.0.1",
                             "10.0.0.01",
                             "0x0a.0.0.1",
                             "167772161",
                             "256.0.0.1",
                             " 10.0.0.1",
                             "10.0.0.1 ",
                             "10.0.0.1\n",
                             std::string("10.0.0.1\0", 9),
                             std::string("10.0.0.1\0.5", 11),
                             "10.0.0.1/32",
                             "-1.0.0.1",
                             "1.2.3.4%eth0",
                             "[::1]",
                             "::1%1",
                             "fe80::1%eth0",
                             "2001:DB8::1",
                             "::1:2:3:4:5:6:7",
                             "2001:0db8::1",
                             "2001:db8:0:0:0:0:0:1",
                             "2001:db8::1:1:1:1:1",
                             "0:0:0:0:0:0:0:0",
                             "1::0",
                             "::0:1",
                             "::1.2.3.4",
                             "::ffff:10.0.0.1",
                             "::ffff:a00:1",
                             "64:ff9b::192.0.2.1",
                             ":::",
                             "1:2:3:4:5:6:7",
                             "1:2:3:4:5:6:7:8:9",
                             std::string(300, '1')};
  for (auto const& text : bad) {
    auto const address = IpAddress::parse(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.error().code(), Errc::malformed);
  }
}

TEST(IpAddress, RefusalNamesTheUsualSpelling) {
  EXPECT_NE(IpAddress::parse("2001:DB8:0::1").error().detail().find("write 2001:db8::1"), std::string::npos);
}

TEST(IpAddress, FromOctets) {
  EXPECT_TRUE(IpAddress::from_octets(Bytes{10, 0, 0, 1}).ok());
  EXPECT_TRUE(IpAddress::from_octets(Bytes(16)).ok());
  for (std::size_t size : {0U, 1U, 3U, 5U, 8U, 15U, 17U, 32U}) EXPECT_FALSE(IpAddress::from_octets(Bytes(size)).ok());
  Bytes mapped(16);
  mapped[10] = mapped[11] = 0xff;
  EXPECT_FALSE(IpAddress::from_octets(mapped).ok());
}

TEST(IpAddress, UrlHost) {
  EXPECT_EQ(IpAddress::parse("10.0.0.1")->url_host(), "10.0.0.1");
  EXPECT_EQ(IpAddress::parse("2001:db8::1")->url_host(), "[2001:db8::1]");
}

TEST(IpBlock, Parse) {
  for (auto const* text : {"10.20.0.0/15", "0.0.0.0/0", "::/0", "192.0.2.1/32", "2001:db8::/32", "2001:db8::1/128",
                           "128.0.0.0/1", "fc00::/7"}) {
    auto const block = IpBlock::parse(text);
    ASSERT_TRUE(block.ok()) << text;
    EXPECT_EQ(block->text(), text);
  }
  for (auto const* text : {"", "/", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8 ",
                           "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.1/8", "10.20.0.0/14 ", "10.21.0.0/15", "::1/127",
                           "::/129", "10.0.0/8", "10.0.0.0/255.0.0.0", "::ffff:0:0/96", "10.0.0.0/0000008"}) {
    auto const block = IpBlock::parse(text);
    ASSERT_FALSE(block.ok()) << text;
    EXPECT_EQ(block.error().code(), Errc::malformed);
  }
}

TEST(IpBlock, RefusalSaysWhatMayBeMeant) {
  EXPECT_NE(IpBlock::parse("10.21.3.4/15").error().detail().find("10.20.0.0/15"), std::string::npos);
  EXPECT_NE(IpBlock::parse("10.21.3.4").error().detail().find("10.21.3.4/32"), std::string::npos);
  EXPECT_NE(IpBlock::parse("fc00::1").error().detail().find("fc00::1/128"), std::string::npos);
}

TEST(IpBlock, Contains) {
  struct Case {
    char const *block, *address;
    bool inside;
  };
  Case const cases[] = {
      {"10.20.0.0/15", "10.20.0.0", true},
      {"10.20.0.0/15", "10.21.255.255", true},
      {"10.20.0.0/15", "10.22.0.0", false},
      {"10.20.0.0/15", "10.19.255.255", false},
      {"0.0.0.0/0", "255.1.2.3", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "2001:db8::1", true},
      {"::/0", "10.0.0.1", false},
      {"192.0.2.1/32", "192.0.2.1", true},
      {"192.0.2.1/32", "192.0.2.0", false},
      {"2001:db8::/33", "2001:db8:7fff::", true},
      {"2001:db8::/33", "2001:db8:8000::", false},
  };
  for (auto const& c : cases) {
    EXPECT_EQ(IpBlock::parse(c.block)->contains(*IpAddress::parse(c.address)), c.inside) << c.block << " " << c.address;
  }
  auto const wide = IpBlock::parse("10.0.0.0/8").value();
  auto const narrow = IpBlock::parse("10.20.0.0/15").value();
  EXPECT_TRUE(wide.contains(narrow));
  EXPECT_TRUE(wide.contains(wide));
  EXPECT_FALSE(narrow.contains(wide));
  EXPECT_FALSE(IpBlock::all_v4().contains(IpBlock::all_v6()));
  EXPECT_TRUE(IpBlock::all_v4().contains(wide));
}

TEST(NameSet, TextForPeople) {
  NameSet names;
  EXPECT_EQ(names.text(), "");
  names.ip.insert(*IpAddress::parse("10.0.0.1"));
  names.dns.insert(*DnsName::parse("cam1.example"));
  EXPECT_EQ(names.text(), "cam1.example, 10.0.0.1");
  EXPECT_EQ(names.size(), 2U);
}

}  // namespace
}  // namespace lenscap::x509
