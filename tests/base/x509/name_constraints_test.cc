#include "base/x509/name_constraints.h"

#include <gtest/gtest.h>

#include "base/x509/der.h"

namespace lenscap::x509 {
namespace {

std::vector<DnsSubtree> dns(std::initializer_list<char const*> texts) {
  std::vector<DnsSubtree> out;
  for (auto const* text : texts) out.push_back(*DnsSubtree::parse(text));
  return out;
}
std::vector<DnsName> names(std::initializer_list<char const*> texts) {
  std::vector<DnsName> out;
  for (auto const* text : texts) out.push_back(*DnsName::parse(text));
  return out;
}
std::vector<IpBlock> blocks(std::initializer_list<char const*> texts) {
  std::vector<IpBlock> out;
  for (auto const* text : texts) out.push_back(*IpBlock::parse(text));
  return out;
}

// A name or an address, whichever the text is.
bool allows(NameConstraints const& constraints, char const* text) {
  auto const address = IpAddress::parse(text);
  auto const result = address.ok() ? constraints.test(*address) : constraints.test(*DnsName::parse(text));
  if (!result.ok()) {
    EXPECT_EQ(result.error().code(), Errc::rejected_identifier);
    EXPECT_TRUE(result.error().detail().starts_with(text));
  }
  return result.ok();
}

TEST(NameConstraints, Test) {
  struct Case {
    char const* title;
    NameConstraints constraints;
    std::vector<char const*> allowed, refused;
  };
  Case const cases[] = {
      {"nothing said", {}, {"cam.example", "*.example", "10.0.0.1", "2001:db8::1"}, {}},
      {"one suffix",
       {.permitted_dns = dns({"cams.example"})},
       {"cams.example", "a.cams.example", "a.b.cams.example", "*.cams.example", "*.a.cams.example", "10.0.0.1"},
       {"example", "xcams.example", "cams.example.org", "other.example", "*.example", "*.xcams.example"}},
      {"two suffixes",
       {.permitted_dns = dns({"cams.example", "lan"})},
       {"a.cams.example", "nvr.lan", "lan", "*.lan"},
       {"example", "lan.example"}},
      {"excluded below permitted",
       {.permitted_dns = dns({"example"}), .excluded_dns = dns({"secret.example"})},
       {"cam.example", "*.cams.example", "notsecret.example"},
       // a wildcard would cover what is excluded
       {"secret.example", "a.secret.example", "*.secret.example", "*.example", "test"}},
      {"excluded alone", {.excluded_dns = dns({"secret.example"})}, {"example", "cam.test"}, {"secret.example"}},
      {"all DNS excluded",
       {.permitted_ip = blocks({"10.0.0.0/8"}), .excludes_all_dns = true},
       {"10.1.2.3"},
       {"example", "*.example", "localhost", "11.0.0.1"}},
      {"blocks",
       {.permitted_ip = blocks({"10.20.0.0/15", "2001:db8::/32"})},
       {"10.20.0.0", "10.21.255.255", "2001:db8::1", "cam.example"},
       {"10.22.0.0", "10.19.255.255", "2001:db9::", "::"}},
      {"only IPv4 permitted", {.permitted_ip = blocks({"10.0.0.0/8"})}, {"10.0.0.1"}, {"2001:db8::1", "11.0.0.1"}},
      {"all addresses excluded", {.excluded_ip = blocks({"0.0.0.0/0", "::/0"})}, {"a.example"}, {"1.2.3.4", "::1"}},
      {"hole in a block",
       {.permitted_ip = blocks({"10.0.0.0/8"}), .excluded_ip = blocks({"10.1.0.0/16"})},
       {"10.0.0.1", "10.2.0.0"},
       {"10.1.0.1", "10.1.255.255"}},
      {"below a name alone",
       {.permitted_dns = dns({".cams.example"})},
       {"a.cams.example", "a.b.cams.example", "*.cams.example", "*.a.cams.example"},
       {"cams.example", "example", "xcams.example", "*.example", "a.xcams.example"}},
      {"excluded below a name alone",
       {.excluded_dns = dns({".cams.example"})},
       {"cams.example", "example", "xcams.example", "*.xcams.example"},
       {"a.cams.example", "*.cams.example", "*.example", "*.a.cams.example"}},
      {"what cannot be read", {.unreadable = "why"}, {}, {"cam.example", "10.0.0.1"}},
      {"types that we do not know", {.has_other_types = true}, {}, {"cam.example", "10.0.0.1"}},
  };
  for (auto const& c : cases) {
    for (auto const* text : c.allowed) EXPECT_TRUE(allows(c.constraints, text)) << c.title << ": " << text;
    for (auto const* text : c.refused) EXPECT_FALSE(allows(c.constraints, text)) << c.title << ": " << text;
  }
}

TEST(NameConstraints, TestOfASetNamesEachRefusal) {
  NameConstraints const constraints{.permitted_dns = dns({"cams.example"}), .permitted_ip = blocks({"10.0.0.0/8"})};
  NameSet names{{*DnsName::parse("a.cams.example"), *DnsName::parse("evil.example")},
                {*IpAddress::parse("10.0.0.1"), *IpAddress::parse("192.0.2.1")}};
  auto const result = constraints.test(names);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Errc::rejected_identifier);
  ASSERT_EQ(result.error().sub.size(), 2U);
  EXPECT_EQ(result.error().sub[0].identifier_type, "dns");
  EXPECT_EQ(result.error().sub[0].identifier_value, "evil.example");
  EXPECT_EQ(result.error().sub[1].identifier_type, "ip");
  EXPECT_EQ(result.error().sub[1].identifier_value, "192.0.2.1");
  EXPECT_NE(result.error().detail().find("evil.example"), std::string::npos);
  EXPECT_NE(result.error().detail().find("192.0.2.1"), std::string::npos);
  names.dns.erase(*DnsName::parse("evil.example"));
  names.ip.erase(*IpAddress::parse("192.0.2.1"));
  EXPECT_TRUE(constraints.test(names).ok());
  EXPECT_TRUE(constraints.test(NameSet{}).ok());
}

TEST(NameConstraints, PermitOnlyLeavesNothingUnlimited) {
  struct Case {
    NameConstraints constraints;
    char const* text;
    std::vector<char const*> allowed, refused;
  };
  Case const cases[] = {
      {NameConstraints::permit_only(names({"cams.example"}), blocks({"10.20.0.0/15"})),
       "DNS cams.example; IP 10.20.0.0/15; no IPv6 addresses, mail addresses or URIs",
       {"a.cams.example", "10.20.0.1"},
       {"example", "10.0.0.1", "2001:db8::1"}},
      {NameConstraints::permit_only(names({"cams.example"}), blocks({"fd00::/8"})),
       "DNS cams.example; IP fd00::/8; no IPv4 addresses, mail addresses or URIs",
       {"a.cams.example", "fd00::1"},
       {"example", "10.0.0.1", "2001:db8::1"}},
      {NameConstraints::permit_only(names({"cams.example"}), blocks({"10.0.0.0/8", "fd00::/8"})),
       "DNS cams.example; IP 10.0.0.0/8, fd00::/8; no mail addresses or URIs",
       {"fd00::1", "10.0.0.1"},
       {"11.0.0.1", "2001:db8::1"}},
      {NameConstraints::permit_only(names({"cams.example"}), {}),
       "DNS cams.example; no IP addresses, mail addresses or URIs",
       {"cams.example"},
       {"10.0.0.1", "::1", "example"}},
      {NameConstraints::permit_only({}, blocks({"10.0.0.0/8"})),
       "IP 10.0.0.0/8; no DNS names, IPv6 addresses, mail addresses or URIs",
       {"10.0.0.1"},
       {"cams.example", "::1"}},
      {NameConstraints::permit_only({}, {}),
       "no DNS names, IP addresses, mail addresses or URIs",
       {},
       {"10.0.0.1", "::1", "localhost"}},
  };
  for (auto const& c : cases) {
    EXPECT_EQ(c.constraints.text(), c.text);
    for (auto const* text : c.allowed) EXPECT_TRUE(allows(c.constraints, text)) << c.text << ": " << text;
    for (auto const* text : c.refused) EXPECT_FALSE(allows(c.constraints, text)) << c.text << ": " << text;
    EXPECT_EQ(NameConstraints::from_der(c.constraints.to_der()).value(), c.constraints);
    EXPECT_FALSE(c.constraints.test_mail("info@cams.example").ok());
    EXPECT_FALSE(c.constraints.test_uri("https://cams.example/").ok());
    EXPECT_FALSE(c.constraints.test_uri("https://invalid/").ok());
    EXPECT_TRUE(c.constraints.test(*DirectoryName::parse("CN=cam1.cams.example")).ok());
  }
}

// 5280-4.2.1.10-1
TEST(NameConstraints, ToDerIsWhatRfc5280Writes) {
  auto const constraints = NameConstraints::permit_only(names({"cams.example"}), blocks({"10.20.0.0/15", "fd00::/8"}));
  EXPECT_EQ(to_hex(constraints.to_der()),
            "3065"
            "a056"
            "300e820c63616d732e6578616d706c65"
            "300a87080a140000fffe0000"
            "30228720fd000000000000000000000000000000ff000000000000000000000000000000"
            "30098107696e76616c6964"
            "30098607696e76616c6964"
            "a10b"
            "30098607696e76616c6964");
  EXPECT_EQ(to_hex(NameConstraints::permit_only(names({"lan"}), {}).to_der()),
            "305c"
            "a01d"
            "300582036c616e"
            "30098107696e76616c6964"
            "30098607696e76616c6964"
            "a13b"
            "300a87080000000000000000"
            "302287200000000000000000000000000000000000000000000000000000000000000000"
            "30098607696e76616c6964");
}

enum class Read { all, not_a_subtree, nothing };

TEST(NameConstraints, FromDer) {
  struct Case {
    char const *title, *hex;
    Read read;
  };
  using enum Read;
  Case const cases[] = {
      {"permitted DNS", "300ba009300782056c2e74736c", all},
      {"empty name excluded", "3006a10430028200", all},
      {"empty name permitted", "3006a00430028200", all},
      {"permitted and excluded", "3014a009300782056c2e74736ca1073005820361 2e62", all},
      {"block", "300ea00c300a87080a140000fffe0000", all},
      {"mail", "3009a00730058103612e62", all},
      {"mail of a domain", "300aa008300681042e612e62", all},
      {"mailbox", "300ba0093007810563 40612e62", all},
      {"mail of no host", "3009a0073005810340612e", not_a_subtree},
      {"wildcard as mail", "300ba009300781052a2e612e62", not_a_subtree},
      {"URI", "3009a00730058603612e62", all},
      {"whole URI as subtree", "300fa00d300b8609 7369703a2f2f612e62", not_a_subtree},
      {"directory name of Germany", "3015a0133011a40f300d310b3009060355040613024445", all},
      {"directory name without a SET", "3013a011300fa40d300b3009060355040613024445", not_a_subtree},
      {"nothing", "", nothing},
      {"empty sequence", "3000", nothing},
      {"empty list", "3002a000", nothing},
      {"empty subtree", "3004a0023000", nothing},
      {"trailing", "300ba009300782056c2e74736c00", nothing},
      {"trailing inside", "300ca009300782056c2e74736c00", nothing},
      {"excluded before permitted", "3014a1073005820361 2e62a009300782056c2e74736c", nothing},
      {"twice permitted", "3012a0073005820361 2e62a0073005820361 2e62", nothing},
      {"minimum 0 written", "300ea00c300a8205 6c2e74736c 800100", not_a_subtree},
      {"minimum 1", "300ea00c300a8205 6c2e74736c 800101", not_a_subtree},
      {"maximum", "300ea00c300a8205 6c2e74736c 810105", not_a_subtree},
      {"leading dot", "300aa00830068204 2e612e62", all},
      {"trailing dot", "300aa00830068204 612e622e", not_a_subtree},
      {"wildcard", "300ba00930078205 2a2e612e62", not_a_subtree},
      {"NUL in name", "300aa00830068204 6100 2e62", not_a_subtree},
      {"address of 4", "300aa00830068704 0a140000", not_a_subtree},
      {"address of 7", "300da00b30098707 0a140000fffe00", not_a_subtree},
      {"address of 9", "300fa00d300b8709 0a140000fffe000000", not_a_subtree},
      {"address of 16", "3016a01430128710 20010db8000000000000000000000000", not_a_subtree},
      {"address of 0", "3006a00430028700", not_a_subtree},
      {"mask with a hole", "300ea00c300a87080a140000ff00ff00", not_a_subtree},
      {"mask with a hole in an octet", "300ea00c300a87080a000000fd000000", not_a_subtree},
      {"mask upside down", "300ea00c300a8708000000000000ffff", not_a_subtree},
      {"host bits set", "300ea00c300a87080a140001ffff0000", not_a_subtree},
      {"IPv4-mapped", "3026a02430228720 00000000000000000000ffff00000000 ffffffffffffffffffffffff00000000",
       not_a_subtree},
      {"unknown GeneralName", "3009a00730058903612e62", nothing},
      {"DNS name in constructed form", "300ba0093007a2056c2e74736c", nothing},
      {"indefinite length", "3080a009300782056c2e74736c0000", nothing},
      {"long length", "30810ba009300782056c2e74736c", nothing},
      {"not a sequence", "310ba009300782056c2e74736c", nothing},
  };
  for (auto const& c : cases) {
    std::string hex;
    for (char digit : std::string(c.hex)) {
      if (digit != ' ') hex += digit;
    }
    auto const octets = from_hex(hex).value();
    auto const constraints = NameConstraints::from_der(octets);
    EXPECT_EQ(constraints.ok(), c.read != nothing)
        << c.title << (constraints.ok() ? "" : ": " + constraints.error().detail());
    if (!constraints.ok()) {
      EXPECT_EQ(constraints.error().code(), Errc::malformed) << c.title;
    } else if (c.read == not_a_subtree) {
      EXPECT_NE(constraints->unreadable, "") << c.title;
      EXPECT_FALSE(constraints->test(*DnsName::parse("cam.example")).ok()) << c.title;
    } else if (constraints->is_known() && *constraints != NameConstraints{}) {
      EXPECT_EQ(constraints->unreadable, "") << c.title;
      EXPECT_EQ(constraints->to_der(), octets) << c.title;
    }
  }
}

TEST(NameConstraints, FromDerKeepsWhatItCannotJudge) {
  auto const constraints = NameConstraints::from_der(*from_hex("3009a00730058803612e62")).value();  // registeredID
  EXPECT_TRUE(constraints.has_other_types);
  EXPECT_FALSE(constraints.test(*DnsName::parse("a.example")).ok());
}

TEST(NameConstraints, PermittingTheEmptyNamePermitsAll) {
  // [0] { dNSName "", dNSName "a.b" }
  auto const constraints = NameConstraints::from_der(*from_hex("300da00b300282003005820361"
                                                               "2e62"))
                               .value();
  EXPECT_TRUE(constraints.test(*DnsName::parse("cam.test")).ok());
}

// The types that this CA never issues: each by what it allows and refuses.
TEST(NameConstraints, TestOfOtherTypes) {
  auto const mail = [](char const* text) { return MailSubtree::parse(text).value(); };
  auto const uri = [](char const* text) { return UriSubtree::parse(text).value(); };
  auto const directory = [](char const* text) { return DirectoryName::parse(text).value(); };
  struct Case {
    char const* title;
    NameConstraints constraints;
    std::vector<char const*> allowed, refused;  // mail addresses with @, URIs with :, directory names
  };
  Case const cases[] = {
      {"nothing said", {}, {"info@a.example", "urn:a", "https://10.0.0.1", "O=A"}, {}},
      {"mail of a host",
       {.permitted_mail = {mail("mail.example")}},
       {"info@mail.example", "x@MAIL.example", "CN=a", "urn:a"},
       {"info@example", "info@a.mail.example", "info@mail.example.org", "mail.example@", "a b@mail.example"}},
      {"mail of a domain",
       {.permitted_mail = {mail(".example")}},
       {"a@b.example", "a@c.b.example"},
       {"a@example", "a@xexample"}},
      {"a mailbox",
       {.permitted_mail = {mail("info@Example.org")}},
       {"info@example.ORG"},
       {"Info@example.org", "x@example.org", "info@a.example.org"}},
      {"mail excluded", {.excluded_mail = {mail("example")}}, {"a@b.example"}, {"a@example", "emailAddress=a@example"}},
      {"host of URIs",
       {.permitted_uri = {uri("host.example")}},
       {"https://host.example", "https://HOST.example:8443/a", "sip://u@host.example", "http://host.example?x@y"},
       {"https://a.host.example", "https://example", "https://host.example@evil.test/", "https://10.0.0.1/",
        "https://[::1]/", "urn:host.example", "host.example:", "https:///x"}},
      {"domain of URIs",
       {.permitted_uri = {uri(".example")}},
       {"https://a.example/", "a://c.b.example"},
       {"https://example/"}},
      {"URIs excluded", {.excluded_uri = {uri("example")}}, {"https://a.example"}, {"https://example/", "urn:a"}},
      {"a directory name",
       {.permitted_directory = {directory("O=Example Cameras,C=DE")}},
       {"O=Example Cameras,C=DE", "CN=a,O=Example Cameras,C=DE", "CN=a,O=EXAMPLE   cameras,C=de"},
       {"C=DE", "O=Example,C=DE", "CN=a", "C=DE,O=Example Cameras"}},
      {"a directory name excluded",
       {.excluded_directory = {directory("O=Example,C=DE")}},
       {"C=DE", "O=Other,C=DE"},
       {"O=Example,C=DE", "OU=x,O=example,C=DE"}},
      {"mail in a directory name",
       {.permitted_mail = {mail("example")}},
       {"emailAddress=a@example,O=A", "O=A"},
       {"emailAddress=a@other.example,O=A"}},
  };
  auto const allows_it = [](NameConstraints const& constraints, std::string const& text) {
    if (auto const name = DirectoryName::parse(text); name.ok()) return constraints.test(*name).ok();
    return text.find(':') != std::string::npos ? constraints.test_uri(text).ok() : constraints.test_mail(text).ok();
  };
  for (auto const& c : cases) {
    for (auto const* text : c.allowed) EXPECT_TRUE(allows_it(c.constraints, text)) << c.title << ": " << text;
    for (auto const* text : c.refused) EXPECT_FALSE(allows_it(c.constraints, text)) << c.title << ": " << text;
    if (c.constraints == NameConstraints{}) continue;
    EXPECT_EQ(NameConstraints::from_der(c.constraints.to_der()).value(), c.constraints) << c.title;
  }
}

// RFC 5280 does not say what an empty mail address or host means: it allows nothing, wherever it stands.
TEST(NameConstraints, EmptyMailAndUriAllowNothing) {
  for (auto const* hex : {"3006a00430028100", "3006a10430028100", "3006a00430028600", "3006a10430028600"}) {
    auto const constraints = NameConstraints::from_der(*from_hex(hex)).value();
    bool const is_mail = std::string_view(hex).substr(12, 2) == "81";
    EXPECT_EQ(constraints.test_mail("a@b.example").ok(), !is_mail) << hex;
    EXPECT_EQ(constraints.test_mail("a@invalid").ok(), !is_mail) << hex;
    EXPECT_EQ(constraints.test_uri("https://b.example").ok(), is_mail) << hex;
    EXPECT_TRUE(constraints.test(*DnsName::parse("cam.example")).ok()) << hex;
  }
}

}  // namespace
}  // namespace lenscap::x509
