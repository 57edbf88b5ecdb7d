// Chains that a parent may send back, made by the openssl program: the good one accepted, each fault refused by name.
#include "ca/parent_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "ca/issuer_request.h"
#include "ca/name_limits.h"
#include "tests/ca/fixture.h"
#include "tests/fakes/corporation.h"

namespace lenscap::ca::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

// The openssl program makes certificates that begin now.
Time today() { return SystemClock().now(); }
constexpr char const* kRootUse = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
constexpr char const* kIssuerUse =
    "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n";
constexpr char const* kP256 = "EC -pkeyopt ec_paramgen_curve:P-256";
constexpr char const* kP384 = "EC -pkeyopt ec_paramgen_curve:P-384";
constexpr char const* kRsa2048 = "RSA -pkeyopt rsa_keygen_bits:2048";
constexpr char const* kRsa4096 = "RSA -pkeyopt rsa_keygen_bits:4096";

// A corporate root, and an issuing certificate that it signs for our key.
struct Parent {
  std::string root_use = kRootUse;
  std::string issuer_use = kIssuerUse;
  std::string root_key = kP256;
  std::string hash = "sha256";
  std::string subject = "/O=Example Corporation/CN=Cameras Issuing CA";
};

struct Answer {
  std::vector<x509::Certificate> chain;
  x509::PublicKey our_key;
};

Answer answer_of(Parent const& parent) {
  fakes::TempDir dir;
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  put_file(dir.path("our.key"), std::string(key.to_pem().text()));
  put_file(dir.path("root.ext"), "subjectKeyIdentifier=hash\n" + parent.root_use);
  put_file(dir.path("issuer.ext"), "subjectKeyIdentifier=hash\n" + parent.issuer_use);
  auto const made =
      run("cd " + dir.path("") + " && openssl genpkey -quiet -algorithm " + parent.root_key + " -out root.key" +
          " && openssl req -new -key root.key -subj '/O=Example Corporation/CN=Corporate Root' -out root.csr" +
          " && openssl x509 -req -in root.csr -signkey root.key -days 3650 -extfile root.ext -out root.pem" +
          " && openssl req -new -key our.key -subj '" + parent.subject + "' -out our.csr" +
          " && openssl x509 -req -in our.csr -CA root.pem -CAkey root.key -CAcreateserial -days 365 -" + parent.hash +
          " -extfile issuer.ext -out issuing.pem");
  EXPECT_EQ(made.status, 0) << made.output;
  auto load = [&](char const* name) { return x509::Certificate::from_pem(read_file(dir.path(name)).value()).value(); };
  return {{load("issuing.pem"), load("root.pem")}, key.public_key()};
}

TEST(ParentRules, ChainsOfOrdinaryParentsAccepted) {
  struct Case {
    char const* name;
    Parent parent;
  };
  std::string const microsoft = std::string(kIssuerUse) +
                                "1.3.6.1.4.1.311.21.1=DER:020100\n"
                                "1.3.6.1.4.1.311.20.2=DER:1e0a00530075006200430041\n"
                                "extendedKeyUsage=serverAuth,clientAuth\n";
  Case const cases[] = {
      {"P-256", {}},
      {"P-384", {.root_key = kP384}},
      {"RSA-2048", {.root_key = kRsa2048}},
      {"RSA-4096", {.root_key = kRsa4096}},
      {"Microsoft-like template",
       {.issuer_use = microsoft,
        .root_key = kRsa2048,
        .subject = "/DC=com/DC=example/DC=corp/OU=Public Key Services/OU=Services/CN=Cameras Issuing CA 01"}},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    auto answer = answer_of(c.parent);
    std::swap(answer.chain[0], answer.chain[1]);  // the order does not matter
    auto const verdict = judge_parent_chain(answer.chain, answer.our_key, today() + Seconds(60));
    ASSERT_TRUE(verdict.ok()) << verdict.error().detail();
    EXPECT_EQ(verdict->issuing, answer.chain[1]);
    EXPECT_EQ(verdict->above, std::vector{answer.chain[0]});
    EXPECT_EQ(verdict->ends, answer.chain[1].not_after());
    EXPECT_EQ(verdict->path_length, 0);
    EXPECT_THAT(verdict->warnings, Contains(HasSubstr("no certificate of the chain has name constraints")));
  }
}

TEST(ParentRules, FaultyCertificatesRefusedWithTheReason) {
  struct Case {
    Parent parent;
    char const* reason;
  };
  std::string const use = kIssuerUse;
  Case const cases[] = {
      {{.issuer_use = "basicConstraints=critical,CA:FALSE\n"}, "is not that of a CA"},
      {{.issuer_use = "basicConstraints=CA:TRUE\nkeyUsage=cRLSign\n"}, "keyCertSign"},
      {{.issuer_use = "basicConstraints=CA:TRUE\nkeyUsage=keyCertSign\n"}, "cRLSign"},
      {{.issuer_use = use + "extendedKeyUsage=clientAuth\n"}, "serverAuth"},
      {{.issuer_use = use + "extendedKeyUsage=anyExtendedKeyUsage\n"}, "without serverAuth"},
      {{.root_use = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign,cRLSign\n"}, "leaves room"},
      {{.hash = "sha1"}, "SHA1"},
      {{.root_key = "RSA -pkeyopt rsa_keygen_bits:1024"}, "not good enough"},
      {{.root_use = std::string(kRootUse) + "nameConstraints=critical,permitted;DNS:one.example,excluded;"
                                            "IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0\n",
        .issuer_use = use + "nameConstraints=critical,permitted;DNS:two.example\n"},
       "leave no name"},
      // What is permitted lies inside what is excluded.
      {{.root_use = std::string(kRootUse) +
                    "nameConstraints=critical,permitted;DNS:one.example,excluded;IP:10.0.0.0/255.0.0.0\n",
        .issuer_use = use + "nameConstraints=critical,permitted;DNS:two.example,permitted;IP:10.20.0.0/255.254.0.0\n"},
       "leave no name"},
      {{.root_use = std::string(kRootUse) +
                    "nameConstraints=critical,permitted;DNS:a.example,excluded;DNS:example,"
                    "excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0\n"},
       "leave no name"},
      // RFC 5280 6.1.3: what binds names binds the CA's own subject.
      {{.root_use = std::string(kRootUse) +
                    "nameConstraints=critical,permitted;dirName:scope,permitted;DNS:example\n[scope]\nO=Another\n"},
       "that the certificate of CN=Corporate Root,O=Example Corporation above it does not permit"},
      {{.root_use = std::string(kRootUse) + "nameConstraints=critical,permitted;email:corp.example\n",
        .issuer_use = use + "subjectAltName=email:pki@other.example\n"},
       "pki@other.example cannot be certified"},
      {{.root_use = std::string(kRootUse) + "nameConstraints=critical,permitted;RID:1.2.3.4\n"},
       "names of a type that this program does not know"},
      // What clients refuse, though it is a CA with all that it needs.
      {{.issuer_use = use + "1.2.3.4=critical,DER:0500\n"}, "has the critical extension 1.2.3.4"},
      {{.root_use = std::string(kRootUse) + "1.2.3.4=critical,DER:0500\n"}, "has the critical extension 1.2.3.4"},
      {{.issuer_use = use + "policyConstraints=critical,requireExplicitPolicy:0\n"}, "critical policy constraints"},
      {{.issuer_use = use + "policyConstraints=requireExplicitPolicy:0\n"}, "demands that certificates name a policy"},
      // Constraints that no reader could keep, or that are none.
      {{.root_use = std::string(kRootUse) + "nameConstraints=critical,permitted;DNS:corp_x.example\n"},
       "'corp_x.example' is not a DNS name"},
      {{.root_use = std::string(kRootUse) + "nameConstraints=critical,excluded;URI:https://corp.example/\n"},
       "the URI subtree 'https://corp.example/': a URI subtree is a host"},
      {{.root_use = std::string(kRootUse) + "nameConstraints=critical,permitted;IP:10.0.0.0/255.0.255.0\n"},
       "the mask of an IP subtree has holes"},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.reason);
    auto const answer = answer_of(c.parent);
    auto const verdict = judge_parent_chain(answer.chain, answer.our_key, today() + Seconds(60));
    ASSERT_FALSE(verdict.ok());
    EXPECT_EQ(verdict.error().code(), Errc::settings);
    EXPECT_THAT(verdict.error().detail(), HasSubstr(c.reason));
  }
}

// OpenSSL and most clients take these, and some do not: an existing root can hardly be changed.
TEST(ParentRules, WhatOnlyStrictClientsRefuseIsAWarning) {
  auto const about = [](Parent const& parent) {
    auto const answer = answer_of(parent);
    auto const verdict = judge_parent_chain(answer.chain, answer.our_key, today() + Seconds(60));
    EXPECT_TRUE(verdict.ok()) << verdict.error().detail();
    return verdict.ok() ? verdict->warnings : std::vector<std::string>();
  };
  std::string const authority = "authorityKeyIdentifier=keyid\n";
  auto const strict = HasSubstr("openssl verify -x509_strict");
  EXPECT_THAT(about({.issuer_use = authority + kIssuerUse}), Not(Contains(strict)));
  auto const issuing = about({.issuer_use = authority + "basicConstraints=CA:TRUE\n"});
  EXPECT_THAT(issuing, Contains(::testing::AllOf(HasSubstr("Cameras Issuing CA"), HasSubstr("no key usage"), strict)));
  EXPECT_THAT(issuing, Contains(::testing::AllOf(HasSubstr("Cameras Issuing CA"), HasSubstr("not critical"), strict)));
  EXPECT_THAT(about({.root_use = "basicConstraints=CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n",
                     .issuer_use = authority + kIssuerUse}),
              Contains(::testing::AllOf(HasSubstr("Corporate Root"), HasSubstr("not critical"), strict)));
}

// The issuing certificate itself lacks neither (the faults above).
TEST(ParentRules, WhatIsMissingAboveIsAWarning) {
  fakes::Corporation corporation(
      {.root_use = "subjectKeyIdentifier=none\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n",
       .has_policy_ca = true,
       .policy_use =
           "authorityKeyIdentifier=none\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"});
  corporation.issue_with_key();
  auto const load = [&](char const* name) {
    return x509::Certificate::from_pem(read_file(corporation.path(name)).value()).value();
  };
  auto const issuing = load("issuing.pem");
  auto const verdict =
      judge_parent_chain({issuing, load("policy.pem"), load("root.pem")}, issuing.key(), today() + Seconds(60));
  ASSERT_TRUE(verdict.ok()) << verdict.error().detail();
  auto const of = [](char const* whose, char const* what) {
    return Contains(::testing::AllOf(HasSubstr(whose), HasSubstr(what)));
  };
  EXPECT_THAT(verdict->warnings, of("CN=Policy CA", "may not sign CRLs"));
  EXPECT_THAT(verdict->warnings, of("CN=Corporate Root", "may not sign CRLs"));
  EXPECT_THAT(verdict->warnings, of("CN=Corporate Root", "has no subject key identifier"));
  EXPECT_THAT(verdict->warnings, Not(of("CN=Cameras CA", "may not sign")));
}

// A root that was made once more, with another identifier for the same key: OpenSSL and GnuTLS know it from the one
// that signed.
TEST(ParentRules, TheAuthorityKeyIdentifierSaysWhichOfTwoIsTheIssuer) {
  fakes::Corporation corporation;
  corporation.issue_with_key();
  corporation.shell(
      "sed 's/^subjectKeyIdentifier=.*/subjectKeyIdentifier=0a0b0c0d/' root.ext >again.ext && openssl x509 -req -in "
      "root.csr -signkey root.key -days 100 -extfile again.ext -out again.pem");
  auto const load = [&](char const* name) {
    return x509::Certificate::from_pem(read_file(corporation.path(name)).value()).value();
  };
  auto const issuing = load("issuing.pem"), root = load("root.pem"), again = load("again.pem");
  auto const now = today() + Seconds(60);
  for (auto const& given : {std::vector{issuing, root, again}, std::vector{again, root, issuing}}) {
    auto const verdict = judge_parent_chain(given, issuing.key(), now);
    ASSERT_TRUE(verdict.ok()) << verdict.error().detail();
    EXPECT_EQ(verdict->above, std::vector{root});
  }
  auto const refused = judge_parent_chain({issuing, again}, issuing.key(), now);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().detail(), HasSubstr("(subject key identifier 0a0b0c0d)"));
  for (bool const is_meant : {true, false}) {
    std::string const by = is_meant ? "root.pem" : "again.pem";
    auto const in = "cd " + corporation.path("") + " && ";
    auto const openssl = run(in + "openssl verify -CAfile " + by + " issuing.pem");
    EXPECT_EQ(openssl.status == 0, is_meant) << openssl.output;
    auto const gnutls = run(in + "certtool --verify --load-ca-certificate " + by + " --infile issuing.pem");
    EXPECT_EQ(gnutls.status == 0, is_meant) << gnutls.output;
  }
}

// What a usage above says of certificates below is what OpenSSL and GnuTLS make of it: anyExtendedKeyUsage in a CA
// certificate stands for nothing else.
TEST(NameLimits, UsagesAreForbiddenWhereClientsForbidThem) {
  struct Case {
    char const* usage;
    bool server, client;
  };
  for (Case const& c :
       {Case{"", true, true}, Case{"serverAuth,clientAuth", true, true}, Case{"serverAuth", true, false},
        Case{"clientAuth", false, true}, Case{"anyExtendedKeyUsage", false, false},
        Case{"serverAuth,anyExtendedKeyUsage", true, false}, Case{"clientAuth,anyExtendedKeyUsage", false, true}}) {
    std::string const usage = *c.usage == '\0' ? "" : "extendedKeyUsage=" + std::string(c.usage) + "\n";
    // In the issuing certificate, and in the one above it.
    for (bool const above : {false, true}) {
      SCOPED_TRACE(std::string(c.usage) + (above ? " above" : ""));
      fakes::Corporation::Options options{.has_policy_ca = true};
      (above ? options.policy_use : options.issuer_use) += usage;
      fakes::Corporation corporation(options);
      corporation.issue_with_key();
      auto const load = [&](std::string const& file) {
        return x509::Certificate::from_pem(read_file(file).value()).value();
      };
      auto const issuing = load(corporation.issuing());
      std::vector const chain{load(corporation.policy()), load(corporation.root())};
      auto const expect = [&](ExtendedKeyUsage of_leaf, std::string const& purpose, std::string const& oid, bool good) {
        EXPECT_EQ(who_forbids(issuing, chain, of_leaf) == nullptr, good) << purpose;
        corporation.write("leaf.ext", "subjectAltName=DNS:a.example\nauthorityKeyIdentifier=keyid\nextendedKeyUsage=" +
                                          std::string(to_string(of_leaf)) + "\n");
        corporation.shell(
            "openssl x509 -req -in root.csr -subj /CN=a -CA issuing.pem -CAkey issuing.key -CAcreateserial -days 5 "
            "-extfile leaf.ext -out leaf.pem && cat issuing.pem policy.pem >between.pem && "
            "cat leaf.pem between.pem >chain.pem");
        auto const in = "cd " + corporation.path("") + " && ";
        auto const openssl =
            run(in + "openssl verify -purpose " + purpose + " -CAfile root.pem -untrusted between.pem leaf.pem");
        EXPECT_EQ(openssl.status == 0, good) << purpose << ": " << openssl.output;
        auto const gnutls = run(in + "certtool --verify --verify-purpose " + oid +
                                " --load-ca-certificate root.pem --infile chain.pem");
        EXPECT_EQ(gnutls.status == 0, good) << purpose << ": " << gnutls.output;
      };
      expect(ExtendedKeyUsage::server_auth, "sslserver", "1.3.6.1.5.5.7.3.1", c.server);
      expect(ExtendedKeyUsage::client_auth, "sslclient", "1.3.6.1.5.5.7.3.2", c.client);
    }
  }
}

// As many corporations write it, and OpenSSL reads it: the name itself is not meant.
TEST(ParentRules, ADotInFrontOfADnsConstraintMeansWhatIsBelow) {
  auto const answer =
      answer_of({.root_use = std::string(kRootUse) + "nameConstraints=critical,permitted;DNS:.cams.example,excluded;"
                                                     "DNS:.secret.cams.example\n"});
  auto const verdict = judge_parent_chain(answer.chain, answer.our_key, today() + Seconds(60));
  ASSERT_TRUE(verdict.ok()) << verdict.error().detail();
  ASSERT_EQ(verdict->constraints.size(), 1u);
  auto const& constraints = verdict->constraints.front();
  EXPECT_EQ(constraints.text(), "DNS .cams.example; not DNS .secret.cams.example");
  auto const permits = [&](char const* name) { return constraints.test(x509::DnsName::parse(name).value()).ok(); };
  EXPECT_TRUE(permits("a.cams.example"));
  EXPECT_FALSE(permits("cams.example"));
  EXPECT_TRUE(permits("secret.cams.example"));
  EXPECT_FALSE(permits("a.secret.cams.example"));
}

// Constraints of every type that we can judge are no reason to refuse a parent.
TEST(ParentRules, ConstraintsOfEveryTypeAccepted) {
  auto const answer = answer_of(
      {.root_use = std::string(kRootUse) +
                   "nameConstraints=critical,permitted;DNS:example,permitted;email:.example,permitted;URI:.example,"
                   "permitted;dirName:scope,excluded;dirName:other\n"
                   "[scope]\nO=example  CORPORATION\n[other]\nO=Example Corporation\nOU=Offices\n"});
  auto const verdict = judge_parent_chain(answer.chain, answer.our_key, today() + Seconds(60));
  ASSERT_TRUE(verdict.ok()) << verdict.error().detail();
  ASSERT_EQ(verdict->constraints.size(), 1u);
  EXPECT_EQ(verdict->constraints[0].text(),
            "DNS example; mail .example; URI .example; directory O=example  CORPORATION; not directory "
            "OU=Offices,O=Example Corporation");
}

TEST(ParentRules, WhatWasGivenAndWhenIsJudgedToo) {
  auto const answer = answer_of({});
  auto const& issuing = answer.chain[0];
  auto const& root = answer.chain[1];
  Time const now = today() + Seconds(60);
  auto refused = [&](std::vector<x509::Certificate> const& given, Time at) {
    auto const verdict = judge_parent_chain(given, answer.our_key, at);
    return verdict.ok() ? std::string() : verdict.error().detail();
  };
  EXPECT_THAT(refused({root}, now), HasSubstr("none of the certificates is for the issuing key"));
  EXPECT_THAT(refused({issuing}, now), HasSubstr("is not among the certificates given"));
  EXPECT_THAT(refused({issuing, answer_of({}).chain[1]}, now), HasSubstr("does not verify"));
  EXPECT_THAT(refused({issuing, root}, issuing.not_before() - Seconds(1)), HasSubstr("begins only at"));
  EXPECT_THAT(refused({issuing, root}, issuing.not_after() + Seconds(1)), HasSubstr("ended at"));

  auto const verdict = judge_parent_chain({root, issuing, root, answer_of({}).chain[1]}, answer.our_key, now);
  ASSERT_TRUE(verdict.ok()) << verdict.error().detail();
  EXPECT_THAT(verdict->warnings, Contains(HasSubstr("given twice")));
  EXPECT_THAT(verdict->warnings, Contains(HasSubstr("is not part of the chain")));
}

// The policy CA is cross-signed: its first certificate leads to a root that nobody gives, the second to the one that is
// there. Neither order of the files may matter.
TEST(ParentRules, ACrossSignedParentIsFollowedToTheRootThatIsThere) {
  fakes::Corporation corporation({.has_policy_ca = true});
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  corporation.write("request.csr",
                    make_issuer_request(key, "Example Cameras", constraints_of(ceremony_settings()).value()));
  corporation.sign(corporation.path("request.csr"));
  corporation.shell(
      "openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out old.key && "
      "openssl req -new -x509 -key old.key -subj '/CN=Old Root' -days 100 -out old.pem && "
      "openssl x509 -req -in policy.csr -CA old.pem -CAkey old.key -CAcreateserial -days 50 -extfile policy.ext "
      "-out cross.pem");
  auto const load = [&](char const* name) {
    return x509::Certificate::from_pem(read_file(corporation.path(name)).value()).value();
  };
  auto const issuing = load("issuing.pem");
  auto const policy = load("policy.pem");
  auto const cross = load("cross.pem");
  auto const root = load("root.pem");
  Time const now = today() + Seconds(60);
  for (auto const& given : {std::vector{issuing, cross, policy, root}, std::vector{root, policy, cross, issuing}}) {
    auto const verdict = judge_parent_chain(given, key.public_key(), now);
    ASSERT_TRUE(verdict.ok()) << verdict.error().detail();
    EXPECT_EQ(verdict->above, (std::vector{policy, root}));
    EXPECT_THAT(verdict->warnings, Contains(HasSubstr("Policy CA,O=Example Corporation is not part of the chain")));
  }
  auto const rootless = judge_parent_chain({issuing, cross, policy}, key.public_key(), now);
  ASSERT_FALSE(rootless.ok());
  EXPECT_THAT(rootless.error().detail(), HasSubstr("was issued by CN=Old Root, which is not among"));
}

}  // namespace
}  // namespace lenscap::ca::test
