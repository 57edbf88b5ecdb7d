// RFC 8737 3: what must be in the certificate, with each rule broken alone.
#include "base/x509/acme_certificate.h"

#include <gtest/gtest.h>

#include "tests/base/x509/acme_certificate_maker.h"

namespace lenscap::x509 {
namespace {

using testing::acme_certificate;
using testing::acme_identifier;
using testing::Extension;
using testing::subject_alt_name;

Bytes der(ossl::X509Ptr const& certificate) { return ossl::to_der(certificate.get(), i2d_X509); }

Bytes octets(std::string_view text) { return to_bytes(text); }

Bytes digest_value(std::size_t size, std::uint8_t tag = 0x04) {
  Bytes value{tag, static_cast<std::uint8_t>(size)};
  value.insert(value.end(), size, 7);
  return value;
}

Bytes joined(Bytes a, Bytes const& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(ParseAcmeCertificate, ANameAndAnAddress) {
  auto const name = parse_acme_certificate(
      der(acme_certificate({subject_alt_name({"Cam1.example"}, {}), acme_identifier("token.thumbprint")})));
  ASSERT_TRUE(name.ok()) << name.error().detail();
  EXPECT_EQ(name->dns_name, "Cam1.example");
  EXPECT_FALSE(name->ip_address);
  EXPECT_EQ(name->acme_identifier, sha256(as_bytes("token.thumbprint")));

  auto const address = parse_acme_certificate(
      der(acme_certificate({acme_identifier("x"), subject_alt_name({}, {Bytes{10, 20, 0, 1}}, false)})));
  ASSERT_TRUE(address.ok()) << address.error().detail();
  EXPECT_FALSE(address->dns_name);
  EXPECT_EQ(address->ip_address, (Bytes{10, 20, 0, 1}));
}

TEST(ParseAcmeCertificate, EveryKindOfKeyThatSigns) {
  for (auto const type : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521, KeyType::rsa, KeyType::ed25519}) {
    auto const key = PrivateKey::generate(type);
    auto const parsed =
        parse_acme_certificate(der(acme_certificate({subject_alt_name({"a.example"}, {}), acme_identifier("x")}, key)));
    EXPECT_TRUE(parsed.ok()) << to_string(type) << ": " << parsed.error().detail();
  }
}

TEST(ParseAcmeCertificate, EachRuleBroken) {  // 8737-3-2
  auto const name = subject_alt_name({"cam1.example"}, {});
  auto const digest = acme_identifier("x");
  auto const mail = [] {
    Bytes const value{0x30, 5, 0x81, 3, 'a', '@', 'b'};
    return Extension{NID_subject_alt_name, false, value};
  }();
  struct Case {
    char const* name;
    std::vector<Extension> extensions;
    char const* says;
  };
  Case const cases[] = {
      {"no acmeIdentifier", {name}, "no acmeIdentifier"},
      {"no subjectAltName", {digest}, "no subjectAltName"},
      {"neither", {}, "extension"},
      {"acmeIdentifier twice", {name, digest, digest}, "twice"},
      {"subjectAltName twice", {name, name, digest}, "twice"},
      {"two names", {subject_alt_name({"cam1.example", "cam2.example"}, {}), digest}, "more than one name"},
      {"the same name twice", {subject_alt_name({"cam1.example", "cam1.example"}, {}), digest}, "more than one name"},
      {"name and address", {subject_alt_name({"cam1.example"}, {Bytes{10, 0, 0, 1}}), digest}, "more than one name"},
      {"two addresses", {subject_alt_name({}, {Bytes{10, 0, 0, 1}, Bytes{10, 0, 0, 2}}), digest}, "more than one name"},
      {"no name in it", {{NID_subject_alt_name, false, Bytes{0x30, 0}}, digest}, "early"},
      {"a mail address", {mail, digest}, "neither"},
      {"not critical", {name, acme_identifier("x", false)}, "not critical"},
      {"31 octets", {name, acme_identifier(digest_value(31))}, "31 octets"},
      {"33 octets", {name, acme_identifier(digest_value(33))}, "33 octets"},
      {"none", {name, acme_identifier(digest_value(0))}, "0 octets"},
      {"octets behind it", {name, acme_identifier(joined(digest_value(32), {0}))}, "after its end"},
      {"twice in one", {name, acme_identifier(joined(digest_value(32), digest_value(32)))}, "after its end"},
      {"without its OCTET STRING", {name, acme_identifier(Bytes(32, 7))}, "something else"},
      {"in a UTF8String", {name, acme_identifier(digest_value(32, 0x0c))}, "something else"},
      {"in a SEQUENCE", {name, acme_identifier(joined({0x30, 34}, digest_value(32)))}, "something else"},
      {"length in BER", {name, acme_identifier(joined({0x04, 0x81, 32}, Bytes(32, 7)))}, "shortest"},
      {"cut off", {name, acme_identifier(octets("\x04\x20xyz"))}, "ends inside"},
      {"empty", {name, acme_identifier(Bytes{})}, "no OCTET STRING"},
      {"names in BER", {{NID_subject_alt_name, false, Bytes{0x30, 0x80, 0, 0}}, digest}, "indefinite"},
      {"octets behind the names", {{NID_subject_alt_name, false, Bytes{0x30, 3, 0x82, 1, 'a', 0}}, digest}, "after"},
  };
  for (auto const& c : cases) {
    auto const parsed = parse_acme_certificate(der(acme_certificate(c.extensions)));
    ASSERT_FALSE(parsed.ok()) << c.name;
    EXPECT_EQ(parsed.error().code(), Errc::incorrect_response) << c.name;
    EXPECT_NE(parsed.error().detail().find(c.says), std::string::npos) << c.name << ": " << parsed.error().detail();
  }
}

TEST(ParseAcmeCertificate, ItSignsItself) {
  std::vector<Extension> const extensions{subject_alt_name({"cam1.example"}, {}), acme_identifier("x")};
  testing::Authority const authority;
  auto const of_a_ca = authority.leaf({.common_name = "cam1.example", .extensions = extensions});
  EXPECT_FALSE(parse_acme_certificate(of_a_ca.der()).ok());

  // The subject's own name as the issuer, but another key.
  auto const other = PrivateKey::generate(KeyType::ec_p256);
  testing::Spec const spec{.common_name = "ACME Challenge", .extensions = extensions};
  auto const forged = testing::build(spec, testing::acme_certificate_key().native(), other.native(), nullptr);
  auto const refused = parse_acme_certificate(der(forged));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().detail().find("own key"), std::string::npos) << refused.error().detail();
}

TEST(ParseAcmeCertificate, WhatIsNoCertificate) {
  auto good = der(acme_certificate({subject_alt_name({"cam1.example"}, {}), acme_identifier("x")}));
  ASSERT_TRUE(parse_acme_certificate(good).ok());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_acme_certificate(ByteView(good).first(size)).ok()) << size;
  good.push_back(0);
  EXPECT_FALSE(parse_acme_certificate(good).ok());
}

}  // namespace
}  // namespace lenscap::x509
