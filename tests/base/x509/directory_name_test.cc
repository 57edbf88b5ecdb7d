#include "base/x509/directory_name.h"

#include <gtest/gtest.h>

namespace lenscap::x509 {
namespace {

TEST(DirectoryName, ParseWritesWhatOpensslWrites) {
  struct Case {
    char const *text, *der;
  };
  Case const cases[] = {
      {"C=DE", "300d310b3009060355040613024445"},
      {"O=A,C=DE", "3019310b3009060355040613024445310a3008060355040a0c0141"},
      {" O = A , C = DE ", "3019310b3009060355040613024445310a3008060355040a0c0141"},
      {"O=A\\, B", "300f310d300b060355040a0c04412c2042"},
      {"O=\\C3\\A4", "300d310b3009060355040a0c02c3a4"},
      {"2.5.4.10=A", "300c310a3008060355040a0c0141"},
  };
  for (auto const& c : cases) {
    auto const name = DirectoryName::parse(c.text);
    ASSERT_TRUE(name.ok()) << c.text << ": " << name.error().detail();
    EXPECT_EQ(to_hex(name->der()), c.der) << c.text;
    EXPECT_EQ(DirectoryName::parse(name->text()).value(), *name) << name->text();
  }
}

TEST(DirectoryName, ParseRefuses) {
  for (auto const* text :
       {"", "Example", "=A", "O=", "O=A,", "X=A", "C=Germany", "O=A+OU=B", "O=A;C=DE", "O=#41", "O=A\\", "O=\xff"}) {
    auto const name = DirectoryName::parse(text);
    EXPECT_FALSE(name.ok()) << text;
  }
}

TEST(DirectoryName, FromDerRefuses) {
  struct Case {
    char const *title, *hex;
  };
  Case const cases[] = {
      {"nothing", ""},
      {"octets behind", "300000"},
      {"an empty relative name", "30023100"},
      {"no sequence", "31023000"},
      {"UTF-8 that is none", "300c310a3008060355040a0c01ff"},
      {"BMP string of one octet", "300c310a3008060355040a1e0141"},
      {"a number for a name", "300c310a3008060355040a020101"},
      {"a value too many", "300e310c300a060355040a0c01410500"},
  };
  for (auto const& c : cases) EXPECT_FALSE(DirectoryName::from_der(*from_hex(c.hex)).ok()) << c.title;
}

// RFC 5280 7.1: of whatever string type, and however spaced.
TEST(DirectoryName, ComparesCharacters) {
  auto const from = [](char const* hex) { return DirectoryName::from_der(*from_hex(hex)).value(); };
  auto const utf8 = from("300e310c300a060355040a0c03412042");                 // "A B"
  EXPECT_EQ(from("300e310c300a060355040a1303612062"), utf8);                  // PrintableString "a b"
  EXPECT_EQ(from("3010310e300c060355040a0c052041202042"), utf8) << "spaces";  // " A  B"
  EXPECT_EQ(from("3011310f300d060355040a1e06004100200042"), utf8);            // BMPString "A B"
  EXPECT_FALSE(from("300d310b3009060355040a0c024142") == utf8);               // "AB"
  EXPECT_FALSE(from("300e310c300a060355040b0c03412042") == utf8);             // of an organizational unit
  // Two attributes in one relative name, in either order.
  EXPECT_EQ(from("301631143008060355040a0c01413008060355040b0c0142"),
            from("301631143008060355040b0c01423008060355040a0c0141"));
  EXPECT_FALSE(from("301631143008060355040a0c01413008060355040b0c0142") == DirectoryName::parse("OU=B,O=A").value());
}

TEST(DirectoryName, IsWithin) {
  auto const name = [](char const* text) { return DirectoryName::parse(text).value(); };
  auto const everything = DirectoryName::from_der(*from_hex("3000")).value();
  EXPECT_TRUE(name("CN=a,O=A,C=DE").is_within(name("O=A,C=DE")));
  EXPECT_TRUE(name("O=A,C=DE").is_within(name("O=A,C=DE")));
  EXPECT_TRUE(name("O=A,C=DE").is_within(everything));
  EXPECT_TRUE(everything.is_within(everything));
  EXPECT_FALSE(name("C=DE").is_within(name("O=A,C=DE")));
  EXPECT_FALSE(name("O=A").is_within(name("O=A,C=DE")));
  EXPECT_FALSE(everything.is_within(name("C=DE")));
}

TEST(DirectoryName, MailAddresses) {
  auto const name = DirectoryName::parse("emailAddress=a@example,CN=b@example,C=DE").value();
  EXPECT_EQ(name.mail_addresses(), std::vector<std::string>{"a@example"});
}

}  // namespace
}  // namespace lenscap::x509
