#include "base/config.h"

#include <gtest/gtest.h>

namespace lenscap::config {
namespace {

Reader reader(std::string_view text) { return Reader::parse(text, "ca.toml").value(); }

TEST(Reader, GivesValuesAndFallbacks) {
  auto r = reader(
      "[server]\nurl = \"https://a\"\nports = [\"1\", \"2\"]\nn = 5\non = true\nlife = "
      "\"90d\"\n[profiles.a]\n[profiles.b]\n");
  EXPECT_EQ(r.string("server.url", ""), "https://a");
  EXPECT_EQ(r.strings("server.ports", {}), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(r.integer("server.n", 0, 1, 9), 5);
  EXPECT_TRUE(r.boolean("server.on", false));
  EXPECT_EQ(r.duration("server.life", kDay), 90 * kDay);
  EXPECT_EQ(r.string("server.absent", "x"), "x");
  EXPECT_EQ(r.tables("profiles"), (std::vector<std::string>{"a", "b"}));
  r.string("profiles.a", "");  // asked for, so known; of the wrong type
  EXPECT_FALSE(r.finish().ok());
}

TEST(Reader, NamesTheNearestKnownKeyAndTheLine) {
  auto r = reader("[server]\nurl = \"x\"\nlisten_on = \"y\"\n");
  r.string("server.url", "");
  r.string("server.listen", "");
  EXPECT_EQ(r.finish().error().detail(),
            "ca.toml:3:13: server.listen_on: unknown setting; did you mean server.listen?");
}

TEST(Reader, RefusesWrongTypesAndRanges) {
  struct Case {
    char const* text;
    char const* error;
  };
  Case const cases[] = {
      {"a = 1", "a: must be text in quotes"},    {"n = 10", "n: must be a whole number from 1 to 9"},
      {"l = [1]", "l: must be a list of texts"}, {"b = \"yes\"", "b: must be true or false"},
      {"d = \"90\"", "d: must be a duration"},   {"[t]\nx = 1", "t: unknown setting"},
  };
  for (auto const& c : cases) {
    auto r = reader(c.text);
    r.string("a", "");
    r.integer("n", 1, 1, 9);
    r.strings("l", {});
    r.boolean("b", false);
    r.duration("d", kDay);
    auto const outcome = r.finish();
    ASSERT_FALSE(outcome.ok()) << c.text;
    EXPECT_NE(outcome.error().detail().find(c.error), std::string::npos) << outcome.error().detail();
  }
}

TEST(Reader, ShowsWhereTomlIsBroken) {
  auto const parsed = Reader::parse("a = \n", "ca.toml");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code(), Errc::settings);
  EXPECT_TRUE(parsed.error().detail().starts_with("ca.toml:1:")) << parsed.error().detail();
}

}  // namespace
}  // namespace lenscap::config
