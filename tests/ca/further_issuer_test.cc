// Certificates of further issuers: inside the root, or inside all of a parent's chain, by every judge, and under names
// of their own.
#include "ca/further_issuer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ca/constraint_order.h"
#include "ca/issuer_import.h"
#include "ca/parent_rules.h"
#include "tests/ca/bundle_of.h"
#include "tests/ca/several_issuers.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

GeneratedCa const& root_ca() {
  static GeneratedCa const ca = [] {
    auto settings = ceremony_settings();
    settings.rules.exclude_dns = {"secret.cams.example"};
    return generate_ca(settings, kNow).value();
  }();
  return ca;
}

std::string refusal(std::vector<std::string> const& dns, std::vector<std::string> const& ip) {
  auto const made = constraints_below(root_ca().root, dns, ip);
  return made.ok() ? "" : made.error().detail();
}

TEST(ConstraintsBelow, OnlyInsideTheRoot) {
  EXPECT_EQ(refusal({"p4.cams.example"}, {"10.20.4.0/24"}), "");
  EXPECT_EQ(refusal({}, {"10.21.0.0/16"}), "");
  EXPECT_EQ(refusal({}, {}), "") << "all that the root permits";
  for (auto const& [dns, ip] : std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>>{
           {{"bank.example"}, {}}, {{"example"}, {}}, {{}, {"10.0.0.0/8"}}, {{}, {"fd00::/64"}}})
    EXPECT_THAT(refusal(dns, ip), HasSubstr("the root does not permit all of this: it permits DNS cams.example"));
  EXPECT_THAT(refusal({"*.cams.example"}, {}), HasSubstr("without \"*.\""));
  EXPECT_THAT(refusal({"a.secret.cams.example"}, {}), HasSubstr("does not permit"));
  EXPECT_EQ(constraints_below(root_ca().root, {}, {}).value(), *root_ca().root.name_constraints());
}

// A site is asked for by names and addresses of hosts; what the root says of other names holds there as well, also for
// clients that do not look at the constraints of roots.
TEST(ConstraintsBelow, KeepsWhatTheRootSaysOfOtherNames) {
  auto settings = ceremony_settings();
  settings.rules.permit_email = {"mail.example"};
  settings.rules.permit_uri = {".web.example"};
  settings.rules.permit_directory = {"O=Example Cameras"};
  settings.rules.exclude_email = {"ceo@mail.example"};
  settings.rules.exclude_uri = {"a.web.example"};
  settings.rules.exclude_directory = {"OU=Board,O=Example Cameras"};
  auto const ca = generate_ca(settings, kNow).value();
  auto const of_root = ca.root.name_constraints().value();
  auto const site = constraints_below(ca.root, {"p4.cams.example"}, {"10.20.4.0/24"}).value();
  EXPECT_EQ(site.permitted_mail, of_root.permitted_mail);
  EXPECT_EQ(site.excluded_mail, of_root.excluded_mail);
  EXPECT_EQ(site.permitted_uri, of_root.permitted_uri);
  EXPECT_EQ(site.excluded_uri, of_root.excluded_uri);
  EXPECT_EQ(site.permitted_directory, of_root.permitted_directory);
  EXPECT_EQ(site.excluded_directory, of_root.excluded_directory);
  EXPECT_EQ(site.permitted_dns, (std::vector<x509::DnsSubtree>{x509::DnsName::parse("p4.cams.example").value()}));
}

TEST(CertifyIssuer, IsBelowTheRootAndVerifies) {
  auto const made = several_issuers(root_ca(), {{.name = "plant4", .permit_dns = {"p4.cams.example"}}}, kNow);
  auto const& issuing = made.certificates[1];
  EXPECT_EQ(issuing.subject(), "CN=Example Cameras plant4 Issuing CA,O=Example Cameras");
  EXPECT_TRUE(issuing.is_signed_by(root_ca().root.key()));
  EXPECT_LE(issuing.not_after(), root_ca().root.not_after());
  auto const& issuer = *made.issuing.issuers[1].issuer;
  auto draft = issuer.prepare(profile("camera-https"), request(names({"a.p4.cams.example"})), kNow).value();
  auto const leaf = issuer.sign(std::move(draft)).value();
  EXPECT_TRUE(x509::verify_chain(leaf, {issuing}, {root_ca().root}, kNow).ok());
  EXPECT_FALSE(x509::verify_chain(leaf, {root_ca().issuing}, {root_ca().root}, kNow).ok());
  // The issuer refuses by itself, and OpenSSL would refuse what a thief of its key made.
  EXPECT_FALSE(issuer.test_names(names({"a.cams.example"})).ok());
  EXPECT_FALSE(issuer.test_names(names({"a.secret.cams.example"})).ok());
}

TEST(CertifyIssuer, SaysWhyNot) {
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const& [root_key, root, root_crl, issuing_key, issuing] = root_ca();
  auto const why = [&](x509::PrivateKey const& signer, FurtherIssuer const& wanted, Time now) {
    auto const made = certify_issuer(root, signer, wanted, now);
    return made.ok() ? "" : made.error().detail();
  };
  FurtherIssuer wanted{"Example Cameras",
                       "Example Cameras x Issuing CA",
                       key.public_key(),
                       constraints_below(root, {}, {}).value(),
                       {ExtendedKeyUsage::server_auth}};
  EXPECT_EQ(why(root_key, wanted, kNow), "");
  EXPECT_THAT(why(issuing_key, wanted, kNow), HasSubstr("not the key of the root"));
  EXPECT_THAT(why(root_key, wanted, root.not_after()), HasSubstr("clock says"));
  auto longer = wanted;
  longer.common_name = std::string(65, 'x');
  EXPECT_THAT(why(root_key, longer, kNow), HasSubstr("longer than the 64 characters"));
  wanted.constraints = x509::NameConstraints::permit_only({x509::DnsName::parse("bank.example").value()}, {});
  EXPECT_THAT(why(root_key, wanted, kNow), HasSubstr("can only be narrower than its root"));
}

// --- below a parent ---

using fakes::Corporation;

// The programs that make parents' certificates, and certtool as a judge, go by this machine's clock.
Time today() { return SystemClock().now(); }

std::string const kRoom = "basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign,cRLSign\n";

NameLimit settings_limit() {
  auto settings = ceremony_settings();
  settings.rules.exclude_dns = {"secret.cams.example"};
  return {"ca.toml", constraints_of(settings).value()};
}

// An issuing certificate and key that a corporation made, with whatever is above it.
struct Imported {
  explicit Imported(Corporation::Options const& options) : parent(options) {
    parent.issue_with_key();
    std::vector<std::string> files{"issuing.key", "issuing.pem", "root.pem"};
    if (options.has_policy_ca) files.emplace_back("policy.pem");
    auto import = judge_import(bundle_of(parent, files), today() + kMinute).value();
    key.emplace(import.key);
    chain = {import.verdict.issuing, import.verdict.above, true};
  }

  std::vector<x509::Certificate> above_new() const {
    std::vector<x509::Certificate> above{chain->issuing};
    above.insert(above.end(), chain->above.begin(), chain->above.end());
    return above;
  }
  FurtherIssuer wanted(std::vector<std::string> const& dns = {}, std::vector<std::string> const& ip = {}) const {
    return {.organization = "Example Cameras",
            .common_name = "Example Cameras plant4 Issuing CA",
            .key = new_key.public_key(),
            .constraints = constraints_below(*chain, settings_limit(), dns, ip, {}).value(),
            .usages = {ExtendedKeyUsage::server_auth}};
  }
  std::string why(FurtherIssuer const& further, Time now) {
    auto const made = certify_issuer(*chain, *key, further, now);
    return made.ok() ? "" : made.error().detail();
  }

  Corporation parent;
  std::optional<MemoryKey> key;
  std::optional<InstalledChain> chain;
  x509::PrivateKey new_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
};

struct Verdicts {
  Outcome openssl, gnutls;
};
Verdicts judge(Imported const& imported, x509::Certificate const& issuing, x509::Certificate const& leaf) {
  fakes::TempDir dir;
  auto between = imported.above_new();
  between.pop_back();
  put_file(dir.path("between.pem"), issuing.pem() + x509::to_pem(between));
  put_file(dir.path("leaf.pem"), leaf.pem());
  put_file(dir.path("chain.pem"), leaf.pem() + issuing.pem() + x509::to_pem(between));
  auto const root = imported.parent.root();
  return {run("openssl verify -x509_strict -purpose sslserver -CAfile " + root + " -untrusted " +
              dir.path("between.pem") + " " + dir.path("leaf.pem")),
          run("certtool --verify --load-ca-certificate " + root + " --infile " + dir.path("chain.pem"))};
}

TEST(BelowAParent, LeavesOfTheIssuerAreInsideByEveryJudge) {
  struct Case {
    char const* name;
    Corporation::Options parent;
  };
  for (Case const& c : std::vector<Case>{
           {"openssl ca, an RSA root, a policy CA",
            {.tool = Corporation::Tool::openssl_ca,
            .root_key = "RSA -pkeyopt rsa_keygen_bits:2048",
            .has_policy_ca = true,
            .policy_use = "basicConstraints=critical,CA:TRUE,pathlen:2\nkeyUsage=critical,keyCertSign,cRLSign\n"
                          "nameConstraints=critical,permitted;DNS:example,permitted;IP:10.0.0.0/255.0.0.0,excluded;"
                          "DNS:old.cams.example\n",
            .path_length = 1}},
           {"certtool", {.tool = Corporation::Tool::certtool, .path_length = 1}},
           {"openssl x509, no path length",
            {.issuer_use = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"}}}) {
    SCOPED_TRACE(c.name);
    Imported imported(c.parent);
    auto const now = today();
    auto further = imported.wanted({"p4.cams.example"}, {"10.20.4.0/24"});
    further.ca_issuers_url = "http://pki.cams.example/aia/x.cer";
    further.crl_base = "http://pki.cams.example/crl/x";
    auto const issuing = certify_issuer(*imported.chain, *imported.key, further, now).value();
    EXPECT_TRUE(issuing.is_signed_by(imported.chain->issuing.key()));
    EXPECT_LE(issuing.not_after(), imported.chain->issuing.not_after());
    EXPECT_GE(issuing.not_before(), imported.chain->issuing.not_before());
    EXPECT_EQ(X509_get_pathlen(issuing.native()), 0);
    fakes::TempDir dir;
    put_file(dir.path("issuing.pem"), issuing.pem());
    auto const text = run("openssl x509 -noout -text -in " + dir.path("issuing.pem")).output;
    EXPECT_THAT(text, HasSubstr("CA Issuers - URI:http://pki.cams.example/aia/x.cer"));
    EXPECT_THAT(text, HasSubstr("URI:http://pki.cams.example/crl/x.crl"));

    auto const issuer = Issuer::make(issuing, imported.above_new(), std::make_unique<MemoryKey>(imported.new_key),
                                     kHttpUrl + aia_path(issuing), {}, {settings_limit()})
                            .value();
    auto const inside = request(names({"a.p4.cams.example"}, {"10.20.4.7"}));
    auto const leaf = issuer->sign(issuer->prepare(profile("camera-https"), inside, now).value()).value();
    auto const good = judge(imported, issuing, leaf);
    EXPECT_EQ(good.openssl.status, 0) << good.openssl.output;
    EXPECT_EQ(good.gnutls.status, 0) << good.gnutls.output;

    // What a thief of the new key could make, though the imported certificate alone would let it pass.
    for (auto const& outside : {names({"www.bank.example"}), names({"a.cams.example"}), names({}, {"10.20.5.1"})}) {
      EXPECT_FALSE(issuer->test_names(outside).ok());
      IssuerView const view{issuing, issuer->ca_issuers_url()};
      auto const what = build_template(profile("camera-https"), request(outside), view, new_serial(now), now);
      auto const algorithm = signature_algorithm(issuing.key());
      auto const tbs = encode_tbs(what, algorithm);
      auto const forged =
          x509::Certificate::from_der(assemble_certificate(tbs, algorithm, imported.new_key.sign(algorithm.hash, tbs)));
      auto const bad = judge(imported, issuing, forged.value());
      EXPECT_NE(bad.openssl.status, 0);
      EXPECT_THAT(bad.openssl.output, HasSubstr("permitted subtree violation"));
      EXPECT_NE(bad.gnutls.status, 0) << bad.gnutls.output;
    }
  }
}

TEST(BelowAParent, WithoutMoreWordsItPermitsWhatTheSettingsDo) {
  Imported imported({.issuer_use = kRoom});
  auto const all = imported.wanted().constraints;
  EXPECT_EQ(all, settings_limit().constraints);
  auto const part = imported.wanted({"p4.cams.example"}).constraints;
  EXPECT_EQ(part.excluded_dns, settings_limit().constraints.excluded_dns) << "what the settings exclude stays out";
  EXPECT_TRUE(is_narrower_or_equal(part, all));
}

TEST(BelowAParent, ConstraintsInsideEveryCertificateAndTheSettings) {
  Imported imported({.has_policy_ca = true,
                     .policy_use = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
                                   "nameConstraints=critical,permitted;DNS:cams.example,permitted;"
                                   "IP:10.20.0.0/255.255.0.0,excluded;DNS:old.cams.example\n",
                     .issuer_use = kRoom});
  auto const says = [&](std::vector<std::string> const& dns, std::vector<std::string> const& ip) {
    auto const made = constraints_below(*imported.chain, settings_limit(), dns, ip, {});
    EXPECT_TRUE(made.ok() || made.error().code() == Errc::usage);
    return made.ok() ? "" : made.error().detail();
  };
  EXPECT_EQ(says({"p4.cams.example"}, {"10.20.4.0/24"}), "");
  EXPECT_THAT(says({"bank.example"}, {}), HasSubstr("by the certificate of CN=Policy CA,O=Example Corporation"));
  EXPECT_THAT(says({"a.old.cams.example"}, {}), HasSubstr("CN=Policy CA"));
  EXPECT_THAT(says({"a.secret.cams.example"}, {}), HasSubstr("by ca.toml"));
  EXPECT_THAT(says({}, {"10.21.0.0/24"}), HasSubstr("CN=Policy CA"));
  EXPECT_THAT(says({}, {}), HasSubstr("CN=Policy CA")) << "the settings permit more than the policy CA does";
  EXPECT_THAT(says({}, {"10.20.0.0/16"}), "");
  auto const kept = constraints_below(*imported.chain, settings_limit(), {"cams.example"}, {}, {}).value().excluded_dns;
  EXPECT_THAT(kept, testing::UnorderedElementsAre(x509::DnsName::parse("old.cams.example").value(),
                                                  x509::DnsName::parse("secret.cams.example").value()));
  // Whoever asks past constraints_below().
  auto wider = imported.wanted({"p4.cams.example"});
  wider.constraints = settings_limit().constraints;
  EXPECT_THAT(imported.why(wider, today()), HasSubstr("CN=Policy CA"));
}

TEST(BelowAParent, SaysWhyNot) {
  Imported imported({.issuer_use = kRoom + "extendedKeyUsage=serverAuth\n",
                     .issuer_subject = "/O=Example Corporation/CN=Cameras CA"});
  auto const good = imported.wanted({"p4.cams.example"});
  auto const& issuing = imported.chain->issuing;
  EXPECT_EQ(imported.why(good, today()), "");
  auto both = good;
  both.usages.push_back(ExtendedKeyUsage::client_auth);
  EXPECT_THAT(imported.why(both, today()), HasSubstr("CN=Cameras CA,O=Example Corporation does not allow clientAuth"));
  auto longer = good;
  longer.common_name = std::string(65, 'x');
  EXPECT_THAT(imported.why(longer, today()), HasSubstr("longer than the 64 characters"));
  EXPECT_THAT(imported.why(good, issuing.not_after()), HasSubstr("clock says"));
  EXPECT_THAT(imported.why(good, issuing.not_before() - Seconds(1)), HasSubstr("clock says"));
  MemoryKey stranger(x509::PrivateKey::generate(x509::KeyType::ec_p256));
  EXPECT_THAT(certify_issuer(*imported.chain, stranger, good, today()).error().detail(), HasSubstr("is not the key"));
  imported.key->instead = [](ByteView) { return Bytes{1, 2, 3}; };
  EXPECT_THAT(imported.why(good, today()), HasSubstr("does not verify"));
  imported.key->instead = [](ByteView) { return Error(Errc::unavailable, "the token is away"); };
  EXPECT_THAT(imported.why(good, today()), HasSubstr("the token is away"));
}

TEST(BelowAParent, OnlyWhereEveryPathLengthLeavesRoom) {
  struct Case {
    char const* name;
    Corporation::Options parent;
    char const* says;
  };
  std::string const use = "keyUsage=critical,keyCertSign,cRLSign\n";
  std::string const no_limit = "basicConstraints=critical,CA:TRUE\n" + use;
  for (Case const& c : std::vector<Case>{
           {"the issuing certificate", {}, "of the certificate of CN=Cameras CA,O=Example Corporation, 0, leaves no"},
           {"the policy CA", {.has_policy_ca = true, .issuer_use = no_limit}, "CN=Policy CA,O=Example Corporation, 1"},
           {"the root",
            {.root_use = "basicConstraints=critical,CA:TRUE,pathlen:1\n" + use, .issuer_use = no_limit},
            "CN=Corporate Root,O=Example Corporation, 1"}}) {
    SCOPED_TRACE(c.name);
    Imported imported(c.parent);
    EXPECT_THAT(imported.why(imported.wanted(), today()), HasSubstr(c.says));
    EXPECT_THAT(how_to_constrain(imported.chain->issuing, imported.chain->above), HasSubstr("leaves no room"));
  }
  Imported roomy({.issuer_use = kRoom});
  EXPECT_THAT(how_to_constrain(roomy.chain->issuing, roomy.chain->above), HasSubstr("issuer create --site NAME"));
}

TEST(BelowAParent, ADirectoryNameThatTheParentDoesNotPermitIsRefused) {
  Imported imported({.issuer_use = kRoom +
                                   "nameConstraints=critical,permitted;dirName:scope,permitted;DNS:cams.example,"
                                   "permitted;IP:10.20.0.0/255.254.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0\n"
                                   "[scope]\nO=Example Corporation\n"});
  auto wanted = imported.wanted();
  EXPECT_THAT(imported.why(wanted, today()), HasSubstr("has a name that the certificate of CN=Cameras CA"));
  wanted.organization = "Example Corporation";
  EXPECT_EQ(imported.why(wanted, today()), "");
}

TEST(IssuerCommonName, TellsThemApart) {
  EXPECT_EQ(issuer_common_name("Example", "", 1), "Example Issuing CA");
  EXPECT_EQ(issuer_common_name("Example", "", 2), "Example Issuing CA 2");
  EXPECT_EQ(issuer_common_name("Example", "plant4", 3), "Example plant4 Issuing CA 3");
}

}  // namespace
}  // namespace lenscap::ca::test
