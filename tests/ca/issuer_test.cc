#include "ca/issuer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

TEST(Prepare, NamesOutsideTheConstraints) {
  TestCa const test;
  auto const draft = test.issuer->prepare(
      profile("camera-https"), request(names({"a.cams.example", "bank.example"}, {"10.20.0.1", "8.8.8.8"})), kNow);
  ASSERT_FALSE(draft.ok());
  EXPECT_EQ(draft.error().code(), Errc::rejected_identifier);
  ASSERT_EQ(draft.error().sub.size(), 2u);
  EXPECT_EQ(draft.error().sub[0].identifier_value, "bank.example");
  EXPECT_EQ(draft.error().sub[0].identifier_type, "dns");
  EXPECT_EQ(draft.error().sub[1].identifier_value, "8.8.8.8");
  EXPECT_EQ(draft.error().sub[1].identifier_type, "ip");
  EXPECT_EQ(test.key->signatures, 0);
}

// An issuing certificate without constraints does not widen what the root says.
TEST(Prepare, ConstraintsOfTheRootBindAsWell) {
  TestCa const test;
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  Template what = build_template(profile("camera-https"), request({}), {test.ca.root, ""}, new_serial(kNow), kNow);
  what.key = key.public_key();
  what.subject_name = encode_name("Example Cameras", "Unlimited");
  what.is_ca = true;
  auto const algorithm = signature_algorithm(test.ca.root.key());
  Bytes const tbs = encode_tbs(what, algorithm);
  auto const unlimited =
      x509::Certificate::from_der(assemble_certificate(tbs, algorithm, test.ca.root_key.sign(algorithm.hash, tbs)))
          .value();
  auto const issuer = Issuer::make(unlimited, {test.ca.root}, std::make_unique<MemoryKey>(key), "").value();
  EXPECT_TRUE(issuer->prepare(profile("camera-https"), request(names({"a.cams.example"})), kNow).ok());
  auto const refused = issuer->prepare(profile("camera-https"), request(names({"bank.example"})), kNow);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::rejected_identifier) << "the names' own test, not the linter";
}

// RFC 8555 7.4: exactly what was asked for, or nothing.
TEST(Prepare, AskedValidity) {
  TestCa const test;
  auto const prepare = [&](std::optional<Time> not_before, std::optional<Time> not_after) {
    auto asked = request(names({"a.cams.example"}));
    asked.not_before = not_before;
    asked.not_after = not_after;
    return test.issuer->prepare(profile("camera-https"), asked, kNow);
  };
  auto const draft = prepare(kNow, kNow + kDay);
  ASSERT_TRUE(draft.ok()) << draft.error().detail();
  EXPECT_EQ(draft->what().not_before, kNow);
  EXPECT_EQ(draft->what().not_after, kNow + kDay);
  struct Case {
    char const* name;
    std::optional<Time> not_before, not_after;
  };
  Case const cases[] = {
      {"before the issuer", test.ca.issuing.not_before() - Seconds(1), kNow + kDay},
      {"after the issuer", {}, test.ca.issuing.not_after() + Seconds(1)},
      {"a beginning after the issuer", test.ca.issuing.not_after() + kDay, {}},
      {"a beginning after a certificate of now would have ended", kNow + 91 * kDay, kNow + 92 * kDay},
      {"longer than the profile", kNow, kNow + 90 * kDay},
      {"over", {}, kNow},
      {"turned round", kNow + kDay, kNow + kHour},
  };
  for (Case const& c : cases) {
    auto const refused = prepare(c.not_before, c.not_after);
    ASSERT_FALSE(refused.ok()) << c.name;
    EXPECT_EQ(refused.error().code(), Errc::malformed) << c.name << ": not the linter's to find";
  }
}

TEST(Prepare, RefusedRequests) {
  TestCa const test;
  auto const good = request(names({"a.cams.example"}));
  auto with_key = [&](x509::PublicKey const& key, char const* profile_name = "camera-https") {
    return IssueRequest{profile_name, key, good.names, {}};
  };
  x509::NameSet many;
  for (int i = 0; i < 101; ++i)
    many.dns.insert(x509::DnsName::parse("c" + std::to_string(i) + ".cams.example").value());
  struct Case {
    char const* name;
    IssueRequest request;
    Time now;
    Errc code;
    char const* text;
  };
  using x509::KeyType;
  using x509::PrivateKey;
  Case const cases[] = {
      {"no names", {"camera-https", good.key, {}, {}}, kNow, Errc::bad_csr, "at least one"},
      {"too many names", {"camera-https", good.key, many, {}}, kNow, Errc::bad_csr, "more than 100"},
      {"the CA's own key", with_key(test.ca.issuing.key()), kNow, Errc::bad_public_key, "CA's own key"},
      {"the root's key", with_key(test.ca.root.key()), kNow, Errc::bad_public_key, "CA's own key"},
      {"Ed25519", with_key(PrivateKey::generate(KeyType::ed25519).public_key()), kNow, Errc::bad_public_key, ""},
      {"key type that the profile does not take", with_key(PrivateKey::generate(KeyType::rsa).public_key(), "agent"),
       kNow, Errc::bad_public_key, "profile agent does not take"},
      {"before the issuer began", good, test.ca.issuing.not_before() - Seconds(1), Errc::unavailable, "set the clock"},
      {"after the issuer ended", good, test.ca.issuing.not_after(), Errc::unavailable, "ended at"},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    auto const draft = test.issuer->prepare(profile(c.request.profile), c.request, c.now);
    ASSERT_FALSE(draft.ok());
    EXPECT_EQ(draft.error().code(), c.code) << draft.error().detail();
    EXPECT_THAT(draft.error().detail(), HasSubstr(c.text));
  }
  EXPECT_EQ(test.key->signatures, 0);
}

// What the issuing certificate is not good for, nothing below it is: clients would refuse it.
TEST(Prepare, UsageThatTheChainDoesNotAllow) {
  CeremonySettings settings = ceremony_settings();
  settings.extended_key_usage = {ExtendedKeyUsage::server_auth};
  TestCa const servers_alone(settings);
  TestCa const both;
  for (auto const* name : {"dot1x", "agent"}) {
    auto const wanted = request(names({"a.cams.example"}), name);
    EXPECT_TRUE(both.issuer->prepare(profile(name), wanted, kNow).ok()) << name;
    auto const draft = servers_alone.issuer->prepare(profile(name), wanted, kNow);
    ASSERT_FALSE(draft.ok()) << name;
    EXPECT_EQ(draft.error().code(), Errc::invalid_profile);
    EXPECT_THAT(draft.error().detail(),
                HasSubstr("is for clientAuth, which the extended key usage of the certificate of "
                          "CN=Example Cameras Issuing CA,O=Example Cameras does not allow"));
  }
  EXPECT_TRUE(
      servers_alone.issuer->prepare(profile("short-lived"), request(names({"a.cams.example"}), "short-lived"), kNow)
          .ok());
}

TEST(Sign, GivesExactlyTheDraft) {
  TestCa const test;
  auto const wanted = request(names({"a.cams.example"}, {"10.20.0.1"}));
  auto draft = test.issuer->prepare(profile("camera-https"), wanted, kNow).value();
  EXPECT_EQ(test.key->signatures, 0);
  Bytes const tbs = draft.tbs();
  std::string const serial = draft.serial_hex();
  auto const certificate = test.issuer->sign(std::move(draft)).value();
  EXPECT_EQ(test.key->signatures, 1);
  EXPECT_EQ(certificate.tbs(), tbs);
  EXPECT_EQ(certificate.serial_hex(), serial);
  EXPECT_EQ(certificate.names(), wanted.names);
  EXPECT_EQ(certificate.key().spki(), wanted.key.spki());
  EXPECT_TRUE(x509::verify_chain(certificate, {test.ca.issuing}, {test.ca.root}, kNow).ok());
}

TEST(Sign, HolderThatSignsSomethingElse) {
  TestCa const test;
  auto other_signature = [&](ByteView) {
    return Result<Bytes>(test.ca.issuing_key.sign(HashAlgorithm::sha256, Bytes{1}));
  };
  test.key->instead = other_signature;
  auto certificate = test.issuer->sign(
      test.issuer->prepare(profile("server"), request(names({"a.cams.example"}), "server"), kNow).value());
  ASSERT_FALSE(certificate.ok());
  EXPECT_EQ(certificate.error().code(), Errc::internal);

  test.key->instead = [](ByteView) { return Result<Bytes>(Error(Errc::unavailable, "the token is gone")); };
  certificate = test.issuer->sign(
      test.issuer->prepare(profile("server"), request(names({"a.cams.example"}), "server"), kNow).value());
  ASSERT_FALSE(certificate.ok());
  EXPECT_EQ(certificate.error().code(), Errc::unavailable);
}

// What watches the CA hears of a key that does not sign, and of nothing that is no fault of the key.
TEST(Sign, RemembersWhetherTheKeySigned) {
  TestCa const ca;
  auto const sign = [&](std::optional<Error> const& error) {
    ca.key->instead = nullptr;
    if (error) ca.key->instead = [&](ByteView) -> Result<Bytes> { return *error; };
    auto draft = ca.issuer->prepare(profile("camera-https"), request(names({"a.cams.example"})), kNow).value();
    EXPECT_EQ(ca.issuer->sign(std::move(draft)).ok(), !error);
    return ca.issuer->last_signature_failed();
  };
  Error capped(Errc::unavailable, "the cap is reached");
  capped.retry_after = kMinute;
  EXPECT_FALSE(ca.issuer->last_signature_failed()) << "nothing was tried yet";
  EXPECT_TRUE(sign(Error(Errc::unavailable, "no token in the slot")));
  EXPECT_TRUE(sign(capped)) << "a refusal without a try changes nothing";
  EXPECT_FALSE(sign({}));
  EXPECT_FALSE(sign(capped));
  EXPECT_FALSE(sign(Error(Errc::rejected_identifier, "not this name")));
  EXPECT_TRUE(sign(Error(Errc::internal, "the key made a signature that does not verify")));
  EXPECT_FALSE(sign({}));
}

TEST(SignDeathTest, SameDraftTwice) {
  TestCa const test;
  auto draft = test.issuer->prepare(profile("server"), request(names({"a.cams.example"}), "server"), kNow).value();
  ASSERT_TRUE(test.issuer->sign(std::move(draft)).ok());
  EXPECT_DEATH((void)test.issuer->sign(std::move(draft)), "signed once");  // NOLINT(bugprone-use-after-move)
}

TEST(MakeIssuer, PartsThatDoNotBelongTogether) {
  TestCa const test;
  TestCa const other;
  auto const leaf =
      test.issuer
          ->sign(test.issuer->prepare(profile("server"), request(names({"a.cams.example"}), "server"), kNow).value())
          .value();
  auto key = [](x509::PrivateKey const& k) { return std::make_unique<MemoryKey>(k); };
  EXPECT_FALSE(Issuer::make(test.ca.issuing, {}, key(test.ca.issuing_key), "").ok());
  EXPECT_FALSE(Issuer::make(test.ca.issuing, {test.ca.root}, key(other.ca.issuing_key), "").ok());
  EXPECT_FALSE(Issuer::make(test.ca.issuing, {other.ca.root}, key(test.ca.issuing_key), "").ok());
  EXPECT_FALSE(Issuer::make(test.ca.issuing, {test.ca.issuing}, key(test.ca.issuing_key), "").ok());
  EXPECT_FALSE(Issuer::make(test.ca.issuing, {test.ca.root, other.ca.root}, key(test.ca.issuing_key), "").ok());
  EXPECT_FALSE(Issuer::make(leaf, {test.ca.root}, key(test.ca.issuing_key), "").ok());
  EXPECT_TRUE(Issuer::make(test.ca.issuing, {test.ca.root}, key(test.ca.issuing_key), "").ok());
}

}  // namespace
}  // namespace lenscap::ca::test
