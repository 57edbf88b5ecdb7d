// The root that comes after a root: whoever trusts one of the two verifies what stands below either, says openssl, says
// GnuTLS.
#include "ca/next_root.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ca/ca_certificate.h"
#include "ca/ceremony.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

Time today() { return SystemClock().now() + Seconds(60); }

// The CA before, and an issuing CA below the root after.
struct Succession {
  GeneratedCa former = generate_ca(ceremony_settings(), today()).value();
  NextRoot next = make_next_root(ceremony_settings().name, former.root, former.root_key, today()).value();
  x509::PrivateKey issuing_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  x509::Certificate issuing =
      forge(issuer_template(ceremony_settings().name, issuing_key.public_key(), next.root, today() - kDay,
                            kIssuerLifetime, *next.root.name_constraints(), ceremony_settings().extended_key_usage),
            next.key);
};

// GnuTLS holds the common name of a CA certificate against the constraints when it is what a chain is for: so a leaf
// is.
x509::Certificate leaf_below(x509::Certificate const& issuing, x509::PrivateKey const& key) {
  std::string const no_url;
  auto const what = build_template(profile("camera-https"),
                                   {"camera-https",
                                    x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key(),
                                    names({"cam1.cams.example"}),
                                    {}},
                                   IssuerView(issuing, no_url), new_serial(today()), today() - kHour);
  return forge(what, key);
}

TEST(MakeNextRoot, EitherRootVerifiesWhatStandsBelowTheOther) {
  Succession const s;
  auto const fresh = leaf_below(s.issuing, s.issuing_key);
  auto const old = leaf_below(s.former.issuing, s.former.issuing_key);
  struct Case {
    char const* name;
    x509::Certificate const& trusted;
    std::vector<x509::Certificate> chain;  // from a leaf up to the trusted root
  };
  Case const cases[] = {
      {"the new issuer, for who trusts the former root",
       s.former.root,
       {fresh, s.issuing, s.next.by_former, s.former.root}},
      {"the new issuer, for who trusts the next root", s.next.root, {fresh, s.issuing, s.next.root}},
      {"the former issuer, for who trusts the next root",
       s.next.root,
       {old, s.former.issuing, s.next.former_by_this, s.next.root}},
      {"the former issuer, as ever", s.former.root, {old, s.former.issuing, s.former.root}},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    fakes::TempDir dir;
    put_file(dir.path("root.pem"), c.trusted.pem());
    put_file(dir.path("leaf.pem"), c.chain.front().pem());
    put_file(dir.path("chain.pem"), x509::to_pem(c.chain));
    std::vector<x509::Certificate> const between(c.chain.begin() + 1, c.chain.end() - 1);
    put_file(dir.path("between.pem"), x509::to_pem(between));
    auto const openssl =
        run("openssl verify -x509_strict -attime " + std::to_string(to_unix(today())) + " -CAfile " +
            dir.path("root.pem") + " -untrusted " + dir.path("between.pem") + " " + dir.path("leaf.pem"));
    EXPECT_EQ(openssl.status, 0) << openssl.output;
    auto const gnutls =
        run("certtool --verify --load-ca-certificate " + dir.path("root.pem") + " --infile " + dir.path("chain.pem"));
    EXPECT_EQ(gnutls.status, 0) << gnutls.output;
  }
}

TEST(MakeNextRoot, SaysWhatTheFormerSaid) {
  Succession const s;
  EXPECT_EQ(s.next.root.common_name(), s.former.root.common_name() + " 2");
  EXPECT_EQ(s.next.root.name_constraints(), s.former.root.name_constraints());
  EXPECT_EQ(s.next.by_former.name_constraints(), s.former.root.name_constraints());
  EXPECT_EQ(s.next.former_by_this.name_constraints(), s.former.root.name_constraints());
  EXPECT_EQ(s.next.by_former.subject_der(), s.next.root.subject_der());
  EXPECT_EQ(s.next.by_former.key(), s.next.root.key());
  EXPECT_EQ(s.next.former_by_this.key(), s.former.root.key());
  EXPECT_LE(s.next.by_former.not_after(), s.former.root.not_after());  // nothing outlives its signer
  EXPECT_EQ(s.next.former_by_this.not_after(), s.former.root.not_after());
  fakes::TempDir dir;
  put_file(dir.path("root.pem"), s.next.root.pem());
  auto const text = run("openssl x509 -noout -text -in " + dir.path("root.pem"));
  for (auto const* says : {"Name Constraints: critical", "Public-Key: (384 bit)", "CA:TRUE"})
    EXPECT_THAT(text.output, HasSubstr(says));
}

TEST(MakeNextRoot, NeedsTheFormersOwnKeyAndTime) {
  auto const former = generate_ca(ceremony_settings(), today()).value();
  auto const other = x509::PrivateKey::generate(x509::KeyType::ec_p384);
  auto const stranger = make_next_root("Example", former.root, other, today());
  ASSERT_FALSE(stranger.ok());
  EXPECT_EQ(stranger.error().code(), Errc::settings);
  EXPECT_THAT(stranger.error().detail(), HasSubstr("is not that of"));
  auto const late = make_next_root("Example", former.root, former.root_key, former.root.not_after() + Seconds(1));
  ASSERT_FALSE(late.ok());
  EXPECT_THAT(late.error().detail(), HasSubstr("ended at"));
}

TEST(NextCommonName, CountsOn) {
  EXPECT_EQ(next_common_name("Example Cameras Root CA"), "Example Cameras Root CA 2");
  EXPECT_EQ(next_common_name("Example Cameras Root CA 2"), "Example Cameras Root CA 3");
  EXPECT_EQ(next_common_name("Example Cameras Root CA 19"), "Example Cameras Root CA 20");
  EXPECT_EQ(next_common_name("Example 2x"), "Example 2x 2");
  EXPECT_EQ(next_common_name("Root"), "Root 2");
}

}  // namespace
}  // namespace lenscap::ca::test
