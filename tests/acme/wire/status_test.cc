#include "acme/wire/status.h"

#include <gtest/gtest.h>

namespace lenscap::acme {
namespace {

// 8555-7.1.6-1: exactly the registered texts, both ways.
TEST(Status, TextsOfTheRfc) {
  for (auto text : {"valid", "deactivated", "revoked"}) EXPECT_EQ(to_string(*parse_account_status(text)), text);
  for (auto text : {"pending", "ready", "processing", "valid", "invalid"}) {
    EXPECT_EQ(to_string(*parse_order_status(text)), text);
  }
  for (auto text : {"pending", "valid", "invalid", "deactivated", "expired", "revoked"}) {
    EXPECT_EQ(to_string(*parse_authorization_status(text)), text);
  }
  for (auto text : {"pending", "processing", "valid", "invalid"}) {
    EXPECT_EQ(to_string(*parse_challenge_status(text)), text);
  }
}

TEST(Status, RefusesEveryOtherText) {  // B-07
  for (auto text : {"", "Valid", "valid ", "expired", "pending"}) EXPECT_FALSE(parse_account_status(text).ok()) << text;
  for (auto text : {"", "expired", "deactivated", "READY"}) EXPECT_FALSE(parse_order_status(text).ok()) << text;
  for (auto text : {"", "ready", "processing"}) EXPECT_FALSE(parse_authorization_status(text).ok()) << text;
  for (auto text : {"", "ready", "expired"}) EXPECT_FALSE(parse_challenge_status(text).ok()) << text;
}

}  // namespace
}  // namespace lenscap::acme
