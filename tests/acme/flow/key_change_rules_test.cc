#include "acme/flow/key_change_rules.h"

#include <gtest/gtest.h>

#include "tests/acme/flow/fixtures.h"

namespace lenscap::acme {
namespace {

using namespace test;

constexpr char const* kUrl = "https://ca.cams.example/acme/key-change";
constexpr char const* kAccountUrl = "https://ca.cams.example/acme/account/account-1";

KeyChange change() {
  return {.new_key = device_private_key().public_key(),
          .url = kUrl,
          .account = kAccountUrl,
          .old_key = account_private_key().public_key()};
}

// 8555-7.3.5-5
TEST(ChangeKey, ChangesNothingElse) {
  auto before = account();
  before.external_account_binding = json::Object{{"protected", "x"}};
  auto const after = change_key(before, change(), kUrl, kAccountUrl, "").value();
  EXPECT_EQ(after.key, device_private_key().public_key());
  before.key = after.key;
  EXPECT_EQ(after, before);
}

// 8555-7.3.5-2, 8555-7.3.5-3, 8555-7.3.5-4
TEST(ChangeKey, Refusals) {
  struct Case {
    char const* name;
    std::function<void(Account&, KeyChange&, std::string& holder)> spoil;
    Errc code;
  };
  Case const cases[] = {
      {"deactivated", [](Account& a, KeyChange&, std::string&) { a.status = AccountStatus::deactivated; },
       Errc::account_deactivated},
      {"revoked", [](Account& a, KeyChange&, std::string&) { a.status = AccountStatus::revoked; },
       Errc::account_deactivated},
      {"other url", [](Account&, KeyChange& c, std::string&) { c.url += "/"; }, Errc::malformed},
      {"other account", [](Account&, KeyChange& c, std::string&) { c.account += "1"; }, Errc::malformed},
      {"account's id alone", [](Account&, KeyChange& c, std::string&) { c.account = "account-1"; }, Errc::malformed},
      {"the new key as the old one", [](Account&, KeyChange& c, std::string&) { c.old_key = c.new_key; },
       Errc::malformed},
      {"another account has the key", [](Account&, KeyChange&, std::string& h) { h = "https://ca/acme/account/2"; },
       Errc::key_in_use},
      {"the account has the key itself",
       [](Account&, KeyChange& c, std::string& h) {
         c.new_key = c.old_key;
         h = kAccountUrl;
       },
       Errc::key_in_use},
  };
  for (auto const& c : cases) {
    auto before = account();
    auto wish = change();
    std::string holder;
    c.spoil(before, wish, holder);
    auto const after = change_key(before, wish, kUrl, kAccountUrl, holder);
    ASSERT_FALSE(after.ok()) << c.name;
    EXPECT_EQ(after.error().code(), c.code) << c.name << ": " << after.error().detail();
    EXPECT_EQ(after.error().url, holder) << c.name;
  }
}

// Another error of the request is told first: 409 gives away who has a key.
TEST(ChangeKey, TellsOfAnotherAccountOnlyAfterEverythingElse) {
  auto wish = change();
  wish.account = "https://ca/acme/account/9";
  EXPECT_EQ(change_key(account(), wish, kUrl, kAccountUrl, "https://ca/acme/account/2").error().code(),
            Errc::malformed);
}

}  // namespace
}  // namespace lenscap::acme
