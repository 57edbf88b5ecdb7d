#include "agent/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::agent {
namespace {

using ::testing::HasSubstr;

Result<Settings> parse(std::string_view text) { return parse_settings(text, "agent.toml", "/state"); }

TEST(Settings, WithoutAFileAreTheDefaults) {
  fakes::TempDir dir;
  auto settings = load_settings(dir.path());
  ASSERT_TRUE(settings.ok()) << settings.error().detail();
  Settings defaults;
  defaults.state_dir = dir.path();
  EXPECT_EQ(*settings, defaults);
}

TEST(Settings, OfAClosedFileAreNotTheDefaults) {
  fakes::TempDir dir;
  fakes::close_off(dir.path("agent.toml"));
  auto const settings = load_settings(dir.path());
  ASSERT_FALSE(settings.ok());
  EXPECT_THAT(settings.error().detail(), HasSubstr(dir.path("agent.toml")));
}

// What the installed example says is what happens without it.
TEST(Settings, TheExampleFileSaysTheDefaults) {
  auto text = read_file(std::string(LENSCAP_SOURCE_DIR) + "/conf/agent.toml");
  ASSERT_TRUE(text.ok());
  auto settings = parse(*text);
  ASSERT_TRUE(settings.ok()) << settings.error().detail();
  Settings defaults;
  defaults.state_dir = "/state";
  EXPECT_EQ(*settings, defaults);
}

TEST(Settings, EverySettingIsRead) {
  auto settings = parse(R"([site]
name = "hq"
parallel = 7
[devices]
names = ["{ip}", "{hostname}.cams.example"]
profile = "a"
profile_names_from_order = "b"
key_type = "rsa-2048"
verify_for = "5s"
verify_while_away = "10m"
[http_01]
listen = "[fd00::1]:8402"
[vault]
key = "credential:key"
[store]
url = "memory:"
)");
  ASSERT_TRUE(settings.ok()) << settings.error().detail();
  Settings expected;
  expected.state_dir = "/state";
  expected.site = "hq";
  expected.parallel = 7;
  expected.names = {"{ip}", "{hostname}.cams.example"};
  expected.profile = "a";
  expected.profile_names_from_order = "b";
  expected.key_type = "RSA-2048";
  expected.http_01 = {"fd00::1", 8402};
  expected.verify_for = Seconds(5);
  expected.verify_while_away = 10 * kMinute;
  expected.vault_key = "credential:key";
  expected.store = "memory:";
  EXPECT_EQ(*settings, expected);
}

TEST(Settings, ErrorsNamePlaceAndWhatToDo) {
  struct Case {
    std::string_view text;
    std::string_view place;
    std::string_view why;
  };
  constexpr Case kCases[] = {
      {"[site]\nparalel = 4\n", "agent.toml:2:", "did you mean site.parallel?"},
      {"[devices]\nname = [\"{ip}\"]\n", "agent.toml:2:", "did you mean devices.names?"},
      {"[vaultt]\nkey = \"prompt\"\n", "agent.toml:1:", "did you mean vault?"},
      {"[site]\nparallel = 0\n", "agent.toml:2:", "from 1 to 256"},
      {"[site]\nparallel = \"4\"\n", "agent.toml:2:", "whole number"},
      {"[devices]\nverify_for = \"0s\"\n", "agent.toml:2:", "from 1s to 1h"},
      {"[devices]\nverify_while_away = \"90d\"\n", "agent.toml:2:", "from 1s to 1h"},
      {"[devices]\nnames = [\"{mac}.example\"]\n", "agent.toml:2:", "known are"},
      {"[devices]\nnames = \"{ip}\"\n", "agent.toml:2:", "list of texts"},
      {"[http_01]\nlisten = \"80\"\n", "agent.toml:2:", "an address and a port"},
      {"[http_01]\nlisten = \"0.0.0.0\"\n", "agent.toml:2:", "an address and a port"},
      {"[http_01]\nlisten = \"localhost:80\"\n", "agent.toml:2:", "an address and a port"},
      {"[http_01]\nlisten = \"[::]\"\n", "agent.toml:2:", "an address and a port"},
      {"[site\n", "agent.toml:1:", ""},
  };
  for (auto const& c : kCases) {
    auto refused = parse(c.text);
    ASSERT_FALSE(refused.ok()) << c.text;
    EXPECT_EQ(refused.error().code(), Errc::settings);
    EXPECT_THAT(refused.error().detail(), HasSubstr(std::string(c.place)));
    EXPECT_THAT(refused.error().detail(), HasSubstr(std::string(c.why)));
  }
}

TEST(Settings, PathsAreOfTheStateDirectory) {
  Settings settings;
  settings.state_dir = "/state";
  EXPECT_EQ(settings.path("vault.key"), "/state/vault.key");
  EXPECT_EQ(settings.path("/etc/key"), "/etc/key");
}

}  // namespace
}  // namespace lenscap::agent
