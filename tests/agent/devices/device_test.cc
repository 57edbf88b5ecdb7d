#include "agent/device.h"

#include <gtest/gtest.h>

#include <set>

namespace lenscap::agent {
namespace {

TEST(DeviceErrc, EachHasAName) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(DeviceErrc::partial_cleanup); ++i)
    names.insert(to_string(static_cast<DeviceErrc>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(DeviceErrc::partial_cleanup) + 1);
  EXPECT_EQ(default_retry(DeviceErrc::auth_failed), Retry::never);
  EXPECT_EQ(default_retry(DeviceErrc::wrong_device), Retry::never);
  EXPECT_EQ(default_retry(DeviceErrc::unreachable), Retry::later);
}

TEST(HttpsConfig, TextComesBackTheSame) {
  HttpsConfig config;
  config.enabled = true;
  config.policies = {{"Admin", HttpsPolicy::https}, {"Operator", HttpsPolicy::http}};
  config.ciphers = {"A", "B"};
  config.certificate_ids = {"Default(self-signed)"};
  config.ca_ids = {"[CA]_1"};
  config.trusted_ids = {"caf\xc3\xa9 \"x\""};
  auto const again = HttpsConfig::from_text(config.to_text());
  ASSERT_TRUE(again.ok()) << again.error().detail();
  EXPECT_EQ(*again, config);
  EXPECT_FALSE(HttpsConfig::from_text("{}").ok());
}

TEST(HttpsConfig, WithCertificateChangesNothingElse) {
  HttpsConfig config;
  config.enabled = true;
  config.policies = {{"Admin", HttpsPolicy::https}};
  config.ciphers = {"A"};
  config.certificate_ids = {"old"};
  config.trusted_ids = {"t"};
  auto next = config.with_certificate("new");
  EXPECT_EQ(next.certificate_id(), "new");
  next.certificate_ids = {"old"};
  EXPECT_EQ(next, config);
}

TEST(CertificateId, NewOnesAreOursAndDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.insert(new_certificate_id());
  EXPECT_EQ(ids.size(), 100u);
  for (auto const& id : ids) EXPECT_TRUE(is_our_id(id)) << id;
}

TEST(IsOurId, OnlyOurPrefixAndHarmlessLetters) {
  EXPECT_TRUE(is_our_id("lenscap-1f0c9a7e"));
  EXPECT_TRUE(is_our_id("lenscap-ca-1f0c9a7e"));
  for (std::string_view const id : {"", "lenscap-", "Lenscap-1", "lego-260215143025", "lenscap-a b", "lenscap-../x",
                                    "lenscap-00000000000000000000000000", "Default(self-signed)"})
    EXPECT_FALSE(is_our_id(id)) << id;
}

TEST(ServedGood, IncompleteChainIsNoFailure) {
  ServedExpectation expected;
  Served served;
  served.reached = served.names_match = served.time_valid = true;
  served.chain_state = ServedChain::incomplete;
  EXPECT_TRUE(served.good(expected));
  served.chain_state = ServedChain::untrusted;
  EXPECT_FALSE(served.good(expected));
  served.chain_state = ServedChain::complete;
  expected.serial = "ACCC8EF7DE6B";
  EXPECT_FALSE(served.good(expected));
  served.serial_checked = true;
  EXPECT_TRUE(served.good(expected));
}

}  // namespace
}  // namespace lenscap::agent
