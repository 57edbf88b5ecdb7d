#include "ca/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

constexpr char const* kGood = R"(name = "camera-https"
description = "HTTPS of a camera"
lifetime = "90d"
backdate = "1h"
extended_key_usage = ["clientAuth", "serverAuth", "serverAuth"]
key_types = ["RSA", "EC-P256"]
common_name = "none"
names_from_order = true
one_device_per_key = true
renew_from_percent = 50
renew_until_percent = 70
)";

TEST(ParseProfile, EveryKey) {
  auto const profile = parse_profile(kGood, "p.toml");
  ASSERT_TRUE(profile.ok()) << profile.error().detail();
  EXPECT_EQ(profile->name, "camera-https");
  EXPECT_EQ(profile->lifetime, 90 * kDay);
  EXPECT_EQ(profile->backdate, kHour);
  EXPECT_THAT(profile->extended_key_usage,
              ::testing::ElementsAre(ExtendedKeyUsage::server_auth, ExtendedKeyUsage::client_auth));
  EXPECT_TRUE(profile->allows(x509::KeyType::rsa));
  EXPECT_TRUE(profile->allows(x509::KeyType::ec_p256));
  EXPECT_FALSE(profile->allows(x509::KeyType::ec_p384));
  EXPECT_EQ(profile->common_name, CommonName::none);
  EXPECT_TRUE(profile->names_from_order);
  EXPECT_TRUE(profile->one_device_per_key);
  EXPECT_EQ(profile->renew_from_percent, 50);
  EXPECT_EQ(profile->renew_until_percent, 70);
}

TEST(ParseProfile, Refusals) {
  struct Case {
    char const* name;
    std::string from, to;  // in kGood
    char const* expected;
  };
  Case const cases[] = {
      {"no name", "name = \"camera-https\"", "", "name: a profile needs a name"},
      {"name in capitals", "camera-https", "Camera", "name: a profile needs a name"},
      {"the name of the CA's own", "camera-https", "ocsp-signer", "name: this name is kept"},
      {"no description", "description = \"HTTPS of a camera\"", "", "description"},
      {"too long a life", "90d", "826d", "p.toml:3:12: lifetime: must be between 1h and 825d"},
      {"too short a life", "90d", "30m", "lifetime"},
      {"back-dated by a day", "\"1h\"", "\"1d\"", "p.toml:4:12: backdate: must be between 0s and 1h"},
      {"usage of mail", "clientAuth", "emailProtection", "\"emailProtection\" is not one of serverAuth, clientAuth"},
      {"usage of OCSP", "clientAuth", "OCSPSigning", "\"OCSPSigning\" is not one of serverAuth, clientAuth"},
      {"no usage", "extended_key_usage = [\"clientAuth\", \"serverAuth\", \"serverAuth\"]", "",
       "extended_key_usage: needs at least one"},
      {"key type nobody takes", "\"RSA\"", "\"Ed25519\"", "\"Ed25519\" is not one of EC-P256"},
      {"no key type", "key_types = [\"RSA\", \"EC-P256\"]", "key_types = []", "key_types: needs at least one"},
      {"common name from the address", "\"none\"", "\"ip\"", "\"ip\" is not one of none, fqdn"},
      {"an empty window", "renew_until_percent = 70", "renew_until_percent = 50",
       "renew_until_percent: must be more than renew_from_percent"},
      {"too late", "renew_until_percent = 70", "renew_until_percent = 96", "renew_until_percent"},
      {"unknown key", "names_from_order", "name_from_order", "did you mean names_from_order?"},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    std::string text = kGood;
    ASSERT_NE(text.find(c.from), std::string::npos);
    text.replace(text.find(c.from), c.from.size(), c.to);
    auto const profile = parse_profile(text, "p.toml");
    ASSERT_FALSE(profile.ok());
    EXPECT_EQ(profile.error().code(), Errc::settings);
    EXPECT_THAT(profile.error().detail(), HasSubstr(c.expected));
  }
}

TEST(LoadProfile, FileThatIsCalledOtherwise) {
  fakes::TempDir dir;
  put_file(dir.path("other.toml"), kGood);
  auto const profile = load_profile(dir.path("other.toml"));
  ASSERT_FALSE(profile.ok());
  EXPECT_THAT(profile.error().detail(), HasSubstr("camera-https.toml"));
}

TEST(LoadProfile, EveryProfileThatWeShip) {
  int count = 0;
  for (auto const& entry : std::filesystem::directory_iterator(std::string(LENSCAP_SOURCE_DIR) + "/conf/profiles")) {
    auto const profile = load_profile(entry.path().string());
    EXPECT_TRUE(profile.ok()) << profile.error().detail();
    ++count;
  }
  EXPECT_GE(count, 6);
}

TEST(ProfileHash, ChangesWithEveryKey) {
  Profile const base = parse_profile(kGood, "p.toml").value();
  EXPECT_EQ(base.hash(), parse_profile(kGood, "elsewhere.toml")->hash());
  Profile changed[] = {base, base, base, base, base, base, base, base, base};
  changed[0].name = "x";
  changed[1].description = "x";
  changed[2].lifetime = kDay;
  changed[3].backdate = Seconds(1);
  changed[4].extended_key_usage.pop_back();
  changed[5].key_types.pop_back();
  changed[6].common_name = CommonName::fqdn;
  changed[7].names_from_order = false;
  changed[8].one_device_per_key = false;
  for (Profile const& each : changed) EXPECT_NE(each.hash(), base.hash());
  Profile asked_later = base;
  asked_later.renew_from_percent = 65;
  EXPECT_EQ(asked_later.hash(), base.hash()) << "when to renew is no part of a certificate";
}

}  // namespace
}  // namespace lenscap::ca::test
