#include "base/json.h"

#include <gtest/gtest.h>

namespace lenscap::json {
namespace {

TEST(Parse, KeepsValuesAndOrder) {
  auto const object = parse_object(R"({"b":1,"a":[true,null,"x\u00e9",-2.5],"c":{"d":"e"}})").value();
  EXPECT_EQ(object.members()[0].first, "b");
  EXPECT_EQ(need_int(object, "b").value(), 1);
  EXPECT_EQ(need_array(object, "a").value().size(), 4U);
  EXPECT_EQ(need_string(need_object(object, "c").value(), "d").value(), "e");
  EXPECT_EQ(write(object), "{\"b\":1,\"a\":[true,null,\"x\xC3\xA9\",-2.5],\"c\":{\"d\":\"e\"}}");
}

// Table J: each of these is malformed.
TEST(Parse, RefusesHostileText) {
  struct Case {
    char const* name;
    std::string text;
  };
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += '[';
  std::string wide = "[0";
  for (int i = 0; i < 600; ++i) wide += ",0";
  wide += ']';
  Case const cases[] = {
      {"empty", ""},
      {"trailing data", "{} {}"},
      {"duplicate member", R"({"a":1,"a":2})"},
      {"duplicate member by escape", R"({"a":1,"\u0061":2})"},
      {"invalid UTF-8", "{\"a\":\"\xff\"}"},
      {"overlong UTF-8", "{\"a\":\"\xc0\xaf\"}"},
      {"lone surrogate", R"({"a":"\ud800"})"},
      {"lone second surrogate", R"({"a":"x\ude00"})"},
      {"lone surrogate in a name", R"({"\udfff":1})"},
      {"surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}"},
      {"byte order mark", "\xEF\xBB\xBF{}"},
      {"U+0000 in a string", R"({"a":"x\u0000y"})"},
      {"U+0000 in a name", R"({"a\u0000":"x"})"},
      {"raw NUL", std::string("{\"a\":\"x\0\"}", 9)},
      {"NUL after the end", std::string("{}\0", 3)},
      {"data after a NUL", std::string("{}\0{\"b\":1}", 10)},
      {"NUL after white space", std::string("{} \0 ", 5)},
      {"huge exponent", R"({"a":1e400})"},
      {"a number that becomes infinite", "[92e308]"},
      {"depth bomb", deep},
      {"too many members", wide},
      {"comment", "{/*x*/}"},
      {"single quotes", "{'a':1}"},
      {"NaN", "{\"a\":NaN}"},
  };
  for (auto const& c : cases) {
    auto const parsed = parse(c.text, {.bytes = 1024 * 1024});
    ASSERT_FALSE(parsed.ok()) << c.name;
    EXPECT_EQ(parsed.error().code(), Errc::malformed) << c.name;
  }
}

TEST(Parse, KeepsItsLimits) {
  EXPECT_TRUE(parse("[[[]]]", {.depth = 3}).ok());
  EXPECT_FALSE(parse("[[[[]]]]", {.depth = 3}).ok());
  EXPECT_TRUE(parse("[1,2,3]", {.members = 3}).ok());
  EXPECT_FALSE(parse("[1,2,3,4]", {.members = 3}).ok());
  EXPECT_FALSE(parse("[1,2,3]", {.bytes = 6}).ok());
}

// RFC 8259 7: none stands in a string as it is; wherever it is, and however long the string.
TEST(ControlCharacters, AreReadAndWrittenAsEscapesOnly) {
  for (char c = 1; c < 0x20; ++c) {
    for (std::size_t at = 0; at < 40; ++at) {
      auto text = std::string(at, 'x') + c + std::string(39 - at, 'y');
      ASSERT_FALSE(parse("[\"" + text + "\"]").ok()) << int{c} << " at " << at;
      for (auto const& written : {write(Array{Value(text)}), write_pretty(Array{Value(text)})}) {
        auto const raw = [](char o) { return static_cast<unsigned char>(o) < 0x20 && o != '\n'; };
        ASSERT_TRUE(std::none_of(written.begin(), written.end(), raw)) << written;
        ASSERT_EQ(parse(written).value(), Value(Array{Value(text)})) << written;
      }
    }
  }
}

TEST(Getters, TellAbsentFromWrongType) {
  auto const object = parse_object(R"({"s":"x","n":1,"z":null,"l":["a",1]})").value();
  EXPECT_FALSE(get_string(object, "q").value().has_value());
  EXPECT_FALSE(get_string(object, "n").ok());
  EXPECT_FALSE(get_string(object, "z").ok());
  EXPECT_FALSE(need_string(object, "q").ok());
  EXPECT_FALSE(need_strings(object, "l").ok());
  EXPECT_EQ(need_string(object, "q").error().detail(), "\"q\" is missing");
  EXPECT_FALSE(parse_object("[]").ok());
}

}  // namespace
}  // namespace lenscap::json
