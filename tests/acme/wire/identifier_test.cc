#include "acme/wire/identifier.h"

#include <gtest/gtest.h>

#include "acme/wire/problem.h"

namespace lenscap::acme {
namespace {

json::Array list(std::initializer_list<std::pair<char const*, std::string>> identifiers) {
  json::Array array;
  for (auto const& [type, value] : identifiers) array.emplace_back(json::Object{{"type", type}, {"value", value}});
  return array;
}

// 8555-7.1.4-2
TEST(IdentifierParse, Normalises) {
  EXPECT_EQ(Identifier::parse("dns", "Cam1.Cams.EXAMPLE").value().value(), "cam1.cams.example");
  EXPECT_EQ(Identifier::parse("ip", "10.20.0.7").value().value(), "10.20.0.7");
  EXPECT_EQ(Identifier::parse("ip", "fd00:20::7").value().type(), IdentifierType::ip);
  EXPECT_EQ(Identifier::parse("dns", "camera").value().type(), IdentifierType::dns);
}

TEST(IdentifierParse, Wildcard) {
  auto const wildcard = Identifier::parse("dns", "*.cams.example").value();
  EXPECT_TRUE(wildcard.is_wildcard());
  EXPECT_EQ(wildcard.base().value(), "cams.example");
  EXPECT_FALSE(wildcard.base().is_wildcard());
  EXPECT_FALSE(Identifier::parse("ip", "10.0.0.1").value().is_wildcard());
}

TEST(IdentifierParse, Refuses) {
  struct Case {
    char const* type;
    std::string value;
    Errc code;
  };
  Case const cases[] = {
      {"email", "a@example.org", Errc::unsupported_identifier},  // 8555-7.4-4
      {"DNS", "cam.example", Errc::unsupported_identifier},
      {"", "cam.example", Errc::unsupported_identifier},
      {"dns", "", Errc::malformed},
      {"dns", "10.0.0.1", Errc::malformed},  // an address sent as a name
      {"dns", "[fd00::1]", Errc::malformed},
      {"dns", "cam.example.", Errc::malformed},
      {"dns", "cam_1.example", Errc::malformed},
      {"dns", "c\xC3\xA4m.example", Errc::malformed},
      {"dns", "*", Errc::malformed},
      {"dns", "a*.example", Errc::malformed},
      {"dns", "*.*.example", Errc::malformed},
      {"dns", std::string(64, 'a') + ".example", Errc::malformed},
      // 8738-3-1
      {"ip", "cam.example", Errc::malformed},
      {"ip", "010.0.0.1", Errc::malformed},
      {"ip", "10.1", Errc::malformed},
      {"ip", "10.0.0.1/32", Errc::malformed},
      {"ip", "FD00::1", Errc::malformed},
      {"ip", "fd00:0::1", Errc::malformed},
      {"ip", "[fd00::1]", Errc::malformed},
      {"ip", "fe80::1%eth0", Errc::malformed},
      {"ip", "::ffff:10.0.0.1", Errc::malformed},
  };
  for (auto const& c : cases) {
    auto const identifier = Identifier::parse(c.type, c.value);
    ASSERT_FALSE(identifier.ok()) << c.type << " " << c.value;
    EXPECT_EQ(identifier.error().code(), c.code) << c.type << " " << c.value;
  }
}

TEST(IdentifierFromHost, AddressOrName) {
  EXPECT_EQ(Identifier::from_host("10.0.0.1").value().type(), IdentifierType::ip);
  EXPECT_EQ(Identifier::from_host("Cam1.example").value().value(), "cam1.example");
  EXPECT_FALSE(Identifier::from_host("10.0.0.999").ok());
}

TEST(ReadIdentifiers, KeepsTheirOrder) {
  auto const identifiers =
      read_identifiers(list({{"ip", "10.0.0.1"}, {"dns", "b.example"}, {"dns", "a.example"}})).value();
  ASSERT_EQ(identifiers.size(), 3U);
  EXPECT_EQ(identifiers[0].value(), "10.0.0.1");
  EXPECT_EQ(identifiers[2].value(), "a.example");
  EXPECT_EQ(read_identifiers(to_json(identifiers)).value(), identifiers);
  EXPECT_EQ(to_name_set(identifiers).text(), "a.example, b.example, 10.0.0.1");
  EXPECT_EQ(to_name_set(to_identifiers(to_name_set(identifiers))), to_name_set(identifiers));
}

// 8555-7.4-1
TEST(ReadIdentifiers, RefusesEmptyAndLong) {
  EXPECT_EQ(read_identifiers({}).error().code(), Errc::malformed);
  json::Array many;
  for (int i = 0; i < 101; ++i) {
    many.emplace_back(json::Object{{"type", "dns"}, {"value", "c" + std::to_string(i) + ".example"}});
  }
  EXPECT_EQ(read_identifiers(many).error().code(), Errc::malformed);
  many.pop_back();
  EXPECT_TRUE(read_identifiers(many).ok());
}

TEST(ReadIdentifiers, NamesTheOneThatIsTwiceThere) {
  auto const error = read_identifiers(list({{"dns", "cam.example"}, {"dns", "CAM.example"}})).error();
  EXPECT_EQ(error.code(), Errc::malformed);
  ASSERT_EQ(error.sub.size(), 1U);
  EXPECT_EQ(error.sub[0].identifier_value, "cam.example");
}

// 8555-6.7.1-1
TEST(ReadIdentifiers, NamesEveryRefusedOne) {
  auto const error =
      read_identifiers(list({{"dns", "cam.example"}, {"email", "a@b"}, {"ip", "10.1"}, {"dns", "x_y"}})).error();
  EXPECT_EQ(error.code(), Errc::compound);
  ASSERT_EQ(error.sub.size(), 3U);
  EXPECT_EQ(error.sub[0].code, Errc::unsupported_identifier);
  EXPECT_EQ(error.sub[0].identifier_type, "email");
  EXPECT_EQ(error.sub[1].code, Errc::malformed);
  EXPECT_EQ(error.sub[1].identifier_value, "10.1");
  EXPECT_EQ(http_status(error), 403);
}

TEST(ReadIdentifiers, EchoesNoMoreThanANameCanBeLong) {
  auto const error = read_identifiers(list({{"dns", std::string(5000, 'a')}})).error();
  ASSERT_EQ(error.sub.size(), 1U);
  EXPECT_LE(error.sub[0].identifier_value.size(), 253U);
}

// "\xc3\xa9" and "\xf0\x9f\x93\xb7" are one character each; an answer with half of one would not be JSON.
TEST(ReadIdentifiers, EchoesWholeCharacters) {
  for (std::size_t before = 245; before < 256; ++before)
    for (std::string const character : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x93\xb7"}) {
      auto const long_text = std::string(before, 'a') + character + character + character;
      auto const error = read_identifiers(list({{"dns", long_text.c_str()}, {long_text.c_str(), "x"}})).error();
      auto const written = json::write(to_problem(error));
      EXPECT_TRUE(json::parse(written).ok()) << before << " " << written;
    }
}

}  // namespace
}  // namespace lenscap::acme
