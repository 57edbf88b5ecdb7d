// What the audit trail counts as a refusal, for each code there is.
#include "acme/flow/refusal_rules.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace lenscap::acme {
namespace {

// All others are refusals, of a request and of an operation alike.
struct Row {
  Errc code;
  bool of_request;
  bool of_operation;
};
constexpr Row kOthers[] = {
    {Errc::bad_nonce, false, false},
    {Errc::internal, false, false},
    {Errc::unavailable, false, false},
    {Errc::settings, false, false},
    {Errc::file, false, false},
    {Errc::unreachable, false, false},
    {Errc::wrong_passphrase, false, false},
    {Errc::needs_confirmation, false, true},
    {Errc::usage, false, true},
    {Errc::conflict, false, true},
};

TEST(RefusalRules, EachCodeIsOneOrNone) {
  for (auto const code : all_errcs()) {
    SCOPED_TRACE(to_string(code));
    auto const* row = std::ranges::find(kOthers, code, &Row::code);
    bool const is_listed = row != std::end(kOthers);
    EXPECT_EQ(is_refusal(Error(code, "no")), is_listed ? row->of_request : true);
    EXPECT_EQ(is_refusal_of_operation(Error(code, "no")), is_listed ? row->of_operation : true);
  }
}

// Both are 503.
TEST(RefusalRules, AnIssuerThatMayNotSignIsARuleAndABusyServerIsNone) {
  EXPECT_TRUE(is_refusal(Error(Errc::no_issuer, "only the issuer plant4 may sign this: it is retired")));
  EXPECT_FALSE(is_refusal(Error(Errc::unavailable, "the disk is full")));
}

TEST(RefusalRules, ACompoundOneIsARefusalWhenAPartIs) {
  struct Case {
    char const* name;
    std::vector<Errc> parts;
    bool is_one;
  };
  Case const cases[] = {
      {"no parts", {}, true},
      {"a name that is not granted", {Errc::rejected_identifier}, true},
      {"one of two", {Errc::internal, Errc::no_issuer}, true},
      {"a fault of ours for each", {Errc::internal, Errc::unavailable}, false},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    Error error(Errc::compound, "several");
    for (auto const part : c.parts) error.sub.push_back({part, "no", "dns", "a.example"});
    EXPECT_EQ(is_refusal(error), c.is_one);
    EXPECT_EQ(is_refusal_of_operation(error), c.is_one);
  }
}

}  // namespace
}  // namespace lenscap::acme
