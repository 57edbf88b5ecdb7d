// Each check of the doctor over facts that are made up: what is good, and each way to be not.
#include "acme/server/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace lenscap::acme {
namespace {

using ::testing::HasSubstr;

Time const kNow = parse_rfc3339("2026-06-01T12:00:00Z").value();
constexpr std::uint64_t kMiB = 1024 * 1024;

Facts healthy() {
  Facts facts;
  facts.now = kNow;
  facts.clock_mark = kNow - kMinute;
  facts.root = {kNow - 100 * kDay, kNow + 7000 * kDay};
  facts.issuing = {kNow - 100 * kDay, kNow + 2000 * kDay};
  facts.constraints = x509::NameConstraints::permit_only({x509::DnsName::parse("cams.example").value()},
                                                         {x509::IpBlock::parse("10.20.0.0/15").value()});
  facts.files = {{"/state", 0700, false}, {"/state/keys/issuing.key", 0600, true}, {"/state/ca.toml", 0644, false}};
  facts.space_free = 10'000 * kMiB;
  facts.space_min = 256 * kMiB;
  facts.store_used = 51'000 * kMiB;
  facts.store_max = 65'536 * kMiB;
  facts.ballast = facts.ballast_there = 64 * kMiB;
  facts.ballast_file = "/state/ballast";
  facts.passphrase = "credential:lenscap-ca-key";
  facts.last_backup = kNow - kDay;
  facts.between = {{"CN=Corporate", {kNow - 100 * kDay, kNow + 3000 * kDay}}};
  facts.lists = {{"2-0", Facts::Validity{kNow - kDay, kNow + 6 * kDay}},
                 {"2-1", Facts::Validity{kNow - kDay, kNow + 6 * kDay}}};
  facts.root_lists = {{"CN=Root", Facts::Validity{kNow - 100 * kDay, kNow + 265 * kDay}}};
  facts.ocsp_is_served = true;
  facts.ocsp_signer = {kNow - kDay, kNow + 6 * kDay};
  facts.server_certificate = {kNow - kDay, kNow + 29 * kDay};
  return facts;
}

struct Case {
  char const* name;
  std::function<void(Facts&)> change;
  char const* check;
  Severity severity;
  char const* says;
};

std::vector<Case> const& cases() {
  static std::vector<Case> const all{
      {"before the issuer begins", [](Facts& f) { f.now = f.issuing.not_before - Seconds(1); }, "clock",
       Severity::critical, "before the issuing certificate begins"},
      {"clock far back", [](Facts& f) { f.clock_mark = f.now + Seconds(301); }, "clock", Severity::critical,
       "a certificate or a revocation list was made at"},
      {"clock a little back", [](Facts& f) { f.clock_mark = f.now + Seconds(300); }, "clock", Severity::advice,
       "set back"},
      {"nothing was signed yet", [](Facts& f) { f.clock_mark.reset(); }, "clock", Severity::good, ""},
      {"root: two years", [](Facts& f) { f.root.not_after = f.now + 730 * kDay; }, "root_expiry", Severity::good, ""},
      {"root: less", [](Facts& f) { f.root.not_after = f.now + 730 * kDay - Seconds(1); }, "root_expiry",
       Severity::warning, "ends in 729 days"},
      {"root: soon", [](Facts& f) { f.root.not_after = f.now + 180 * kDay - Seconds(1); }, "root_expiry",
       Severity::critical, "ends in 179 days"},
      {"root: over", [](Facts& f) { f.root.not_after = f.now; }, "root_expiry", Severity::critical, "ended at"},
      {"issuer: a year", [](Facts& f) { f.issuing.not_after = f.now + 365 * kDay; }, "issuer_expiry", Severity::good,
       ""},
      {"issuer: less", [](Facts& f) { f.issuing.not_after = f.now + 365 * kDay - Seconds(1); }, "issuer_expiry",
       Severity::warning, "ends in 364 days"},
      {"issuer: soon", [](Facts& f) { f.issuing.not_after = f.now + 90 * kDay - Seconds(1); }, "issuer_expiry",
       Severity::critical, "ends in 89 days"},
      {"between: soon", [](Facts& f) { f.between[0].validity.not_after = f.now + 80 * kDay; }, "issuer_expiry",
       Severity::critical, "\"CN=Corporate\", above the issuing one, ends in 80 days"},
      {"nobody keeps the clock", [](Facts& f) { f.clock_is_kept = false; }, "clock", Severity::advice, "nothing keeps"},
      {"somebody keeps the clock", [](Facts& f) { f.clock_is_kept = true; }, "clock", Severity::good, ""},
      {"no lists are served", [](Facts& f) { f.lists.clear(); }, "crl", Severity::good, ""},
      {"a list is missing", [](Facts& f) { f.lists[1].made.reset(); }, "crl", Severity::critical, "1 of 2"},
      {"an issuer that the service does not know yet",
       [](Facts& f) {
         f.lists[1].made.reset();
         f.lists[1].is_of_new_issuer = true;
       },
       "crl", Severity::warning, "1 of 2 revocation lists are of an issuer that the service does not know"},
      {"a list has ended", [](Facts& f) { f.lists[0].made->not_after = f.now; }, "crl", Severity::critical,
       "past their next update"},
      {"lists are an hour late",
       [](Facts& f) {
         for (auto& list : f.lists) list.made = {f.now - 4 * kDay - kHour, f.now + 4 * kDay - kHour};
       },
       "crl", Severity::warning, "2 of 2 revocation lists should have been made anew"},
      {"lists are about to be made",
       [](Facts& f) {
         f.lists[0].made = {f.now - 4 * kDay, f.now + 4 * kDay - Seconds(1)};
       },
       "crl", Severity::good, ""},
      {"no OCSP signer", [](Facts& f) { f.ocsp_signer.reset(); }, "ocsp", Severity::critical, "no certificate"},
      {"no OCSP",
       [](Facts& f) {
         f.ocsp_is_served = false;
         f.ocsp_signer.reset();
       },
       "ocsp", Severity::good, ""},
      {"OCSP signer has ended", [](Facts& f) { f.ocsp_signer->not_after = f.now; }, "ocsp", Severity::critical,
       "ended at"},
      {"OCSP signer is old",
       [](Facts& f) {
         f.ocsp_signer = {f.now - 4 * kDay, f.now + 3 * kDay};
       },
       "ocsp", Severity::warning, "should have been renewed"},
      {"another host", [](Facts& f) { f.server_certificate.reset(); }, "server_certificate", Severity::warning,
       "host of server.url"},
      {"server certificate has ended", [](Facts& f) { f.server_certificate->not_after = f.now; }, "server_certificate",
       Severity::critical, "no client connects"},
      {"server certificate is old",
       [](Facts& f) {
         f.server_certificate = {f.now - 21 * kDay, f.now + 9 * kDay};
       },
       "server_certificate", Severity::warning, "should have been renewed"},
      {"a new CA that has not served yet",
       [](Facts& f) {
         f.clock_mark.reset();
         f.ocsp_signer.reset();
         f.server_certificate.reset();
         for (auto& list : f.lists) list.made.reset();
       },
       "crl", Severity::good, ""},
      {"a list of the root: 90 days and more",
       [](Facts& f) {
         f.root_lists[0].made = {f.now - 274 * kDay, f.now + 91 * kDay};
       },
       "root_crl", Severity::good, ""},
      {"a list of the root: less",
       [](Facts& f) {
         f.root_lists[0].made = {f.now - 275 * kDay, f.now + 90 * kDay};
       },
       "root_crl", Severity::warning, "CN=Root ends in 90 days"},
      {"a list of the root: soon",
       [](Facts& f) {
         f.root_lists[0].made = {f.now - 335 * kDay, f.now + 30 * kDay};
       },
       "root_crl", Severity::critical, "CN=Root ends in 30 days"},
      {"a list of the root: over", [](Facts& f) { f.root_lists[0].made->not_after = f.now; }, "root_crl",
       Severity::critical, "strict clients refuse every certificate"},
      {"no list of the root", [](Facts& f) { f.root_lists[0].made.reset(); }, "root_crl", Severity::advice,
       "was never made"},
      {"a parent's root", [](Facts& f) { f.root_lists.clear(); }, "root_crl", Severity::good, ""},
      {"an issuer waits for its certificate", [](Facts& f) { f.pending = "default-2"; }, "issuers", Severity::advice,
       "default-2 waits for its certificate"},
      {"an issuer is revoked", [](Facts& f) { f.revoked = {"default"}; }, "issuers", Severity::advice,
       "revoked: default;"},
      {"every issuer is revoked",
       [](Facts& f) {
         f.revoked = {"default", "plant4"};
         f.is_any_active = false;
       },
       "issuers", Severity::critical, "revoked: default, plant4, and no other issuer signs"},
      {"root key is here", [](Facts& f) { f.root_key_is_here = true; }, "root_key", Severity::warning, "root's key"},
      {"a restore that nobody confirmed",
       [](Facts& f) {
         f.gap = {f.now - kDay, f.now - kHour};
       },
       "restore", Severity::critical, "nobody has confirmed it, so nothing is issued"},
      {"no back-up", [](Facts& f) { f.last_backup.reset(); }, "backup", Severity::warning, "never"},
      {"back-up of a week", [](Facts& f) { f.last_backup = f.now - 7 * kDay; }, "backup", Severity::good, ""},
      {"older back-up", [](Facts& f) { f.last_backup = f.now - 8 * kDay; }, "backup", Severity::warning, "8 days ago"},
      {"old back-up", [](Facts& f) { f.last_backup = f.now - 31 * kDay; }, "backup", Severity::critical, "31 days ago"},
      {"audit trail", [](Facts& f) { f.audit_fault = "entry 3 is missing"; }, "audit", Severity::critical,
       "entry 3 is missing"},
      {"key open to the group", [](Facts& f) { f.files[1].mode = 0640; }, "permissions", Severity::critical,
       "issuing.key has mode 0640"},
      {"settings open to all", [](Facts& f) { f.files[2].mode = 0666; }, "permissions", Severity::critical,
       "ca.toml has mode 0666"},
      {"key of another user", [](Facts& f) { f.files[1].is_ours = false; }, "permissions", Severity::warning,
       "another user"},
      {"a GiB left", [](Facts& f) { f.space_free = 1024 * kMiB; }, "space", Severity::good, ""},
      {"less space", [](Facts& f) { f.space_free = 1023 * kMiB; }, "space", Severity::warning, "1023 MiB"},
      {"no space", [](Facts& f) { f.space_free = 255 * kMiB; }, "space", Severity::critical, "no new orders"},
      {"the store has grown", [](Facts& f) { f.store_used = 52'500 * kMiB; }, "space", Severity::warning, "80 %"},
      {"the store is nearly full", [](Facts& f) { f.store_used = 62'300 * kMiB; }, "space", Severity::critical,
       "95 % of what it may grow to, so no new orders"},
      {"a store without bound", [](Facts& f) { f.store_max = 0; }, "space", Severity::good, ""},
      {"no ballast", [](Facts& f) { f.ballast_there = 0; }, "space", Severity::advice, "/state/ballast is not there"},
      {"a part of it", [](Facts& f) { --f.ballast_there; }, "space", Severity::advice, "/state/ballast is not there"},
      {"no ballast is wanted", [](Facts& f) { f.ballast = f.ballast_there = 0; }, "space", Severity::good, ""},
      {"passphrase in a file", [](Facts& f) { f.passphrase = "file:/etc/pass"; }, "passphrase", Severity::advice,
       "unsealed"},
      {"passphrase beside the key",
       [](Facts& f) {
         f.passphrase = "file:pass";
         f.passphrase_is_beside = true;
       },
       "passphrase", Severity::warning, "beside the key"},
      {"passphrase typed", [](Facts& f) { f.passphrase = "prompt"; }, "passphrase", Severity::advice, "each start"},
      {"no constraints, and a parent",
       [](Facts& f) {
         f.constraints.reset();
         f.how_to_constrain = "lenscap-ca issuer create";
       },
       "constraints", Severity::warning, "anything"},
      {"no constraints, and an issuer with some",
       [](Facts& f) {
         f.constraints.reset();
         f.has_constrained_issuer = true;
       },
       "constraints", Severity::warning, "signs in its place"},
      {"no constraints", [](Facts& f) { f.constraints.reset(); }, "constraints", Severity::warning, "anything"},
      {"whole private range",
       [](Facts& f) { f.constraints->permitted_ip = {x509::IpBlock::parse("10.0.0.0/8").value()}; }, "constraints",
       Severity::advice, "whole private range"},
      {"top-level name", [](Facts& f) { f.constraints->permitted_dns = {x509::DnsName::parse("example").value()}; },
       "constraints", Severity::advice, "top-level"},
      {"addresses are free",
       [](Facts& f) {
         f.constraints->permitted_ip.clear();
         f.constraints->excluded_ip.clear();
       },
       "constraints", Severity::warning, "every address"},
      {"a scope's issuer is gone",
       [](Facts& f) {
         f.idle = {{"plant4", "this CA does not have it (any more)", {"k1"}}};
       },
       "scopes", Severity::warning, "who orders under k1 gets nothing: this CA does not have it"},
      {"an issuer of many scopes has ended",
       [](Facts& f) {
         f.idle = {{"plant4", "it ended", {"acme.open", "k1", "k2", "k3", "k4"}}};
       },
       "scopes", Severity::warning, "under acme.open, k1, k2 and 2 more gets nothing: it ended"},
      {"another issuer is wide",
       [](Facts& f) {
         f.further = {{"plant4", f.constraints}};
         f.further[0].constraints->permitted_dns.clear();
       },
       "constraints", Severity::warning, "the certificate of the issuer plant4 limits addresses, and no DNS names"},
      {"another issuer without constraints",
       [](Facts& f) {
         f.further = {{"plant4", std::nullopt}};
       },
       "constraints", Severity::warning, "the issuer plant4 may name anything"},
      {"another issuer with the same",
       [](Facts& f) {
         f.further = {{"plant4", f.constraints}};
       },
       "constraints", Severity::good, ""},
      {"names are free", [](Facts& f) { f.constraints->permitted_dns.clear(); }, "constraints", Severity::warning,
       "every host"},
  };
  return all;
}

// What there is a command for is said with the command.
TEST(Examine, WhatToDoAboutAnEndFitsTheKindOfCa) {
  auto const advice = [](std::string_view check, bool has_parent, char const* issuer) {
    auto facts = healthy();
    facts.root.not_after = facts.issuing.not_after = facts.now + 10 * kDay;
    facts.has_parent = has_parent;
    facts.is_of_parent = has_parent && *issuer != 'p';
    facts.issuer = issuer;
    for (auto const& diagnosis : examine(facts))
      if (diagnosis.check == check) return diagnosis.to_do;
    return std::string();
  };
  EXPECT_THAT(advice("root_expiry", false, ""), HasSubstr("lenscap-ca root roll-over"));
  EXPECT_THAT(advice("root_expiry", true, ""), HasSubstr("lenscap-ca issuer install"));
  EXPECT_THAT(advice("issuer_expiry", false, ""), HasSubstr("lenscap-ca issuer roll-over;"));
  EXPECT_THAT(advice("issuer_expiry", false, "plant4"), HasSubstr("lenscap-ca issuer roll-over --of plant4;"));
  EXPECT_THAT(advice("issuer_expiry", true, ""), HasSubstr("lenscap-ca issuer csr"));
  EXPECT_THAT(advice("issuer_expiry", true, ""), HasSubstr("for a new key, lenscap-ca issuer roll-over"));
  EXPECT_THAT(advice("issuer_expiry", true, "default-2"), HasSubstr("lenscap-ca issuer csr"));
  EXPECT_THAT(advice("issuer_expiry", true, "plant4"), HasSubstr("lenscap-ca issuer roll-over --of plant4;"));
}

TEST(Examine, AHealthyCaHasOneGoodLineForEachCheck) {
  auto const all = examine(healthy());
  ASSERT_EQ(all.size(), checks().size());
  for (auto const& diagnosis : all) EXPECT_EQ(diagnosis.severity, Severity::good) << diagnosis.check << diagnosis.what;
  EXPECT_EQ(worst_of(all), Severity::good);
}

TEST(Examine, EachCase) {
  for (auto const& c : cases()) {
    SCOPED_TRACE(c.name);
    auto facts = healthy();
    c.change(facts);
    auto const all = examine(facts);
    EXPECT_EQ(worst_of(all), c.severity);
    for (auto const& diagnosis : all) {
      EXPECT_EQ(diagnosis.severity == Severity::good, diagnosis.to_do.empty());
      if (diagnosis.check != c.check) {
        EXPECT_EQ(diagnosis.severity, Severity::good) << diagnosis.check << ": " << diagnosis.what;
        continue;
      }
      EXPECT_EQ(diagnosis.severity, c.severity);
      EXPECT_THAT(diagnosis.what, HasSubstr(c.says));
    }
  }
}

// What gives room at once is named where it is needed, and only when it is there.
TEST(Examine, AFullDiskNamesTheBallast) {
  auto const to_do = [](std::uint64_t ballast) {
    auto facts = healthy();
    facts.space_free = 10 * kMiB;
    facts.ballast_there = ballast;
    std::string text;
    for (auto const& diagnosis : examine(facts))
      if (diagnosis.severity == Severity::critical) text += diagnosis.to_do;
    return text;
  };
  EXPECT_THAT(to_do(64 * kMiB), HasSubstr("/state/ballast holds 64 MiB"));
  EXPECT_THAT(to_do(0), ::testing::AllOf(HasSubstr("make room"), ::testing::Not(HasSubstr("ballast"))));
}

TEST(Examine, EachCheckCanFindSomething) {
  for (auto const& check : checks())
    EXPECT_TRUE(std::ranges::any_of(cases(), [&](Case const& c) {
      return c.check == check.name && c.severity != Severity::good;
    })) << check.name;
}

TEST(Examine, EachCheckHasItsParagraph) {
  std::ifstream file(std::string(LENSCAP_SOURCE_DIR) + "/docs/when-something-is-wrong.md");
  std::string const text{std::istreambuf_iterator<char>(file), {}};
  for (auto const& check : checks()) EXPECT_THAT(text, HasSubstr("\n- `" + std::string(check.name) + "`"));
}

}  // namespace
}  // namespace lenscap::acme
