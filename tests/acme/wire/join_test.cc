#include "acme/wire/join.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/json.h"

namespace lenscap::acme {
namespace {

JoinString example() {
  JoinString join;
  join.directory = "https://ca.cams.example/acme/directory";
  join.root_url = "http://ca.cams.example/roots/00";
  join.root_sha256 = sha256(as_bytes("root"));
  join.eab_kid = "agent-7";
  join.eab_mac_key = SecretBytes(Bytes(32, 0x5a));
  return join;
}

std::string word_of(std::string const& text) { return "lenscap1." + to_base64url(as_bytes(text)); }

TEST(JoinString, BothWays) {
  auto const join = example();
  auto const word = make_join_string(join);
  EXPECT_TRUE(word.text().starts_with("lenscap1."));
  EXPECT_EQ(word.text().find_first_of(" \n\t/+="), std::string_view::npos);  // one word, safe to paste
  for (auto const& text : {std::string(word.text()), "  " + std::string(word.text()) + "\r\n"}) {
    auto const back = parse_join_string(text).value();
    EXPECT_EQ(back.directory, join.directory);
    EXPECT_EQ(back.root_url, join.root_url);
    EXPECT_EQ(back.root_sha256, join.root_sha256);
    EXPECT_EQ(back.eab_kid, join.eab_kid);
    EXPECT_TRUE(std::ranges::equal(back.eab_mac_key.view(), join.eab_mac_key.view()));
  }
}

TEST(JoinString, Refuses) {
  std::string const mac(43, 'A');
  std::string const hash(64, 'a');
  auto const text = [&](std::string const& directory, std::string const& root, std::string const& root_hash,
                        std::string const& kid, std::string const& key, std::string const& more = "") {
    return word_of(R"({"directory":")" + directory + R"(","root_url":")" + root + R"(","root_sha256":")" + root_hash +
                   R"(","eab_kid":")" + kid + R"(","eab_mac_key":")" + key + "\"" + more + "}");
  };
  ASSERT_TRUE(parse_join_string(text("https://ca/d", "http://ca/r", hash, "k", mac)).ok());
  std::pair<char const*, std::string> const cases[] = {
      {"empty", ""},
      {"blank", "  "},
      {"other version", "lenscap2." + text("https://ca/d", "http://ca/r", hash, "k", mac).substr(9)},
      {"not base64url", "lenscap1.%%%"},
      {"cut short", text("https://ca/d", "http://ca/r", hash, "k", mac).substr(0, 60)},
      {"two words", text("https://ca/d", "http://ca/r", hash, "k", mac) + " x"},
      {"no object", word_of("[]")},
      {"empty object", word_of("{}")},
      {"one more member", text("https://ca/d", "http://ca/r", hash, "k", mac, R"(,"x":1)")},
      {"plain directory", text("http://ca/d", "http://ca/r", hash, "k", mac)},
      {"no host", text("https://", "http://ca/r", hash, "k", mac)},
      {"file as root", text("https://ca/d", "file:///etc/passwd", hash, "k", mac)},
      {"blank in URL", text("https://ca/d d", "http://ca/r", hash, "k", mac)},
      {"short hash", text("https://ca/d", "http://ca/r", hash.substr(2), "k", mac)},
      {"hash no hex", text("https://ca/d", "http://ca/r", std::string(64, 'x'), "k", mac)},
      {"no key id", text("https://ca/d", "http://ca/r", hash, "", mac)},
      {"short MAC key", text("https://ca/d", "http://ca/r", hash, "k", mac.substr(0, 22))},
      {"too long", text("https://ca/d", "http://ca/r", hash, std::string(4000, 'k'), mac)},
  };
  for (auto const& [name, word] : cases) {
    auto const join = parse_join_string(word);
    ASSERT_FALSE(join.ok()) << name;
    EXPECT_EQ(join.error().code(), Errc::usage) << name;
    EXPECT_EQ(join.error().detail().find(mac), std::string::npos) << name;
    if (word.size() > 30) {
      EXPECT_EQ(join.error().detail().find(word.substr(9, 20)), std::string::npos) << name;
    }
  }
}

}  // namespace
}  // namespace lenscap::acme
