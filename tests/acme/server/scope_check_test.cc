// Does a scope that names an issuer fit it? What would only disappoint later is refused when the scope is made.
#include "acme/server/scope_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ca/fixture.h"

namespace lenscap::acme {
namespace {

using ca::ExtendedKeyUsage;
using ::testing::HasSubstr;

Time const kNow = ca::test::kNow;

x509::DnsName dns(std::string_view text) { return x509::DnsName::parse(text).value(); }
x509::IpBlock block(std::string_view text) { return x509::IpBlock::parse(text).value(); }

ca::IssuerRule issuer(std::string const& name, char const* suffix, char const* network) {
  auto const constraints = x509::NameConstraints::permit_only({dns(suffix)}, {block(network)});
  return {.name = name,
          .usages = {ExtendedKeyUsage::server_auth},
          .constraints = constraints,
          .limits = {{name, constraints}},
          .begins = kNow - kDay,
          .ends = kNow + 1000 * kDay};
}

// plant4 is followed by plant4-2 after a day; clients are for 802.1X.
std::vector<ca::IssuerRule> issuers() {
  std::vector<ca::IssuerRule> all{
      issuer("default", "cams.example", "10.20.0.0/15"), issuer("plant4", "p4.cams.example", "10.20.4.0/22"),
      issuer("plant4-2", "p4.cams.example", "10.20.4.0/24"), issuer("clients", "cams.example", "10.20.0.0/15")};
  all[1].profiles = {"camera-https", "server"};
  all[2].replaces = "plant4";
  all[2].active_from = all[1].retired_from = kNow + kDay;
  all[3].usages = {ExtendedKeyUsage::client_auth};
  return all;
}

Scope scope_of(std::string name) {
  Scope scope;
  scope.grant_dns = {dns("p4.cams.example")};
  scope.prove_ip = {block("10.20.4.0/24")};
  scope.issuer = std::move(name);
  return scope;
}

std::string why_not(Scope const& scope, Time now = kNow) {
  std::vector<ca::Profile> const offered{ca::test::profile("camera-https-cn"), ca::test::profile("camera-https"),
                                         ca::test::profile("server")};
  auto const fits = check_issuer(scope, issuers(), offered, now);
  return fits.ok() ? "" : fits.error().detail();
}

TEST(CheckIssuer, OfAScope) {
  struct Case {
    char const* name;
    std::string issuer;
    void (*change)(Scope&);
    char const* says;  // empty: it fits
  };
  for (auto const& c : std::vector<Case>{
           {"its site", "plant4", [](Scope&) {}, ""},
           {"the default", "default", [](Scope&) {}, ""},
           {"one that is published", "plant4-2", [](Scope&) {}, ""},
           {"none is named", "", [](Scope& s) { s.grant_dns = {dns("bank.example")}; }, ""},
           {"there is none", "plant5", [](Scope&) {}, "there is: default, plant4, plant4-2, clients"},
           {"a suffix that is wider", "plant4", [](Scope& s) { s.grant_dns = {dns("cams.example")}; }, ""},
           {"a network that is wider", "plant4", [](Scope& s) { s.prove_ip = {block("10.20.0.0/15")}; }, ""},
           {"another suffix", "plant4", [](Scope& s) { s.grant_dns = {dns("p8.cams.example")}; },
            "the issuer plant4 cannot name p8.cams.example"},
           {"one suffix of two", "plant4", [](Scope& s) { s.prove_dns = {dns("p8.cams.example")}; },
            "the issuer plant4 cannot name p8.cams.example"},
           {"another network", "plant4", [](Scope& s) { s.prove_ip = {block("10.20.8.0/24")}; },
            "the issuer plant4 cannot name addresses of 10.20.8.0/24"},
           {"a profile that it serves", "plant4", [](Scope& s) { s.profiles = {"server"}; }, ""},
           {"one profile of two", "plant4",
            [](Scope& s) {
              s.profiles = {"camera-https-cn", "server"};
            },
            ""},
           {"another profile", "plant4", [](Scope& s) { s.profiles = {"camera-https-cn"}; },
            "plant4 does not serve profile camera-https-cn"},
           {"another usage", "clients", [](Scope&) {}, "serverAuth"},
       })
    EXPECT_THAT(why_not([&] {
                  auto scope = scope_of(c.issuer);
                  c.change(scope);
                  return scope;
                }()),
                *c.says == '\0' ? ::testing::IsEmpty() : ::testing::Matcher<std::string>(HasSubstr(c.says)))
        << c.name;
}

TEST(CheckIssuer, IsOfWhatHasTakenItsPlace) {
  auto scope = scope_of("plant4");
  scope.prove_ip = {block("10.20.5.0/24")};
  EXPECT_EQ(why_not(scope), "");
  EXPECT_THAT(why_not(scope, kNow + kDay), HasSubstr("the issuer plant4-2 cannot name addresses of 10.20.5.0/24"));
  EXPECT_THAT(why_not(scope_of("default"), kNow + 1000 * kDay), HasSubstr("default ended at"));
}

}  // namespace
}  // namespace lenscap::acme
