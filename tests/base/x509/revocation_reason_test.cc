#include "base/x509/revocation_reason.h"

#include <gtest/gtest.h>

namespace lenscap::x509 {
namespace {

TEST(RevocationReason, EveryCodeOfTheStandard) {  // RFC 5280 5.3.1
  struct Case {
    std::int64_t code;
    char const* name;  // nullptr: there is no such reason
  };
  constexpr Case kCases[] = {
      {-1, nullptr},
      {0, "unspecified"},
      {1, "keyCompromise"},
      {2, "cACompromise"},
      {3, "affiliationChanged"},
      {4, "superseded"},
      {5, "cessationOfOperation"},
      {6, "certificateHold"},
      {7, nullptr},
      {8, "removeFromCRL"},
      {9, "privilegeWithdrawn"},
      {10, "aACompromise"},
      {11, nullptr},
      {256, nullptr},
      {4294967297, nullptr},
  };
  for (auto const& c : kCases) {
    auto const reason = revocation_reason_of(c.code);
    ASSERT_EQ(reason.has_value(), c.name != nullptr) << c.code;
    if (!reason) continue;
    EXPECT_EQ(to_string(*reason), c.name);
    EXPECT_EQ(parse_revocation_reason(c.name).value(), *reason);
  }
  for (auto const* text : {"", "1", "keycompromise", "keyCompromise "})
    EXPECT_EQ(parse_revocation_reason(text).error().code(), Errc::bad_revocation_reason) << text;
}

}  // namespace
}  // namespace lenscap::x509
