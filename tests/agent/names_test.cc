#include "agent/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lenscap::agent {
namespace {

using ::testing::HasSubstr;

NameFacts const kFacts{"10.20.4.119", "axis-accc8e68d4d2", "ACCC8E68D4D2", "P1367"};
std::vector<std::string> const kUsual = {"{ip}", "{hostname}.cams.example"};

TEST(NamesFor, Cases) {
  struct Case {
    char const* name;
    std::vector<std::string> templates;
    NameFacts facts;
    char const* wanted;
    char const* names;
    char const* common_name;
  };
  Case const cases[] = {
      {"usual", kUsual, kFacts, "", "axis-accc8e68d4d2.cams.example, 10.20.4.119", "axis-accc8e68d4d2.cams.example"},
      {"--name", kUsual, kFacts, "Door.cams.example", "door.cams.example, 10.20.4.119", "door.cams.example"},
      {"--name without host name",
       kUsual,
       {"10.0.0.1", "", "S", ""},
       "door.cams.example",
       "door.cams.example, 10.0.0.1",
       "door.cams.example"},
      {"serial",
       {"{serial}.cams.example"},
       kFacts,
       "",
       "accc8e68d4d2.cams.example, 10.20.4.119",
       "accc8e68d4d2.cams.example"},
      {"only the address", {"{ip}"}, kFacts, "", "10.20.4.119", ""},
      {"no template", {}, kFacts, "", "10.20.4.119", ""},
      {"IPv6", {"{ip}"}, {"fd00::7", "", "S", ""}, "", "fd00::7", ""},
      {"dialled by name",
       kUsual,
       {"gate.cams.example", "cam7", "S", ""},
       "",
       "cam7.cams.example, gate.cams.example",
       "cam7.cams.example"},
      {"host name with domain",
       kUsual,
       {"10.0.0.1", "CAM7.other.example", "S", ""},
       "",
       "cam7.cams.example, 10.0.0.1",
       "cam7.cams.example"},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    auto result = names_for(c.templates, c.facts, c.wanted);
    ASSERT_TRUE(result.ok()) << result.error().detail();
    EXPECT_EQ(result->names.text(), c.names);
    EXPECT_EQ(result->common_name, c.common_name);
  }
}

TEST(NamesFor, AHostNameIsAnAttackersText) {
  for (auto hostname : {"", ".", "-cam", "cam-", "c am", "c\nam", "*", "cam_1", "caf\xc3\xa9", "{ip}",
                        "a123456789b123456789c123456789d123456789e123456789f123456789g1234"}) {
    auto result = names_for(kUsual, {"10.0.0.1", hostname, "S", ""}, "");
    ASSERT_FALSE(result.ok()) << hostname;
    EXPECT_EQ(result.error().code(), Errc::rejected_identifier);
    EXPECT_THAT(result.error().detail(), HasSubstr("--name"));
  }
}

TEST(NamesFor, TooLongForACommonNameIsStillAName) {
  std::string label(60, 'a');
  auto result = names_for({}, kFacts, label + ".cams.example");
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->names.dns.size(), 1U);
  EXPECT_EQ(result->common_name, "");
}

TEST(NamesFor, RefusesUnusableWishes) {
  for (auto wanted : {"*.cams.example", "10.0.0.1", "no name", "-x.example"}) {
    EXPECT_FALSE(names_for(kUsual, kFacts, wanted).ok()) << wanted;
  }
  EXPECT_FALSE(names_for(kUsual, {"not an address", "cam", "S", ""}, "").ok());
}

TEST(CheckNameTemplates, Cases) {
  EXPECT_TRUE(check_name_templates(kUsual).ok());
  EXPECT_TRUE(check_name_templates({"cam-{serial}.cams.example", "{hostname}.a.example"}).ok());
  struct Case {
    char const* text;
    char const* why;
  };
  Case const cases[] = {
      {"{ip}.cams.example", "stands alone"},
      {"{model}.cams.example", "known are"},
      {"{hostname.example", "known are"},
      {"cam.cams.example", "all devices"},
      {"*.{hostname}.example", "wildcard"},
      {"{hostname}..example", ""},
      {"", "all devices"},
      {"{hostname}_.example", ""},
  };
  for (auto const& c : cases) {
    auto checked = check_name_templates({c.text});
    ASSERT_FALSE(checked.ok()) << c.text;
    EXPECT_EQ(checked.error().code(), Errc::settings);
    EXPECT_THAT(checked.error().detail(), HasSubstr(c.why));
  }
}

}  // namespace
}  // namespace lenscap::agent
