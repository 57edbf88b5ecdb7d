// Certificates of further issuers: inside the root by every judge, under names of their own.
#include "ca/further_issuer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ca/several_issuers.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

GeneratedCa const& root_ca() {
  static GeneratedCa const ca = [] {
    auto settings = ceremony_settings();
    settings.rules.exclude_dns = {"secret.cams.example"};
    return generate_ca(settings, kNow).value();
  }();
  return ca;
}

std::string refusal(std::vector<std::string> const& dns, std::vector<std::string> const& ip) {
  auto const made = constraints_below(root_ca().root, dns, ip);
  return made.ok() ? "" : made.error().detail();
}

TEST(ConstraintsBelow, OnlyInsideTheRoot) {
  EXPECT_EQ(refusal({"p4.cams.example"}, {"10.20.4.0/24"}), "");
  EXPECT_EQ(refusal({}, {"10.21.0.0/16"}), "");
  EXPECT_EQ(refusal({}, {}), "") << "all that the root permits";
  for (auto const& [dns, ip] : std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>>{
           {{"bank.example"}, {}}, {{"example"}, {}}, {{}, {"10.0.0.0/8"}}, {{}, {"fd00::/64"}}})
    EXPECT_THAT(refusal(dns, ip), HasSubstr("the root does not permit all of this: it permits DNS cams.example"));
  EXPECT_THAT(refusal({"*.cams.example"}, {}), HasSubstr("without \"*.\""));
  EXPECT_THAT(refusal({"a.secret.cams.example"}, {}), HasSubstr("does not permit"));
  EXPECT_EQ(constraints_below(root_ca().root, {}, {}).value(), *root_ca().root.name_constraints());
}

TEST(CertifyIssuer, IsBelowTheRootAndVerifies) {
  auto const made = several_issuers(root_ca(), {{.name = "plant4", .permit_dns = {"p4.cams.example"}}}, kNow);
  auto const& issuing = made.certificates[1];
  EXPECT_EQ(issuing.subject(), "CN=Example Cameras plant4 Issuing CA,O=Example Cameras");
  EXPECT_TRUE(issuing.is_signed_by(root_ca().root.key()));
  EXPECT_LE(issuing.not_after(), root_ca().root.not_after());
  auto const& issuer = *made.issuing.issuers[1].issuer;
  auto draft = issuer.prepare(profile("camera-https"), request(names({"a.p4.cams.example"})), kNow).value();
  auto const leaf = issuer.sign(std::move(draft)).value();
  EXPECT_TRUE(x509::verify_chain(leaf, {issuing}, {root_ca().root}, kNow).ok());
  EXPECT_FALSE(x509::verify_chain(leaf, {root_ca().issuing}, {root_ca().root}, kNow).ok());
  // The issuer refuses by itself, and OpenSSL would refuse what a thief of its key made.
  EXPECT_FALSE(issuer.test_names(names({"a.cams.example"})).ok());
  EXPECT_FALSE(issuer.test_names(names({"a.secret.cams.example"})).ok());
}

TEST(CertifyIssuer, SaysWhyNot) {
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const& [root_key, root, issuing_key, issuing] = root_ca();
  auto const why = [&](x509::PrivateKey const& signer, FurtherIssuer const& wanted, Time now) {
    auto const made = certify_issuer(root, signer, wanted, now);
    return made.ok() ? "" : made.error().detail();
  };
  FurtherIssuer wanted{"Example Cameras",
                       "Example Cameras x Issuing CA",
                       key.public_key(),
                       constraints_below(root, {}, {}).value(),
                       {ExtendedKeyUsage::server_auth}};
  EXPECT_EQ(why(root_key, wanted, kNow), "");
  EXPECT_THAT(why(issuing_key, wanted, kNow), HasSubstr("not the key of the root"));
  EXPECT_THAT(why(root_key, wanted, root.not_after()), HasSubstr("clock says"));
  auto longer = wanted;
  longer.common_name = std::string(65, 'x');
  EXPECT_THAT(why(root_key, longer, kNow), HasSubstr("longer than the 64 characters"));
  wanted.constraints = x509::NameConstraints::permit_only({x509::DnsName::parse("bank.example").value()}, {});
  EXPECT_THAT(why(root_key, wanted, kNow), HasSubstr("can only be narrower than its root"));
}

TEST(IssuerCommonName, TellsThemApart) {
  EXPECT_EQ(issuer_common_name("Example", "", 1), "Example Issuing CA");
  EXPECT_EQ(issuer_common_name("Example", "", 2), "Example Issuing CA 2");
  EXPECT_EQ(issuer_common_name("Example", "plant4", 3), "Example plant4 Issuing CA 3");
}

}  // namespace
}  // namespace lenscap::ca::test
