// One set of name constraints beside another. What OpenSSL says of it: name_judges_test.cc.
#include "ca/constraint_order.h"

#include <gtest/gtest.h>

#include "tests/ca/random_names.h"

namespace lenscap::ca::test {
namespace {

using x509::NameConstraints;

NameConstraints permit(std::vector<std::string> const& dns, std::vector<std::string> const& ip) {
  std::vector<x509::DnsName> names;
  std::vector<x509::IpBlock> blocks;
  for (auto const& text : dns) names.push_back(x509::DnsName::parse(text).value());
  for (auto const& text : ip) blocks.push_back(x509::IpBlock::parse(text).value());
  return NameConstraints::permit_only(std::move(names), std::move(blocks));
}

template <class T>
std::vector<T> all_of(std::vector<std::string> const& texts) {
  std::vector<T> all;
  for (auto const& text : texts) all.push_back(T::parse(text).value());
  return all;
}
NameConstraints mail(std::vector<std::string> const& permitted, std::vector<std::string> const& excluded = {}) {
  NameConstraints one;
  one.permitted_mail = all_of<x509::MailSubtree>(permitted);
  one.excluded_mail = all_of<x509::MailSubtree>(excluded);
  return one;
}
NameConstraints uri(std::vector<std::string> const& permitted, std::vector<std::string> const& excluded = {}) {
  NameConstraints one;
  one.permitted_uri = all_of<x509::UriSubtree>(permitted);
  one.excluded_uri = all_of<x509::UriSubtree>(excluded);
  return one;
}
NameConstraints directory(std::vector<std::string> const& permitted, std::vector<std::string> const& excluded = {}) {
  NameConstraints one;
  one.permitted_directory = all_of<x509::DirectoryName>(permitted);
  one.excluded_directory = all_of<x509::DirectoryName>(excluded);
  return one;
}

TEST(IsNarrowerOrEqual, ByNamesAndAddressesOfHosts) {
  auto const whole = permit({"cams.example"}, {"10.20.0.0/15"});
  auto without_a_part = whole;
  without_a_part.excluded_dns = {x509::DnsName::parse("secret.cams.example").value()};
  without_a_part.excluded_ip.push_back(x509::IpBlock::parse("10.20.9.0/24").value());
  struct Case {
    char const* why;
    std::optional<x509::NameConstraints> inner, outer;
    bool is;
  };
  for (auto const& c : std::vector<Case>{
           {"the same", whole, whole, true},
           {"a part", permit({"p4.cams.example"}, {"10.20.4.0/24"}), whole, true},
           {"names alone", permit({"p4.cams.example"}, {}), whole, true},
           {"addresses alone", permit({}, {"10.21.0.0/16"}), whole, true},
           {"another suffix", permit({"bank.example"}, {}), whole, false},
           {"a wider suffix", permit({"example"}, {}), whole, false},
           {"a wider network", permit({}, {"10.20.0.0/14"}), whole, false},
           {"a part, and more", permit({"p4.cams.example"}, {"10.22.0.0/16"}), whole, false},
           {"addresses of the other kind", permit({}, {"fd00::/16"}), whole, false},
           {"names where there are none", permit({"cams.example"}, {}), permit({}, {"10.20.0.0/15"}), false},
           {"inside of what is not limited", whole, std::nullopt, true},
           {"not limited", std::nullopt, whole, false},
           {"without what the other excludes", whole, without_a_part, false},
           {"beside what the other excludes", permit({"p4.cams.example"}, {"10.20.4.0/24"}), without_a_part, true},
           {"with what the other excludes", permit({"p4.cams.example"}, {"10.20.8.0/23"}), without_a_part, false},
       })
    EXPECT_EQ(is_narrower_or_equal(c.inner, c.outer), c.is) << c.why;
}

TEST(IsNarrowerOrEqual, ByMailUriAndDirectoryNames) {
  NameConstraints no_mail;
  no_mail.excludes_all_mail = true;
  struct Case {
    char const* why;
    NameConstraints inner, outer;
    bool is;
  };
  for (auto const& c : std::vector<Case>{
           {"a mailbox of the host", mail({"info@mail.example"}), mail({"mail.example"}), true},
           {"the host of a mailbox", mail({"mail.example"}), mail({"info@mail.example"}), false},
           {"a host below the domain", mail({"a.mail.example"}), mail({".mail.example"}), true},
           {"a domain below the domain", mail({".a.mail.example"}), mail({".mail.example"}), true},
           {"the same domain", mail({".mail.example"}), mail({".mail.example"}), true},
           {"the domain's own host", mail({"mail.example"}), mail({".mail.example"}), false},
           {"all hosts below a host", mail({".mail.example"}), mail({"mail.example"}), false},
           {"mail that is not limited", {}, mail({"mail.example"}), false},
           {"nobody's mail", mail({"invalid"}), mail({"mail.example"}), true},
           {"nobody's mail where there is none", mail({"invalid"}), no_mail, true},
           {"somebody's mail where there is none", mail({"mail.example"}), no_mail, false},
           {"somebody's mail where only nobody's is", mail({"mail.example"}), mail({"invalid"}), false},
           {"without what the other excludes", mail({".mail.example"}), mail({}, {"info@a.mail.example"}), false},
           {"with what the other excludes", mail({}, {"mail.example"}), mail({}, {"info@mail.example"}), true},
           {"beside what the other excludes", mail({"b.example"}), mail({}, {"mail.example"}), true},
           {"a host of the URIs", uri({"a.web.example"}), uri({".web.example"}), true},
           {"another host of URIs", uri({"web.example"}), uri({".web.example"}), false},
           {"URIs that are not limited", {}, uri({"web.example"}), false},
           {"a part of the organization", directory({"OU=Plant 4,O=Example"}), directory({"O=Example"}), true},
           {"more than the organization", directory({"O=Example"}), directory({"OU=Plant 4,O=Example"}), false},
           {"names that are not limited", {}, directory({"O=Example"}), false},
           {"a part that is excluded", directory({"O=Example"}), directory({}, {"OU=Plant 5,O=Example"}), false},
           {"a part beside it", directory({"OU=Plant 4,O=Example"}), directory({}, {"OU=Plant 5,O=Example"}), true},
       })
    EXPECT_EQ(is_narrower_or_equal(c.inner, c.outer), c.is) << c.why;
}

// RFC 5280 4.2.1.10: where blocks of one version alone are permitted, no address of the other is.
TEST(IsNarrowerOrEqual, TheOtherVersionOfAddresses) {
  NameConstraints v4, v6;
  v4.permitted_ip = {x509::IpBlock::parse("10.20.0.0/15").value()};
  v6.permitted_ip = {x509::IpBlock::parse("fd00::/16").value()};
  EXPECT_FALSE(is_narrower_or_equal(v6, v4));
  EXPECT_FALSE(is_narrower_or_equal(v4, v6));
  EXPECT_TRUE(is_narrower_or_equal(v4, v4));
}

TEST(IsNarrowerOrEqual, WhatIsNotKnownIsNeither) {
  NameConstraints unknown;
  unknown.has_other_types = true;
  EXPECT_FALSE(is_narrower_or_equal(unknown, NameConstraints{}));
  EXPECT_FALSE(is_narrower_or_equal(NameConstraints{}, unknown));
}

TEST(KeepLimitsOf, LeavesNothingThatTheOuterForbids) {
  auto const kept = [](NameConstraints const& outer, NameConstraints inner) {
    keep_limits_of(outer, inner);
    return inner;
  };
  EXPECT_EQ(kept(mail({".mail.example"}), mail({"a.mail.example", "b.example"})), mail({"a.mail.example"}));
  EXPECT_EQ(kept(mail({"a.mail.example"}), mail({".mail.example"})), mail({"a.mail.example"}));
  EXPECT_EQ(kept(mail({"mail.example"}), mail({"other.example"})), mail({"invalid"}));
  EXPECT_EQ(kept(mail({"mail.example"}), {}), mail({"mail.example"}));
  EXPECT_EQ(kept({}, mail({"mail.example"})), mail({"mail.example"}));
  EXPECT_EQ(kept(uri({}, {"web.example"}), uri({".web.example"})), uri({".web.example"}, {"web.example"}));
  EXPECT_EQ(kept(directory({"O=Example"}), {}), directory({"O=Example"}));
  EXPECT_EQ(kept(directory({"O=Example"}), directory({"OU=Plant 4,O=Example"})), directory({"OU=Plant 4,O=Example"}));
  EXPECT_FALSE(is_narrower_or_equal(kept(directory({"O=A"}), directory({"O=B"})), directory({"O=A"})))
      << "nothing is in both, and no name stands for nothing";
  NameConstraints no_mail;
  no_mail.excludes_all_mail = true;
  EXPECT_EQ(kept(no_mail, mail({"mail.example"})), mail({"invalid"}));
}

// By our own verdict on names, over many sets: OpenSSL's is asked in name_judges_test.cc.
TEST(IsNarrowerOrEqual, PermitsNothingMore) {
  RandomNames random(5280);
  int narrower = 0;
  for (int set = 0; set < 3'000; ++set) {
    auto const outer = random.constraints({});
    auto inner = random.constraints({});
    if (random.once_in(2)) {
      inner.permitted_dns = outer.permitted_dns;
      inner.permitted_ip = outer.permitted_ip;
      inner.excludes_all_dns = outer.excludes_all_dns;
    }
    keep_limits_of(outer, inner);
    if (!is_narrower_or_equal(inner, outer)) continue;
    ++narrower;
    for (int i = 0; i < 20; ++i) {
      auto const both = [&](auto const& verdict, std::string const& name) {
        EXPECT_TRUE(!verdict(inner) || verdict(outer))
            << name << "\n  inner: " << inner.text() << "\n  outer: " << outer.text();
      };
      auto const hosts = random.hosts();
      both([&](NameConstraints const& by) { return by.test(hosts).ok(); }, hosts.text());
      auto const address = random.mail();
      both([&](NameConstraints const& by) { return by.test_mail(address).ok(); }, address);
      auto const link = random.uri();
      both([&](NameConstraints const& by) { return by.test_uri(link).ok(); }, link);
      auto const name = random.directory(3);
      both([&](NameConstraints const& by) { return by.test(name).ok(); }, name.text());
    }
  }
  EXPECT_GT(narrower, 300) << "the generator is worth something only while they are common";
}

}  // namespace
}  // namespace lenscap::ca::test
