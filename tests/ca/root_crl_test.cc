// The list of a root: what it says from one to the next, what is refused, where it lies, and what OpenSSL and GnuTLS
// make of it and of chains.
#include "ca/root_crl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "base/limits.h"
#include "ca/crl.h"
#include "ca/next_root.h"
#include "ca/root_crl_file.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;
using enum x509::RevocationReason;

// The judges go by the system's clock.
Time const kToday = SystemClock().now();

GeneratedCa const& a_ca() {
  static GeneratedCa const made = generate_ca(ceremony_settings(), kToday).value();
  return made;
}

Result<RootCrl> make(std::optional<RootCrl> const& last = {}, std::vector<RootRevocation> const& more = {},
                     Time now = kToday, Seconds lifetime = kRootCrlLifetime) {
  return make_root_crl(a_ca().root, a_ca().root_key, last, more, lifetime, now);
}

// --- what it says ---

TEST(MakeRootCrl, TheFirstIsEmptyAndGoodForAYear) {
  auto const list = make().value();
  EXPECT_EQ(list.number, static_cast<std::uint64_t>(to_unix(kToday)));
  EXPECT_EQ(list.this_update, kToday - limits::kIssuerBackdate);
  EXPECT_EQ(list.next_update, kToday + 365 * kDay);
  EXPECT_TRUE(list.revoked.empty());
  EXPECT_EQ(list.find(a_ca().issuing.serial_hex()), nullptr);
}

TEST(MakeRootCrl, TheNextKeepsWhatTheLastSays) {
  auto const first = make({}, {{"01aa", key_compromise}}).value();
  auto const second = make(first, {{"ff", {}}}, kToday + kDay).value();
  EXPECT_GT(second.number, first.number);
  ASSERT_EQ(second.revoked.size(), 2U);
  auto const* one = second.find("01aa");
  ASSERT_NE(one, nullptr);
  EXPECT_EQ(one->reason, key_compromise);
  EXPECT_EQ(one->revoked_at, first.this_update) << "its date stays";
  auto const* other = second.find("ff");
  ASSERT_NE(other, nullptr) << "no sign octet";
  EXPECT_EQ(other->reason, std::nullopt);
  EXPECT_EQ(other->revoked_at, second.this_update) << "no list tells of what came after it";
  EXPECT_NE(first.tag, second.tag);
  auto const third = make(second, {}, kToday + 400 * kDay).value();
  EXPECT_EQ(third.revoked.size(), 2U) << "for good";
}

// Also two within a second, and where the last one was lost.
TEST(MakeRootCrl, NumbersRise) {
  auto const first = make().value();
  auto const second = make(first).value();
  EXPECT_EQ(second.number, first.number + 1);
  EXPECT_GT(make({}, {}, kToday + kHour).value().number, second.number);
}

TEST(MakeRootCrl, EndsWithTheRoot) {
  auto const& root = a_ca().root;
  EXPECT_EQ(make({}, {}, root.not_after() - 10 * kDay).value().next_update, root.not_after());
  EXPECT_EQ(make({}, {}, root.not_before()).value().this_update, root.not_before());
}

TEST(MakeRootCrl, Refusals) {
  auto const other = x509::PrivateKey::generate(x509::KeyType::ec_p384);
  auto const stranger = make_root_crl(a_ca().root, other, {}, {}, kRootCrlLifetime, kToday);
  ASSERT_FALSE(stranger.ok());
  EXPECT_EQ(stranger.error().code(), Errc::conflict);
  auto const last = make({}, {{"01aa", superseded}}).value();
  struct Case {
    char const* name;
    Result<RootCrl> made;
    Errc code;
  };
  Case const cases[] = {
      {"too short", make({}, {}, kToday, 30 * kDay - Seconds(1)), Errc::usage},
      {"too long", make({}, {}, kToday, 5 * 365 * kDay + Seconds(1)), Errc::usage},
      {"revoked before", make(last, {{"01aa", key_compromise}}), Errc::already_revoked},
      {"the root has ended", make({}, {}, a_ca().root.not_after()), Errc::settings},
      {"the root has not begun", make({}, {}, a_ca().root.not_before() - Seconds(1)), Errc::settings},
      {"the clock was set back", make(make({}, {}, kToday + kDay).value(), {}, kToday), Errc::unavailable},
  };
  for (auto const& c : cases) {
    ASSERT_FALSE(c.made.ok()) << c.name;
    EXPECT_EQ(c.made.error().code(), c.code) << c.name << ": " << c.made.error().detail();
  }
  EXPECT_TRUE(make({}, {}, kToday, 30 * kDay).ok());
  EXPECT_TRUE(make({}, {}, kToday, 5 * 365 * kDay).ok());
  auto const a_little = make(make({}, {}, kToday + Seconds(200)).value(), {}, kToday);
  ASSERT_TRUE(a_little.ok()) << "a clock that a time server has put right";
  EXPECT_EQ(a_little->this_update, kToday + Seconds(200) - limits::kIssuerBackdate);
}

TEST(ParseRootCrl, GivesBackWhatWasMade) {
  auto const made = make({}, {{"01aa", ca_compromise}, {"02bb", {}}}).value();
  auto const read = parse_root_crl(made.der, a_ca().root).value();
  EXPECT_EQ(read.der, made.der);
  EXPECT_EQ(read.tag, made.tag);
  EXPECT_EQ(read.number, made.number);
  EXPECT_EQ(read.next_update, made.next_update);
  ASSERT_EQ(read.revoked.size(), 2U);
  EXPECT_EQ(read.find("01aa")->reason, ca_compromise);
}

TEST(ParseRootCrl, RefusesWhatIsNotOurs) {
  auto const list = make().value();
  auto const other = generate_ca(ceremony_settings(), kToday).value();  // of the same name
  auto damaged = list.der;
  damaged.back() ^= 1;
  auto longer = list.der;
  longer.push_back(0);
  CrlBuilder part(a_ca().root,
                  {.number = 1, .this_update = kToday, .next_update = kToday + kDay, .part_url = "http://x/2-0.crl"},
                  0);
  auto const draft = std::move(part).finish();
  Bytes octets(kCrlFrontRoom);
  octets.insert(octets.end(), draft.tbs().begin(), draft.tbs().end());
  auto const algorithm = signature_algorithm(a_ca().root.key());
  auto const of_a_part =
      assemble_crl(std::move(octets), kCrlFrontRoom, algorithm, a_ca().root_key.sign(algorithm.hash, draft.tbs()));
  for (auto const& [der, says] : std::vector<std::pair<Bytes, char const*>>{
           {{}, "damaged"},
           {to_bytes("-----BEGIN X509 CRL-----"), "damaged"},
           {longer, "damaged"},
           {damaged, "has not signed it"},
           {make_root_crl(other.root, other.root_key, {}, {}, kRootCrlLifetime, kToday)->der, "has not signed it"},
           {of_a_part, "not a whole list"},
       }) {
    auto const read = parse_root_crl(der, a_ca().root);
    ASSERT_FALSE(read.ok()) << says;
    EXPECT_EQ(read.error().code(), Errc::settings);
    EXPECT_THAT(read.error().detail(), HasSubstr(says));
  }
}

TEST(AgeAt, PeopleHearOfItWithTimeToBringTheKey) {
  struct Case {
    Seconds life, left;
    RootCrlAge age;
  };
  using enum RootCrlAge;
  for (auto const& [life, left, age] : std::vector<Case>{
           {366 * kDay, 91 * kDay, fresh},
           {366 * kDay, 90 * kDay, ending},
           {366 * kDay, 31 * kDay, ending},
           {366 * kDay, 30 * kDay, urgent},
           {366 * kDay, Seconds(1), urgent},
           {366 * kDay, Seconds(0), ended},
           {366 * kDay, -kDay, ended},
           {1825 * kDay, 91 * kDay, fresh},
           {36 * kDay, 10 * kDay, fresh},
           {36 * kDay, 9 * kDay, ending},
           {36 * kDay, 3 * kDay, urgent},
       })
    EXPECT_EQ(age_at(kToday, kToday + life, kToday + life - left), age) << life.count() << " " << left.count();
}

// --- the judges ---

TEST(RootCrl, JudgesReadIt) {
  fakes::TempDir dir;
  auto const list = make({}, {{a_ca().issuing.serial_hex(), key_compromise}}).value();
  put_file(dir.path("root.pem"), a_ca().root.pem());
  put_file(dir.path("root.der"), std::string(as_text(a_ca().root.der())));
  put_file(dir.path("root.crl"), std::string(as_text(list.der)));
  auto const of_der = " --inder --infile " + dir.path("root.crl");
  auto const text = run("openssl crl -inform DER -noout -text -in " + dir.path("root.crl"));
  EXPECT_THAT(text.output, HasSubstr("Version 2"));
  EXPECT_THAT(text.output, HasSubstr("X509v3 Authority Key Identifier"));
  EXPECT_THAT(text.output, HasSubstr("X509v3 CRL Number"));
  EXPECT_THAT(text.output, HasSubstr("Key Compromise"));
  auto const openssl =
      run("openssl crl -inform DER -noout -verify -CAfile " + dir.path("root.pem") + " -in " + dir.path("root.crl"));
  EXPECT_THAT(openssl.output, HasSubstr("verify OK"));
  EXPECT_THAT(run("certtool --crl-info" + of_der).output, HasSubstr("Revoked certificates (1):"));
  auto const gnutls = run("certtool --verify-crl --load-ca-certificate " + dir.path("root.der") + of_der);
  EXPECT_EQ(gnutls.status, 0) << gnutls.output;
  EXPECT_THAT(gnutls.output, HasSubstr("Verified"));
}

// A leaf with its chain and the lists of both, of which the root's changes alone.
class ChainWithLists : public ::testing::Test {
 protected:
  ChainWithLists() : test(ceremony_settings(), kToday) {
    auto const wanted = request(names({"cam1.cams.example"}));
    auto const leaf = test.issuer->sign(test.issuer->prepare(profile("camera-https"), wanted, kToday).value()).value();
    put_file(dir.path("leaf.pem"), leaf.pem());
    put_file(dir.path("issuing.pem"), test.ca.issuing.pem());
    put_file(dir.path("root.pem"), test.ca.root.pem());
    put_file(dir.path("chain.pem"), leaf.pem() + test.ca.issuing.pem());
    CrlBuilder builder(test.ca.issuing, {.number = 1, .this_update = kToday - kHour, .next_update = kToday + kDay}, 0);
    put_list("issuing.crl", test.issuer->sign_crl(std::move(builder).finish()).value());
  }
  void put_list(std::string const& name, Bytes const& der) {
    put_file(dir.path(name + ".der"), std::string(as_text(der)));
    ASSERT_EQ(run("openssl crl -inform DER -in " + dir.path(name + ".der") + " -out " + dir.path(name)).status, 0);
  }
  void root_says(std::vector<RootRevocation> const& more) {
    last = make_root_crl(test.ca.root, test.ca.root_key, last, more, kRootCrlLifetime, kToday).value();
    put_list("root.crl", last->der);
    ASSERT_EQ(run("cd " + dir.path("") + " && cat issuing.crl root.crl > both.crl").status, 0);
  }
  Outcome openssl() {
    return run("cd " + dir.path("") +
               " && openssl verify -crl_check_all -CAfile root.pem -untrusted issuing.pem -CRLfile both.crl leaf.pem");
  }
  Outcome gnutls() {
    return run("cd " + dir.path("") +
               " && certtool --verify --load-ca-certificate root.pem --load-crl both.crl --infile chain.pem");
  }

  fakes::TempDir dir;
  TestCa test;
  std::optional<RootCrl> last;
};

TEST_F(ChainWithLists, IsGoodUntilTheRootsListNamesTheIssuer) {
  EXPECT_NE(run("cd " + dir.path("") +
                " && openssl verify -crl_check_all -CAfile root.pem -untrusted issuing.pem "
                "-CRLfile issuing.crl leaf.pem")
                .status,
            0)
      << "without the root's list nobody knows";
  root_says({});
  EXPECT_EQ(openssl().status, 0) << openssl().output;
  EXPECT_EQ(gnutls().status, 0) << gnutls().output;
  root_says({{test.ca.issuing.serial_hex(), key_compromise}});
  EXPECT_NE(openssl().status, 0);
  EXPECT_THAT(openssl().output, HasSubstr("certificate revoked"));
  EXPECT_NE(gnutls().status, 0);
  EXPECT_THAT(gnutls().output, HasSubstr("revoked"));
}

// After a roll-over of the root each way up has what it needs: a list for each root's key.
TEST(RootCrl, BothRootsOfARollOverHaveTheirLists) {
  auto const& former = a_ca();
  auto const next = make_next_root("Example Cameras", former.root, former.root_key, kToday).value();
  fakes::TempDir dir;
  auto const put = [&](std::string const& name, Bytes const& der) {
    put_file(dir.path("der"), std::string(as_text(der)));
    ASSERT_EQ(run("openssl crl -inform DER -in " + dir.path("der") + " >> " + dir.path(name)).status, 0);
  };
  auto const of_former = make().value();
  auto const of_next = make_root_crl(next.root, next.key, {}, {}, kRootCrlLifetime, kToday).value();
  auto const voucher_revoked = make_root_crl(next.root, next.key, of_next,
                                             {{next.former_by_this.serial_hex(), superseded}}, kRootCrlLifetime, kToday)
                                   .value();
  put("lists.pem", of_former.der);
  put("lists.pem", of_next.der);
  put("revoked.pem", of_former.der);
  put("revoked.pem", voucher_revoked.der);
  put_file(dir.path("former.pem"), former.root.pem());
  put_file(dir.path("next.pem"), next.root.pem());
  put_file(dir.path("voucher.pem"), next.former_by_this.pem());
  put_file(dir.path("issuing.pem"), former.issuing.pem());
  auto const verify = [&](std::string const& rest) {
    return run("cd " + dir.path("") + " && openssl verify -crl_check_all " + rest + " issuing.pem");
  };
  EXPECT_EQ(verify("-CAfile former.pem -CRLfile lists.pem").status, 0);
  auto const by_next = verify("-CAfile next.pem -untrusted voucher.pem -CRLfile lists.pem");
  EXPECT_EQ(by_next.status, 0) << by_next.output;
  EXPECT_THAT(verify("-CAfile next.pem -untrusted voucher.pem -CRLfile revoked.pem").output,
              HasSubstr("certificate revoked"));
}

// Where lists are served, and nowhere else.
TEST(RootCrl, WhatARootSignsNamesItsList) {
  auto settings = ceremony_settings();
  settings.lists_url = kHttpUrl;
  auto const made = generate_ca(settings, kToday).value();
  auto const next = make_next_root("Example Cameras", made.root, made.root_key, kToday, kHttpUrl).value();
  fakes::TempDir dir;
  auto const named_by = [&](x509::Certificate const& certificate) {
    put_file(dir.path("one.pem"), certificate.pem());
    auto const text = run("openssl x509 -noout -ext crlDistributionPoints -in " + dir.path("one.pem")).output;
    auto const at = text.find("URI:");
    return at == text.npos ? "" : text.substr(at + 4, text.find('\n', at) - at - 4);
  };
  auto const of_root = kHttpUrl + crl_path(made.root) + ".crl";
  EXPECT_EQ(named_by(made.issuing), of_root);
  EXPECT_EQ(named_by(made.root), "") << "who trusts it asks nobody";
  EXPECT_EQ(named_by(next.by_former), of_root);
  EXPECT_EQ(named_by(next.former_by_this), kHttpUrl + crl_path(next.root) + ".crl");
  EXPECT_EQ(named_by(next.root), "");
  EXPECT_EQ(named_by(a_ca().issuing), "");
  EXPECT_TRUE(parse_root_crl(made.root_crl.der, made.root).ok());
  EXPECT_TRUE(parse_root_crl(next.crl.der, next.root).ok());
}

// --- where it lies ---

class RootCrlFile : public ::testing::Test {
 protected:
  RootCrlFile() {
    std::filesystem::create_directories(state() + "/keys");
    put_file(state() + "/keys/root.pem", a_ca().root.pem());
  }
  std::string state() const { return dir.path("state"); }
  std::string file() const { return root_crl_file(state(), 0); }
  Result<RootCrl> renew(std::vector<RootRevocation> const& more = {}, Time now = kToday) {
    TRY(auto const next, NextRootCrl::make(state(), known, 0, a_ca().root_key, more, {}, now));
    CHECK_OK(next.put_in_place());
    return next.list();
  }
  std::optional<RootCrl> load() { return load_root_crls(state(), known).value().front(); }

  fakes::TempDir dir;
  KnownRoots known{{a_ca().root}, {}, 0};
};

TEST_F(RootCrlFile, GoesOnFromTheOneThatIsThere) {
  EXPECT_FALSE(load());
  ASSERT_TRUE(renew({{"01aa", key_compromise}}).ok());
  ASSERT_TRUE(renew().ok());
  auto const there = load();
  ASSERT_TRUE(there);
  EXPECT_NE(there->find("01aa"), nullptr);
  auto const twice = renew({{"01aa", {}}});
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().code(), Errc::already_revoked);
  EXPECT_EQ(load()->der, there->der);
}

// Over a list that nobody can read another would forget what it revoked.
TEST_F(RootCrlFile, OneThatIsDamagedIsNeverWrittenOver) {
  put_file(file(), "no list");
  EXPECT_THAT(load_root_crls(state(), known).error().detail(), HasSubstr("put it back from a back-up"));
  EXPECT_FALSE(renew().ok());
  EXPECT_EQ(read_file(file()).value(), "no list");
}

// Nobody is to take it for missing, and with it what it revokes.
TEST_F(RootCrlFile, OneThatIsClosedIsNotMissing) {
  ASSERT_TRUE(renew({{"01aa", key_compromise}}).ok());
  fakes::close_off(file());
  EXPECT_THAT(load_root_crls(state(), known).error().detail(), HasSubstr(file()));
  EXPECT_FALSE(renew().ok());
}

TEST_F(RootCrlFile, OneProcessAtATime) {
  {
    auto const other = NextRootCrl::make(state(), known, 0, a_ca().root_key, {}, {}, kToday);
    ASSERT_TRUE(other.ok());
    EXPECT_FALSE(load()) << "not yet in place";
    auto const refused = renew();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::conflict);
  }
  EXPECT_TRUE(renew().ok());
}

TEST_F(RootCrlFile, LivesAsLongAsTheLast) {
  {
    auto const two_years = NextRootCrl::make(state(), known, 0, a_ca().root_key, {}, 730 * kDay, kToday);
    ASSERT_TRUE(two_years.ok());
    ASSERT_TRUE(two_years->put_in_place().ok());
  }
  EXPECT_EQ(renew({}, kToday + kDay)->next_update, kToday + 731 * kDay);
  auto const last_days = a_ca().root.not_after() - 10 * kDay;
  EXPECT_EQ(renew({}, last_days)->next_update, a_ca().root.not_after());
  EXPECT_TRUE(renew({}, last_days + kDay).ok()) << "shorter than one may ask for";
}

TEST_F(RootCrlFile, WhoseItIs) {
  EXPECT_EQ(root_that_signed(known, a_ca().issuing), 0U);
  EXPECT_EQ(root_of_key(known, a_ca().root.key()), 0U);
  auto const other = generate_ca(ceremony_settings(), kToday).value();
  EXPECT_EQ(root_that_signed(known, other.issuing), std::nullopt);
  EXPECT_EQ(root_of_key(known, other.root.key()), std::nullopt);
}

}  // namespace
}  // namespace lenscap::ca::test
