// Which issuer makes a certificate: by profile, usage, names, time and site.
#include "ca/issuer_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using enum ExtendedKeyUsage;

x509::NameConstraints permit(std::vector<std::string> const& dns, std::vector<std::string> const& ip) {
  std::vector<x509::DnsName> names;
  std::vector<x509::IpBlock> blocks;
  for (auto const& text : dns) names.push_back(x509::DnsName::parse(text).value());
  for (auto const& text : ip) blocks.push_back(x509::IpBlock::parse(text).value());
  return x509::NameConstraints::permit_only(std::move(names), std::move(blocks));
}

IssuerRule issuer(std::string const& name, x509::NameConstraints const& constraints) {
  return {.name = name,
          .is_default = name.starts_with("default"),
          .usages = {server_auth, client_auth},
          .constraints = constraints,
          .limits = {{name, constraints}},
          .begins = kNow - kDay,
          .ends = kNow + 1000 * kDay};
}

// The corporation's default, two plants with one network each, a line inside the first of them, and one for 802.1X.
std::vector<IssuerRule> site() {
  auto const whole = permit({"cams.example"}, {"10.20.0.0/15"});
  std::vector<IssuerRule> all{issuer("default", whole), issuer("plant4", permit({"p4.cams.example"}, {"10.20.4.0/22"})),
                              issuer("plant8", permit({"p8.cams.example"}, {"10.20.8.0/22"})),
                              issuer("line7", permit({"l7.p4.cams.example"}, {"10.20.7.0/24"})),
                              issuer("dot1x", whole)};
  all[4].profiles = {"dot1x"};
  return all;
}

std::string chosen(std::vector<IssuerRule> const& all, Time now, x509::NameSet const& wanted,
                   std::string const& profile_name = "camera-https") {
  auto const found = choose_issuer(all, profile(profile_name), wanted, now);
  return found ? all[*found].name : "nobody";
}

TEST(ChooseIssuer, TheNarrowestThatMay) {
  struct Case {
    char const* why;
    x509::NameSet wanted;
    std::string by;
    std::string profile = "camera-https";
  };
  for (auto const& c : std::vector<Case>{
           {"of no site", names({"a.cams.example"}, {"10.21.0.1"}), "default"},
           {"of a site", names({"a.p4.cams.example"}, {"10.20.4.1"}), "plant4"},
           {"of the other site", names({}, {"10.20.8.1"}), "plant8"},
           {"of two sites", names({}, {"10.20.4.1", "10.20.8.1"}), "default"},
           {"a site's address, another name", names({"a.cams.example"}, {"10.20.4.1"}), "default"},
           {"inside a site", names({"a.l7.p4.cams.example"}, {"10.20.7.1"}), "line7"},
           {"partly inside a site", names({"a.p4.cams.example"}, {"10.20.7.1"}), "plant4"},
           {"of nobody", names({"www.bank.example"}), "nobody"},
           {"half of nobody", names({"a.cams.example", "www.bank.example"}), "nobody"},
           {"made for the profile", names({"a.cams.example"}), "dot1x", "dot1x"},
           {"made for the profile, though wider than the site's", names({"a.p4.cams.example"}), "plant4", "dot1x"},
       })
    EXPECT_EQ(chosen(site(), kNow, c.wanted, c.profile), c.by) << c.why;
}

TEST(ChooseIssuer, TheOrderOfTheFoldersMakesNoDifference) {
  auto all = site();
  std::ranges::reverse(all);
  EXPECT_EQ(chosen(all, kNow, names({"a.l7.p4.cams.example"})), "line7");
  EXPECT_EQ(chosen(all, kNow, names({"a.p4.cams.example"})), "plant4");
  EXPECT_EQ(chosen(all, kNow, names({"a.cams.example"})), "default");
}

TEST(ChooseIssuer, UsageIsPartOfIt) {
  auto all = site();
  all[1].usages = {client_auth};  // camera-https is for serverAuth
  EXPECT_EQ(chosen(all, kNow, names({"a.p4.cams.example"})), "default");
  all[0].usages = {client_auth};
  EXPECT_EQ(chosen(all, kNow, names({"a.p4.cams.example"})), "nobody");
}

TEST(ChooseIssuer, ByDate) {
  auto all = site();
  auto next = all[1];
  next.name = "plant4-2";
  next.active_from = all[1].retired_from = kNow + kDay;
  all.push_back(next);
  auto const wanted = names({"a.p4.cams.example"});
  EXPECT_EQ(chosen(all, kNow, wanted), "plant4");
  EXPECT_EQ(chosen(all, kNow + kDay - Seconds(1), wanted), "plant4");
  EXPECT_EQ(chosen(all, kNow + kDay, wanted), "plant4-2");
  all[1].retired_from = Time::max();  // two that are active: the later one
  EXPECT_EQ(chosen(all, kNow + kDay, wanted), "plant4-2");
  all.back().ends = kNow + 2 * kDay;
  EXPECT_EQ(chosen(all, kNow + 2 * kDay, wanted), "plant4") << "a chain that has ended";
  all[1].begins = kNow + 3 * kDay;
  EXPECT_EQ(chosen(all, kNow + 2 * kDay, wanted), "default") << "a chain that has not begun";
}

TEST(ChooseIssuer, OfTwoThatAreEqualTheFirstByName) {
  auto all = site();
  all.push_back(all[1]);
  all.back().name = "a-plant";
  EXPECT_EQ(chosen(all, kNow, names({"a.p4.cams.example"})), "a-plant");
}

// plant4 of the site above, with a roll-over to plant4-2 after a day and to plant4-3 after two; none other was changed.
std::vector<IssuerRule> rolled_over_site() {
  auto all = site();
  for (int number : {2, 3}) {
    auto next = issuer("plant4-" + std::to_string(number), *all[1].constraints);
    next.replaces = number == 2 ? "plant4" : "plant4-2";
    next.active_from = kNow + (number - 1) * kDay;
    (number == 2 ? all[1] : all.back()).retired_from = next.active_from;
    all.push_back(next);
  }
  return all;
}

// "plant4-2", or why nobody may.
std::string heir(std::vector<IssuerRule> const& all, std::string const& named, Time now, x509::NameSet const& wanted,
                 std::string const& profile_name = "camera-https") {
  auto const found = choose_heir(all, named, profile(profile_name), wanted, now);
  return found ? all[*found].name : std::to_string(static_cast<int>(found.error().code())) + found.error().detail();
}

TEST(ChooseHeir, TheOneThatIsNamedOrWhatTookItsPlaceAndNeverAnother) {
  auto const in_plant = names({"a.p4.cams.example"}, {"10.20.4.1"});
  auto const elsewhere = names({"a.cams.example"});
  auto const inner_line = names({"a.l7.p4.cams.example"});
  struct Case {
    char const* why;
    std::string named;
    Time now;
    x509::NameSet wanted;
    std::string is;
    std::string profile = "camera-https";
  };
  for (auto const& c : std::vector<Case>{
           {"the named one", "plant4", kNow, in_plant, "plant4"},
           {"though a narrower one may, too", "plant4", kNow, inner_line, "plant4"},
           {"the default, though a site's may", "default", kNow, in_plant, "default"},
           {"a second before a roll-over", "plant4", kNow + kDay - Seconds(1), in_plant, "plant4"},
           {"after it", "plant4", kNow + kDay, in_plant, "plant4-2"},
           {"after two of them", "plant4", kNow + 2 * kDay, in_plant, "plant4-3"},
           {"by the name of the second", "plant4-2", kNow + 2 * kDay, in_plant, "plant4-3"},
           {"whoever it replaced is another", "plant4-2", kNow, in_plant, "signs only from"},
           {"names outside, though the default may", "plant4", kNow, elsewhere, "cannot be certified"},
           {"one name outside", "plant4", kNow, names({"a.p4.cams.example", "a.p8.cams.example"}),
            "cannot be certified"},
           {"names outside, after a roll-over", "plant4", kNow + kDay, elsewhere, "cannot be certified"},
           {"another profile, though the default serves it", "dot1x", kNow, elsewhere, "does not serve profile"},
           {"the profile that it serves", "dot1x", kNow, elsewhere, "dot1x", "dot1x"},
           {"there is none", "plant5", kNow, in_plant, "this CA does not have it"},
           {"no name at all", "", kNow, in_plant, "this CA does not have it"},
       }) {
    auto const is = heir(rolled_over_site(), c.named, c.now, c.wanted, c.profile);
    if (c.is.find(' ') == c.is.npos)
      EXPECT_EQ(is, c.is) << c.why;
    else
      EXPECT_THAT(is, AllOf(HasSubstr("only the issuer " + c.named + " may sign this: "), HasSubstr(c.is))) << c.why;
  }
}

TEST(ChooseHeir, OfOneThatSignsNothingNobodySignsInItsPlace) {
  auto const wanted = names({"a.p4.cams.example"});
  struct Case {
    char const* why;
    void (*change)(IssuerRule& plant4);
    Errc code;
    char const* says;
  };
  for (auto const& c : std::vector<Case>{
           {"published", [](IssuerRule& r) { r.active_from = kNow + Seconds(1); }, Errc::no_issuer, "signs only from"},
           {"retired, and its heir is gone", [](IssuerRule& r) { r.retired_from = kNow; }, Errc::no_issuer,
            "nothing has taken its place"},
           {"ended", [](IssuerRule& r) { r.ends = kNow; }, Errc::no_issuer, "ended at"},
           {"not begun", [](IssuerRule& r) { r.begins = kNow + Seconds(1); }, Errc::no_issuer, "begins only at"},
           {"another profile", [](IssuerRule& r) { r.profiles = {"server"}; }, Errc::invalid_profile,
            "does not serve profile camera-https"},
           {"another usage", [](IssuerRule& r) { r.usages = {client_auth}; }, Errc::invalid_profile, "serverAuth"},
           {"a certificate above that forbids the name",
            [](IssuerRule& r) {
              r.limits.push_back({"above", permit({"l7.p4.cams.example"}, {})});
            },
            Errc::rejected_identifier, "a.p4.cams.example"},
       }) {
    auto all = site();
    ASSERT_EQ(heir(all, "plant4", kNow, wanted), "plant4");
    c.change(all[1]);
    ASSERT_EQ(chosen(all, kNow, wanted), "default") << c.why << ": without a name another signs";
    auto const found = choose_heir(all, "plant4", profile("camera-https"), wanted, kNow);
    ASSERT_FALSE(found.ok()) << c.why << ": " << all[*found].name;
    EXPECT_EQ(found.error().code(), c.code) << c.why;
    EXPECT_THAT(found.error().detail(), AllOf(HasSubstr("only the issuer plant4"), HasSubstr(c.says))) << c.why;
    EXPECT_EQ(found.error().sub.size(), c.code == Errc::rejected_identifier ? 1U : 0U) << c.why;
  }
}

// Rules that are no line at all, which load_issuers() refuses.
TEST(FindHeir, EndsWhereALineGoesInACircle) {
  auto all = rolled_over_site();
  all[1].replaces = "plant4-3";
  EXPECT_TRUE(find_heir(all, "plant4", kNow + 3 * kDay));
}

TEST(DefaultAt, TheLineOfTheDefaultByItsTime) {
  auto all = site();
  all.push_back(all[0]);
  all.back().name = "default-2";
  all.back().active_from = kNow + kDay;
  EXPECT_EQ(all[default_at(all, kNow)].name, "default");
  EXPECT_EQ(all[default_at(all, kNow + kDay)].name, "default-2");
  all[0].active_from = kNow + kHour;
  EXPECT_EQ(all[default_at(all, kNow)].name, "default") << "a clock that is wrong";
}

TEST(CheckServes, SaysWhyNot) {
  auto one = issuer("plant4", permit({"cams.example"}, {}));
  one.active_from = kNow;
  one.retired_from = kNow + kDay;
  one.profiles = {"server"};
  auto const why = [&](std::string const& name, Time now) {
    auto const verdict = check_serves(one, profile(name), now);
    return verdict.ok() ? "" : verdict.error().detail();
  };
  EXPECT_EQ(why("server", kNow), "");
  EXPECT_THAT(why("camera-https", kNow), HasSubstr("does not serve profile camera-https"));
  EXPECT_THAT(why("server", kNow - Seconds(1)), HasSubstr("signs only from"));
  EXPECT_THAT(why("server", kNow + kDay), HasSubstr("is retired since"));
  // Its certificates live on, and so do the answers about them.
  for (auto const now : {kNow - kDay, kNow, kNow + 2 * kDay})
    EXPECT_TRUE(check_serves(one, ocsp_signer_profile(), now));
}

TEST(CheckServes, OneThatIsRevokedSignsForTheServerAndItsResponderAlone) {
  auto one = issuer("plant4", permit({"cams.example"}, {}));
  one.revoked_at = kNow;
  for (auto const now : {kNow - kDay, kNow + kDay}) {
    auto const refused = check_serves(one, profile("server"), now);
    ASSERT_FALSE(refused.ok()) << "whatever the clock says";
    EXPECT_EQ(refused.error().code(), Errc::no_issuer);
    EXPECT_TRUE(refused.error().retry_after);
    EXPECT_THAT(refused.error().detail(), HasSubstr("lenscap-ca issuer roll-over --of plant4"));
    EXPECT_TRUE(check_serves(one, profile("server"), now, Holder::server));
    EXPECT_TRUE(check_serves(one, ocsp_signer_profile(), now));
  }
}

TEST(ChooseIssuer, NeverOneThatIsRevoked) {
  auto all = site();
  auto const wanted = names({"a.p4.cams.example"});
  ASSERT_EQ(chosen(all, kNow, wanted), "plant4");
  all[1].revoked_at = kNow;
  EXPECT_EQ(chosen(all, kNow, wanted), "default");
  all[0].revoked_at = kNow;
  EXPECT_EQ(chosen(all, kNow, wanted), "nobody");
}

TEST(StateAt, RevokedComesBeforeAllButTheEnd) {
  auto one = issuer("plant4", permit({"cams.example"}, {}));
  one.active_from = kNow;
  one.retired_from = kNow + kDay;
  one.ends = kNow + 2 * kDay;
  one.revoked_at = kNow + kHour;
  for (auto const now : {kNow - kDay, kNow, kNow + kDay}) EXPECT_EQ(state_at(one, now), IssuerState::revoked);
  EXPECT_EQ(state_at(one, kNow + 2 * kDay), IssuerState::ended);
  EXPECT_EQ(to_string(IssuerState::revoked), "revoked");
}

TEST(StateAt, ByDate) {
  auto one = issuer("plant4", permit({"cams.example"}, {}));
  one.active_from = kNow;
  one.retired_from = kNow + kDay;
  one.ends = kNow + 2 * kDay;
  EXPECT_EQ(state_at(one, kNow - Seconds(1)), IssuerState::published);
  EXPECT_EQ(state_at(one, kNow), IssuerState::active);
  EXPECT_EQ(state_at(one, kNow + kDay), IssuerState::retired);
  EXPECT_EQ(state_at(one, kNow + 2 * kDay), IssuerState::ended);
}

}  // namespace
}  // namespace lenscap::ca::test
