// A CA below a parent: what it may name and how long is what the whole chain says, and the settings beside it.
#include "ca/installed_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "ca/issuer_request.h"
#include "ca/parent_rules.h"
#include "tests/ca/fixture.h"
#include "tests/fakes/corporation.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

Time today() { return SystemClock().now() + Seconds(60); }

IssueRequest ask(std::string const& name) { return ca::test::request(names({name})); }

x509::Certificate load(std::string const& path) { return x509::Certificate::from_pem(read_file(path).value()).value(); }

// A state directory after `init --intermediate`, and a store.
class InstalledChainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    settings.state_dir = dir.path("state");
    request = make_intermediate(settings, passphrase).value();
    opening.state_dir = settings.state_dir;
  }
  // Has the request signed and installs what came back.
  void install(fakes::Corporation& parent) {
    put_file(dir.path("request.csr"), request);
    parent.sign(dir.path("request.csr"));
    std::vector<x509::Certificate> given;
    for (auto const& file : parent.chain()) given.push_back(load(file));
    auto const verdict = judge_parent_chain(given, requested_key(request).value(), today());
    ASSERT_TRUE(verdict.ok()) << verdict.error().detail();
    ASSERT_TRUE(install_chain(settings.state_dir, verdict->issuing, verdict->above).ok());
  }
  Result<std::unique_ptr<Authority>> open() { return Authority::open(opening, *store, passphrase); }

  fakes::TempDir dir;
  CeremonySettings settings = ceremony_settings();
  SecretBytes const passphrase{std::string_view("correct horse battery")};
  std::string request;
  std::unique_ptr<store::Store> const store = store::open("memory:", "").value();
  AuthoritySettings opening{.state_dir = "",
                            .key = "file:keys/issuing.key",
                            .http_url = kHttpUrl,
                            .profile_files = {std::string(LENSCAP_SOURCE_DIR) + "/conf/profiles/camera-https.toml"},
                            .permit_dns = {"cams.example"},
                            .permit_ip = {"10.20.0.0/15"}};
};

TEST_F(InstalledChainTest, WithoutACertificateNothingOpens) {
  auto const refused = open();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::settings);
  EXPECT_THAT(refused.error().detail(), HasSubstr("issuer csr"));
  EXPECT_THAT(refused.error().detail(), HasSubstr("issuer install"));
  EXPECT_TRUE(is_intermediate(settings.state_dir));
  EXPECT_FALSE(file_exists(settings.state_dir + "/keys/root.key"));
}

TEST_F(InstalledChainTest, TheRequestAsksForAConstrainedCa) {
  put_file(dir.path("request.csr"), request);
  auto const shown = run("openssl req -in " + dir.path("request.csr") + " -noout -text -verify");
  EXPECT_EQ(shown.status, 0) << shown.output;
  for (char const* text :
       {"O = Example Cameras, CN = Example Cameras Issuing CA", "CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign",
        "DNS:cams.example", "IP:10.20.0.0/255.254.0.0", "TLS Web Server Authentication"})
    EXPECT_THAT(shown.output, HasSubstr(text));
  EXPECT_EQ(run("certtool --crq-info --infile " + dir.path("request.csr")).status, 0);
}

TEST_F(InstalledChainTest, TheRequestAsksForRoomForFurtherIssuersWhereItIsTo) {
  settings.state_dir = dir.path("roomy");
  settings.path_length = 1;
  put_file(dir.path("roomy.csr"), make_intermediate(settings, passphrase).value());
  auto const shown = run("openssl req -in " + dir.path("roomy.csr") + " -noout -text -verify");
  EXPECT_EQ(shown.status, 0) << shown.output;
  EXPECT_THAT(shown.output, HasSubstr("CA:TRUE, pathlen:1"));
  EXPECT_EQ(requested_path_length(read_file(dir.path("roomy.csr")).value()).value(), 1);
  EXPECT_EQ(requested_path_length(request).value(), 0);
  EXPECT_EQ(requested_path_length("none").error().code(), Errc::file);
}

// Root, policy CA and issuing certificate each permit something else: what all permit is issued, and whoever forbids a
// name is told by name.
TEST_F(InstalledChainTest, EveryCertificateOfTheChainAndTheSettingsLimitTheNames) {
  fakes::Corporation parent({.root_use = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
                                         "nameConstraints=critical,excluded;DNS:secret.cams.example\n",
                             .has_policy_ca = true,
                             .policy_use =
                                 "basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign,cRLSign\n"
                                 "nameConstraints=critical,permitted;DNS:example,permitted;IP:10.0.0.0/255.0.0.0\n"});
  install(parent);
  auto const authority = open();
  ASSERT_TRUE(authority.ok()) << authority.error().detail();
  Issuer const& issuer = (*authority)->issuer();

  struct Case {
    char const* name;
    char const* whose;  // nullptr: it is issued
  };
  for (Case const& c : {Case{"a.cams.example", nullptr}, Case{"a.secret.cams.example", "Corporate Root"},
                        Case{"a.cams.test", "Policy CA"}, Case{"a.offices.example", "ca.permit_dns"}}) {
    SCOPED_TRACE(c.name);
    auto const draft = (*authority)->prepare(ask(c.name), today());
    EXPECT_EQ(draft.ok(), c.whose == nullptr);
    auto const forbidden = who_forbids(issuer.limits(), x509::DnsName::parse(c.name).value());
    EXPECT_EQ(forbidden.empty(), c.whose == nullptr);
    if (c.whose == nullptr) continue;
    EXPECT_EQ(draft.error().code(), Errc::rejected_identifier);
    EXPECT_THAT(forbidden.front().whose, HasSubstr(c.whose));
  }
  EXPECT_EQ(who_forbids(issuer.limits(), x509::IpAddress::parse("10.40.0.1").value()).front().whose,
            "ca.permit_dns and ca.permit_ip of ca.toml");
}

// The judges have the corporate root alone, and get what a client downloads.
TEST_F(InstalledChainTest, WhatIsIssuedIsTakenByOthersUnderTheCorporateRoot) {
  using Tool = fakes::Corporation::Tool;
  for (Tool const tool : {Tool::openssl_x509, Tool::openssl_ca, Tool::certtool}) {
    SCOPED_TRACE(static_cast<int>(tool));
    std::filesystem::remove(settings.state_dir + "/keys/chain.pem");  // the tools do not agree on key identifiers
    fakes::Corporation parent({.tool = tool, .root_key = "RSA -pkeyopt rsa_keygen_bits:4096", .has_policy_ca = true});
    install(parent);
    auto const authority = open();
    ASSERT_TRUE(authority.ok()) << authority.error().detail();
    EXPECT_EQ((*authority)->root_certificate(), load(parent.root()));
    auto const leaf = (*authority)->issue(ask("a.cams.example"), "1", today());
    ASSERT_TRUE(leaf.ok()) << leaf.error().detail();
    put_file(dir.path("chain.pem"), (*authority)->chain_of(*leaf).pem(*leaf, ChainEnd::below_root));
    auto const at = " -attime " + std::to_string(to_unix(today()));
    auto const openssl =
        run("openssl verify -x509_strict -purpose sslserver -verify_hostname a.cams.example" + at + " -CAfile " +
            parent.root() + " -untrusted " + dir.path("chain.pem") + " " + dir.path("chain.pem"));
    EXPECT_EQ(openssl.status, 0) << openssl.output;
    auto const gnutls =
        run("certtool --verify --verify-profile medium --verify-hostname a.cams.example"
            " --load-ca-certificate " +
            parent.root() + " --infile " + dir.path("chain.pem"));
    EXPECT_EQ(gnutls.status, 0) << gnutls.output;
    // openssl ca and certtool followed the request.
    bool const constrained = load(parent.issuing()).name_constraints().has_value();
    EXPECT_EQ(constrained, tool != Tool::openssl_x509);
  }
}

// What was issued is looked up by key identifier and name of its issuer.
TEST_F(InstalledChainTest, WhatFollowsKeepsTheNameAndTheKeyIdentifier) {
  fakes::Corporation parent({.tool = fakes::Corporation::Tool::openssl_ca});  // takes over what the request asks for
  install(parent);
  auto const file = settings.state_dir + "/keys/chain.pem";
  auto const before = read_file(file).value();
  auto const id = to_hex(load_chain(settings.state_dir)->issuing.subject_key_id());
  put_file(parent.path("request.csr"), request);
  // The same name in PrintableStrings, as some programs write them, where the request has UTF8Strings.
  parent.write("printable.cnf", "[req]\nstring_mask=pkix\ndistinguished_name=d\n[d]\n");
  parent.shell(
      "openssl req -in request.csr -pubkey -noout -out our.pub && openssl req -new -key root.key -config printable.cnf "
      "-subj '/O=Example Cameras/CN=Example Cameras Issuing CA' -out printable.csr");
  auto const again = [&](std::string const& extension, std::string const& how) {
    parent.write("again.ext",
                 "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n"
                 "authorityKeyIdentifier=keyid\n" +
                     extension + "\n");
    parent.shell("openssl x509 -req -CA root.pem -CAkey root.key -CAcreateserial -days 300 -extfile again.ext " + how +
                 " -out again.pem");
    return install_chain(settings.state_dir, load(parent.path("again.pem")), {load(parent.root())});
  };
  struct Case {
    std::string extension, how;
    std::vector<std::string> says;
  };
  std::string const kept = "subjectKeyIdentifier=" + id;
  for (Case const& c :
       {Case{"subjectKeyIdentifier=hash", "-in request.csr", {"in place of " + id, "Ask the parent for", kept}},
        Case{kept,
             "-in request.csr -subj '/O=Example Cameras/CN=Another'",
             {"the subject CN=Another,O=Example Cameras in place of",
              "Ask the parent for the subject CN=Example Cameras Issuing CA,O=Example Cameras"}},
        Case{kept, "-in printable.csr -force_pubkey our.pub", {"encoded in another way", "octet by octet"}},
        Case{"subjectKeyIdentifier=hash",
             "-in request.csr -subj '/CN=Another'",
             {kept, ", and the subject CN=Another in place of"}}}) {
    SCOPED_TRACE(c.extension + " " + c.how);
    auto const refused = again(c.extension, c.how);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::conflict);
    for (auto const& says : c.says) EXPECT_THAT(refused.error().detail(), HasSubstr(says));
    EXPECT_EQ(read_file(file).value(), before);
  }
  auto const renewed = again(kept, "-in request.csr");
  EXPECT_TRUE(renewed.ok()) << renewed.error().detail();
  EXPECT_NE(read_file(file).value(), before);
}

// A leaf that outlives any certificate above it is of no use, whichever that is.
TEST_F(InstalledChainTest, NothingOutlivesTheFirstOfTheChainThatEnds) {
  fakes::Corporation parent({.has_policy_ca = true, .days = 3650});  // the policy CA has five years
  parent.shell(
      "openssl x509 -req -in policy.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30 -extfile policy.ext "
      "-out policy.pem");
  install(parent);
  auto const authority = open();
  ASSERT_TRUE(authority.ok()) << authority.error().detail();
  Time const end = load(parent.policy()).not_after();
  EXPECT_EQ((*authority)->issuer().ends(), end);
  auto const draft = (*authority)->prepare(ask("a.cams.example"), today());
  ASSERT_TRUE(draft.ok()) << draft.error().detail();
  EXPECT_EQ(draft->what().not_after, end);

  auto asked = ask("a.cams.example");
  asked.not_after = end + Seconds(1);
  auto const longer = (*authority)->prepare(asked, today());
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().code(), Errc::malformed);
  auto const late = (*authority)->prepare(ask("a.cams.example"), end + Seconds(1));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code(), Errc::unavailable);
}

TEST_F(InstalledChainTest, SettingsThatPermitNothingDoNotMeanEverything) {
  fakes::Corporation parent;
  install(parent);
  opening.permit_dns.clear();
  opening.permit_ip.clear();
  auto const refused = open();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::settings);
  EXPECT_THAT(refused.error().detail(), HasSubstr("ca.permit_dns"));
}

TEST_F(InstalledChainTest, AChainThatIsClosedIsNotMissing) {
  fakes::Corporation parent;
  install(parent);
  auto const chain = dir.path("state") + "/keys/chain.pem";
  ASSERT_TRUE(std::filesystem::exists(chain));
  fakes::close_off(chain);
  auto const refused = load_chain(dir.path("state"));
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().detail(), HasSubstr(chain));
}

TEST_F(InstalledChainTest, ARootOfOurOwnStaysAsItWas) {
  auto own = ceremony_settings();
  own.state_dir = dir.path("own");
  ASSERT_TRUE(make_ca(own, {SecretBytes("correct horse battery"), SecretBytes("staple of another kind")}, kNow).ok());
  auto const chain = load_chain(own.state_dir);
  ASSERT_TRUE(chain.ok()) << chain.error().detail();
  EXPECT_FALSE(chain->has_parent);
  EXPECT_EQ(chain->above.size(), 1U);
  EXPECT_FALSE(is_intermediate(own.state_dir));
  EXPECT_TRUE(own_limits(*chain, {}, {}).value().empty());
  EXPECT_EQ(load_chain(dir.path("nowhere")).error().code(), Errc::file);
}

}  // namespace
}  // namespace lenscap::ca::test
