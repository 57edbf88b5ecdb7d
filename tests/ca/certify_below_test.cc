// A CA key that its owner brings along once: what it signs is judged by openssl and GnuTLS, and each fault is refused
// in plain words.
#include "ca/certify_below.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ca/ceremony.h"
#include "tests/ca/bundle_of.h"
#include "tests/ca/fixture.h"
#include "tests/fakes/faulty_parents.h"
#include "tests/fakes/refusals_in.h"

namespace lenscap::ca::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Options = fakes::Corporation::Options;

Time today() { return SystemClock().now() + Seconds(60); }

x509::PrivateKey const& our_key() {
  static auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  return key;
}

Below wanted() {
  return {"Example Cameras", "Example Cameras Issuing CA", our_key().public_key(),
          constraints_of(ceremony_settings()).value()};
}

TEST(CertifyBelow, RootsOfEachKindSignAConstrainedIssuer) {
  struct Case {
    char const* name;
    Options corporation = {};
    std::vector<std::string> files = {"root.key", "root.pem"};
  };
  Case const cases[] = {
      {"P-384"},
      {"P-256", {.root_key = "EC -pkeyopt ec_paramgen_curve:P-256"}},
      {"RSA-4096", {.root_key = "RSA -pkeyopt rsa_keygen_bits:4096"}},
      {"a root with a path length",
       {.root_use = "basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=keyCertSign,cRLSign\n"}},
      {"a long name of Microsoft's kind",
       {.root_subject =
            "/DC=com/DC=example/DC=corp/OU=Public Key Services/CN=Example Corporation Enterprise Root CA 01"}},
      {"an unconstrained CA with room below it", {.has_policy_ca = true}, {"policy.key", "policy.pem", "root.pem"}},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    fakes::Corporation corporation(c.corporation);
    auto const verdict = certify_below(bundle_of(corporation, c.files), wanted(), today());
    ASSERT_TRUE(verdict.ok()) << verdict.error().detail();
    EXPECT_EQ(verdict->warnings, std::vector<std::string>());
    EXPECT_EQ(verdict->issuing.key(), our_key().public_key());
    EXPECT_EQ(verdict->issuing.subject(), "CN=Example Cameras Issuing CA,O=Example Cameras");
    EXPECT_EQ(verdict->path_length, 0);
    ASSERT_TRUE(verdict->issuing.name_constraints());
    EXPECT_EQ(verdict->issuing.name_constraints()->text(), wanted().constraints.text());

    fakes::TempDir dir;
    put_file(dir.path("issuing.pem"), verdict->issuing.pem());
    put_file(dir.path("chain.pem"), verdict->issuing.pem() + x509::to_pem(verdict->above));
    auto const openssl =
        run("openssl verify -x509_strict -attime " + std::to_string(to_unix(today())) + " -CAfile " +
            corporation.root() + " -untrusted " + dir.path("chain.pem") + " " + dir.path("issuing.pem"));
    EXPECT_EQ(openssl.status, 0) << openssl.output;
    auto const gnutls = run("certtool --verify-chain --infile " + dir.path("chain.pem"));
    EXPECT_EQ(gnutls.status, 0) << gnutls.output;
    auto const text = run("openssl x509 -noout -text -in " + dir.path("issuing.pem"));
    for (auto const* says : {"CA:TRUE, pathlen:0", "Name Constraints: critical", "TLS Web Server Authentication"})
      EXPECT_THAT(text.output, HasSubstr(says));
  }
}

TEST(CertifyBelow, TheIssuerBearsTheNameThatItsRequestAsksFor) {
  auto next = wanted();
  next.common_name = "Example Cameras Issuing CA 2";
  fakes::Corporation corporation;
  auto const verdict = certify_below(bundle_of(corporation, {"root.key", "root.pem"}), next, today());
  ASSERT_TRUE(verdict.ok()) << verdict.error().detail();
  EXPECT_EQ(verdict->issuing.subject(), "CN=Example Cameras Issuing CA 2,O=Example Cameras");
}

TEST(CertifyBelow, LeavesTheRoomThatIsWanted) {
  auto roomy = wanted();
  roomy.path_length = 1;
  fakes::Corporation corporation;
  auto const verdict = certify_below(bundle_of(corporation, {"root.key", "root.pem"}), roomy, today());
  ASSERT_TRUE(verdict.ok()) << verdict.error().detail();
  EXPECT_EQ(verdict->path_length, 1);
}

// Clients take the least of the chain; so the certificate says no more than that.
TEST(CertifyBelow, IsNoWiderThanWhatStandsAbove) {
  fakes::Corporation corporation(
      {.root_use = "basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign,cRLSign\n"
                   "extendedKeyUsage=serverAuth\nnameConstraints=critical,permitted;DNS:p4.cams.example,"
                   "permitted;dirName:scope\n[scope]\nO=Example Cameras\n"});
  auto roomy = wanted();
  roomy.path_length = 1;
  auto const verdict = certify_below(bundle_of(corporation, {"root.key", "root.pem"}), roomy, today());
  ASSERT_TRUE(verdict.ok()) << verdict.error().detail();
  auto const constraints = verdict->issuing.name_constraints().value();
  EXPECT_EQ(constraints.permitted_dns,
            (std::vector<x509::DnsSubtree>{x509::DnsName::parse("p4.cams.example").value()}));
  EXPECT_EQ(constraints.permitted_ip, wanted().constraints.permitted_ip) << "of which the root says nothing";
  EXPECT_EQ(constraints.permitted_directory.size(), 1U);
  fakes::TempDir dir;
  put_file(dir.path("issuing.pem"), verdict->issuing.pem());
  auto const text = run("openssl x509 -noout -text -in " + dir.path("issuing.pem")).output;
  EXPECT_THAT(text, HasSubstr("CA:TRUE, pathlen:0"));
  EXPECT_THAT(text, HasSubstr("TLS Web Server Authentication"));
  EXPECT_THAT(text, testing::Not(HasSubstr("TLS Web Client Authentication")));
  auto const openssl = run("openssl verify -x509_strict -attime " + std::to_string(to_unix(today())) + " -CAfile " +
                           corporation.root() + " " + dir.path("issuing.pem"));
  EXPECT_EQ(openssl.status, 0) << openssl.output;
}

std::string root_use_for(std::string const& organization) {
  return "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nextendedKeyUsage=serverAuth\n"
         "nameConstraints=critical,permitted;dirName:scope\n[scope]\nO=" +
         organization + "\n";
}

// A chain may be good and have nothing of what is wanted. What was said, each in a line.
std::string said_of_what_does_not_fit() {
  fakes::Corporation const ours({.root_use = root_use_for("Example Cameras")}),
      other({.root_use = root_use_for("Example Bank")});
  auto const refused = [](fakes::Corporation const& corporation, Below const& what) {
    auto const made = certify_below(bundle_of(corporation, {"root.key", "root.pem"}), what, today());
    return made.ok() ? "nothing" : made.error().detail() + "\n";
  };
  auto clients_alone = wanted();
  clients_alone.usages = {ExtendedKeyUsage::client_auth};
  auto organization = wanted();
  auto const narrowed = certify_below(bundle_of(ours, {"root.key", "root.pem"}), wanted(), today());
  organization.constraints = narrowed.value().issuing.name_constraints().value();
  return refused(ours, clients_alone) + refused(other, organization);
}

TEST(CertifyBelow, NothingOutlivesItsSigner) {
  fakes::Corporation corporation({.has_policy_ca = true});
  auto const verdict =
      certify_below(bundle_of(corporation, {"policy.key", "policy.pem", "root.pem"}), wanted(), today());
  ASSERT_TRUE(verdict.ok()) << verdict.error().detail();
  EXPECT_GE(verdict->issuing.not_before(), verdict->above.front().not_before());
  EXPECT_EQ(verdict->issuing.not_after(), verdict->above.front().not_after());  // five years, less than ours would be
}

TEST(CertifyBelow, AnEarlierCertificateOfTheSameKeyIsReplaced) {
  fakes::Corporation corporation;
  auto const first = certify_below(bundle_of(corporation, {"root.key", "root.pem"}), wanted(), today()).value();
  auto again = bundle_of(corporation, {"root.key", "root.pem"});
  again.certificates.push_back(first.issuing);
  auto const second = certify_below(std::move(again), wanted(), today());
  ASSERT_TRUE(second.ok()) << second.error().detail();
  EXPECT_FALSE(second->issuing == first.issuing);
}

// What clients need of a certificate above ours is less than what RFC 5280 asks of it, and a root that exists stays as
// it is. The new certificate has to point to its signer's key also where the signer has no identifier.
TEST(CertifyBelow, ARootThatLacksWhatNoClientNeedsSignsWithAWarning) {
  struct Case {
    char const* lacks;
    std::string root_use;
    char const* warning;
  };
  std::string const ca = "basicConstraints=critical,CA:TRUE\n";
  for (Case const& c :
       {Case{"cRLSign", ca + "keyUsage=critical,keyCertSign\n", "may not sign CRLs"},
        Case{"the key identifier", "subjectKeyIdentifier=none\n" + ca + "keyUsage=critical,keyCertSign,cRLSign\n",
             "has no subject key identifier: strict clients"}}) {
    SCOPED_TRACE(c.lacks);
    fakes::Corporation corporation({.root_use = c.root_use});
    auto const verdict = certify_below(bundle_of(corporation, {"root.key", "root.pem"}), wanted(), today());
    ASSERT_TRUE(verdict.ok()) << verdict.error().detail();
    EXPECT_THAT(verdict->warnings, ElementsAre(HasSubstr(c.warning)));
    corporation.write("issuing.pem", verdict->issuing.pem());
    corporation.write("chain.pem", verdict->issuing.pem() + x509::to_pem(verdict->above));
    auto const in = "cd " + corporation.path("") + " && ";
    auto const openssl =
        run(in + "openssl verify -attime " + std::to_string(to_unix(today())) + " -CAfile root.pem issuing.pem");
    EXPECT_EQ(openssl.status, 0) << openssl.output;
    auto const gnutls = run(in + "certtool --verify-chain --infile chain.pem");
    EXPECT_EQ(gnutls.status, 0) << gnutls.output;
    auto const points = run(in + "openssl x509 -in issuing.pem -noout -ext authorityKeyIdentifier");
    EXPECT_GT(points.output.size(), 60U) << points.output;
  }
}

// Together the faults meet every refusal of the source.
TEST(CertifyBelow, EachFaultIsRefusedInPlainWords) {
  std::string said;
  for (auto const& c : fakes::faulty_signers()) {
    SCOPED_TRACE(c.says);
    fakes::Corporation corporation(c.corporation);
    corporation.shell(c.change);
    auto const refused = certify_below(bundle_of(corporation, c.files), wanted(), today());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::settings);
    EXPECT_THAT(refused.error().detail(), HasSubstr(c.says));
    said += refused.error().detail() + "\n";
  }
  x509::Bundle ours;
  ours.keys.push_back(x509::PrivateKey::from_pem(our_key().to_pem().text(), {}).value());
  auto const own = certify_below(std::move(ours), wanted(), today());
  ASSERT_FALSE(own.ok());
  EXPECT_THAT(own.error().detail(), HasSubstr("its own parent"));
  said += own.error().detail() + "\n" + said_of_what_does_not_fit();
  auto const refusals = fakes::refusals_in("ca/certify_below.cc", {"Error(Errc::settings,"});
  EXPECT_GT(refusals.size(), 8U);
  for (auto const& each : refusals) EXPECT_THAT(said, HasSubstr(each));
}

}  // namespace
}  // namespace lenscap::ca::test
