// lenscap-ca below a corporate root, as people use it: init --intermediate, issuer csr, install and import, explain,
// and the server whose own certificate and whose root are the corporation's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/fakes/ca_process.h"

namespace lenscap {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

json::Object json_of(e2e::Ran const& ran) {
  auto object = json::parse_object(ran.out);
  EXPECT_TRUE(object.ok()) << ran.all();
  return object.ok() ? *object : json::Object();
}

std::string text(json::Object const& object, std::string_view name) {
  auto const member = json::need_string(object, name);
  return member.ok() ? *member : "";
}

// What lies in a folder, by name.
std::map<std::string, std::string> contents(std::string const& folder) {
  std::map<std::string, std::string> found;
  for (auto const& file : fs::directory_iterator(folder))
    if (file.is_regular_file()) found[file.path().filename()] = fakes::CaProcess::read(file.path());
  return found;
}

// One CA with an installed chain of three for the tests that only look, since a key takes a second to make.
class Intermediate : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    parent_ = std::make_unique<fakes::Corporation>(fakes::Corporation::Options{
        .tool = fakes::Corporation::Tool::openssl_ca,
        .root_key = "RSA -pkeyopt rsa_keygen_bits:4096",
        .has_policy_ca = true,
        .policy_use = "basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign,cRLSign\n"
                      "nameConstraints=critical,permitted;DNS:example,permitted;DNS:localhost,permitted;"
                      "IP:127.0.0.0/255.0.0.0,permitted;IP:10.0.0.0/255.0.0.0,excluded;DNS:secret.cams.example\n"});
    ca_ = std::make_unique<fakes::CaProcess>("", "[ocsp]\nserve = true\n", parent_.get());
  }
  static void TearDownTestSuite() {
    ca_.reset();
    parent_.reset();
  }
  static fakes::CaProcess& ca() { return *ca_; }
  static fakes::Corporation& parent() { return *parent_; }
  static std::vector<std::string> init(std::vector<std::string> const& more = {}) {
    std::vector<std::string> words{"init",
                                   "--intermediate",
                                   "--name",
                                   "Example Cameras",
                                   "--url",
                                   "https://localhost",
                                   "--permit-dns",
                                   "localhost",
                                   "--permit-dns",
                                   "cams.example",
                                   "--passphrase-file",
                                   ca().path("passphrases")};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static std::string root_sha256() {
    auto const shown =
        ca().programs().run({"openssl", "x509", "-in", parent().root(), "-noout", "-fingerprint", "-sha256"});
    std::string plain;
    for (auto c : shown.out.substr(shown.out.find('=')))
      if (std::isxdigit(static_cast<unsigned char>(c))) plain += static_cast<char>(std::tolower(c));
    return plain;
  }

 private:
  static inline std::unique_ptr<fakes::Corporation> parent_;
  static inline std::unique_ptr<fakes::CaProcess> ca_;
};

TEST_F(Intermediate, BeforeAChainIsThereNothingIsServedAndEverybodyIsToldWhy) {
  auto const state = ca().path("waiting");
  auto const made = ca().run_on(state, init());
  ASSERT_EQ(made.code, 0) << made.all();
  for (auto const* says : {"issuer csr", "issuer install", "nothing can be served"})
    EXPECT_THAT(made.out, HasSubstr(says));
  for (auto const& words : std::vector<std::vector<std::string>>{
           {"serve"}, {"root", "show"}, {"root", "export"}, {"explain", "cam1.cams.example"}}) {
    auto const refused = ca().run_on(state, words);
    EXPECT_EQ(refused.code, 2) << words[0] << ": " << refused.all();
    EXPECT_THAT(refused.err, HasSubstr("this CA is to be an intermediate, and has no certificate yet")) << words[0];
    EXPECT_THAT(refused.err, HasSubstr("issuer install")) << words[0];
  }
  EXPECT_EQ(contents(state + "/keys").size(), 2U);  // key and request; no root, nor a key of one
  EXPECT_THAT(fakes::CaProcess::read(state + "/ca.toml"), HasSubstr("never more than this"));
  auto const again = ca().run_on(state, init());
  EXPECT_EQ(again.code, 5) << again.all();
  auto const confused = ca().run_on(ca().path("confused"), init({"--root-passphrase-file", ca().path("passphrases")}));
  EXPECT_EQ(confused.code, 2) << confused.all();
}

TEST_F(Intermediate, WhatDoesNotFitIsNotInstalledAndChangesNothing) {
  auto const state = ca().path("refusing");
  ASSERT_EQ(ca().run_on(state, init()).code, 0);
  auto const request = ca().path("refusing.csr");
  ASSERT_EQ(ca().run_on(state, {"issuer", "csr", "--out", request}).code, 0);
  fakes::Corporation narrow({.issuer_use = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n"
                                           "nameConstraints=critical,permitted;DNS:cams.example\n"});
  narrow.sign(request);
  narrow.shell("openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out a.key");
  auto const before = contents(state + "/keys");
  struct Case {
    char const* name;
    std::vector<std::string> files;
    int code;
    char const* says;
  };
  for (Case const& c : {Case{"not our key", parent().chain(), 2, "none of the certificates is for the issuing key"},
                        Case{"no root", {narrow.issuing()}, 2, "is not among the certificates given"},
                        Case{"the server's own name is outside", narrow.chain(), 2, "the name of this server itself"},
                        Case{"a private key", {narrow.path("a.key"), narrow.root()}, 2, "issuer import"},
                        Case{"no such file", {"/nowhere.pem"}, 1, "/nowhere.pem"}}) {
    SCOPED_TRACE(c.name);
    std::vector<std::string> words{"issuer", "install"};
    words.insert(words.end(), c.files.begin(), c.files.end());
    auto const refused = ca().run_on(state, words);
    EXPECT_EQ(refused.code, c.code) << refused.all();
    EXPECT_THAT(refused.err, HasSubstr(c.says));
    EXPECT_EQ(contents(state + "/keys"), before);
  }
}

TEST_F(Intermediate, ACaWithARootOfItsOwnTakesNoParent) {
  fakes::CaProcess own;
  for (auto const& words : std::vector<std::vector<std::string>>{
           {"issuer", "csr"}, {"issuer", "install", parent().root()}, {"issuer", "import", parent().root()}}) {
    auto const refused = own.run(words);
    EXPECT_EQ(refused.code, 5) << refused.all();
    EXPECT_THAT(refused.err, HasSubstr("has a root of its own"));
  }
}

// As browsers, agents and join words see it.
TEST_F(Intermediate, EverythingNamesTheCorporateRoot) {
  EXPECT_EQ(text(json_of(ca().run({"root", "show", "--output", "json"})), "sha256"), root_sha256());
  EXPECT_EQ(ca().run({"root", "export"}).out, fakes::CaProcess::read(parent().root()));
  auto const chain = ca().run({"root", "export", "--chain"}).out;
  EXPECT_EQ(chain, fakes::CaProcess::read(parent().issuing()) + fakes::CaProcess::read(parent().policy()) +
                       fakes::CaProcess::read(parent().root()));
  ca().serve();
  EXPECT_THAT(ca().log(), HasSubstr(root_sha256()));
  EXPECT_THAT(ca().log(), Not(HasSubstr("issuer.unconstrained")));
  // The server's own TLS certificate comes with all that stands below the root.
  auto const directory =
      ca().programs().run({"curl", "--silent", "--show-error", "--cacert", parent().root(), ca().directory()});
  EXPECT_EQ(directory.code, 0) << directory.all();
  auto const root = ca().programs().run({"curl", "--silent", ca().web() + "/roots/" + root_sha256() + ".pem"});
  EXPECT_EQ(root.out, fakes::CaProcess::read(parent().root()));
  // So does what signs OCSP answers, which has no name that the constraints above could permit.
  std::ofstream(ca().path("chain.pem")) << chain;
  auto const asked =
      ca().programs().run({"openssl", "ocsp", "-url", ca().web() + "/ocsp", "-CAfile", parent().root(), "-verify_other",
                           ca().path("chain.pem"), "-issuer", parent().issuing(), "-serial", "0x0badcafe"});
  EXPECT_THAT(asked.all(), HasSubstr("Response verify OK"));
  EXPECT_THAT(asked.all(), HasSubstr(": unknown"));
  auto const key = ca().run({"eab", "create", "--grant-dns", "cams.example", "--join", "--output", "json"});
  ASSERT_EQ(key.code, 0) << key.all();
  EXPECT_FALSE(text(json_of(key), "join").empty());
  auto const outside = ca().run({"eab", "create", "--grant-dns", "secret.cams.example"});
  EXPECT_NE(outside.code, 0);
  EXPECT_THAT(outside.err, HasSubstr("secret.cams.example"));
  EXPECT_EQ(ca().stop(), 0) << ca().log();
}

TEST_F(Intermediate, ExplainSaysWhichCertificateForbidsAName) {
  struct Case {
    char const* name;
    char const* by;  // empty: it would be issued
  };
  for (Case const& c : {Case{"cam1.cams.example", ""}, Case{"10.20.0.7", ""},
                        Case{"a.secret.cams.example", "the certificate of CN=Policy CA,O=Example Corporation"},
                        Case{"10.40.0.7", "ca.permit_dns and ca.permit_ip of ca.toml"},
                        Case{"*.cams.example", "acme.allow_wildcards of ca.toml"},
                        Case{"cam1.bank.test", "the certificate of CN=Policy CA,O=Example Corporation"}}) {
    SCOPED_TRACE(c.name);
    bool const issued = *c.by == '\0';
    auto const told = ca().run({"explain", c.name});
    EXPECT_EQ(told.code, issued ? 0 : 5) << told.all();
    EXPECT_THAT(told.out, HasSubstr(issued ? "would be issued" : "would not be issued"));
    EXPECT_THAT(told.out, HasSubstr(c.by));
    auto const answer = json_of(ca().run({"explain", c.name, "--output", "json"}));
    EXPECT_EQ(json::get_bool(answer, "would_issue").value(), issued);
    EXPECT_THAT(json::write(json::Value(answer)), HasSubstr(c.by));
  }
  EXPECT_EQ(ca().run({"explain", "not a name"}).code, 2);
}

// No certificate of ours carries such a name; whether somebody else could make one with the key is up to the chain.
TEST_F(Intermediate, ExplainSaysWhatTheChainDoesWithNamesThatAreNoHosts) {
  struct Case {
    char const* name;
    bool permitted;
    char const* says;
  };
  for (Case const& c : {Case{"root@cams.example", false, "CN=Example Cameras Issuing CA"},
                        Case{"https://cams.example/a", false, "CN=Example Cameras Issuing CA"},
                        Case{"O=Elsewhere,C=DE", true, "would permit this one"}}) {
    SCOPED_TRACE(c.name);
    auto const told = ca().run({"explain", c.name});
    EXPECT_EQ(told.code, 5) << told.all();
    EXPECT_THAT(told.out, HasSubstr(c.says));
    auto const answer = json_of(ca().run({"explain", c.name, "--output", "json"}));
    EXPECT_EQ(json::get_bool(answer, "would_issue").value(), false);
    EXPECT_EQ(json::get_bool(answer, "chain_permits").value(), c.permitted);
  }
}

TEST_F(Intermediate, AnImportedKeyServesWithAWarningWhereNothingConstrainsIt) {
  fakes::Corporation corporation;
  corporation.issue_with_key("RSA -pkeyopt rsa_keygen_bits:2048");
  corporation.write("words", "words of another house\n");
  corporation.shell(
      "chmod 600 words && openssl pkcs12 -export -inkey issuing.key -in issuing.pem -certfile root.pem -passout "
      "file:words -out issuing.pfx");
  auto const state = ca().path("importing");
  ASSERT_EQ(ca().run_on(state, init({"--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"})).code, 0);
  auto const before = contents(state + "/keys");
  auto const pfx = corporation.path("issuing.pfx");

  auto const shut = ca().run_on(state, {"issuer", "import", pfx, "--passphrase-file", ca().path("passphrases")});
  EXPECT_THAT(shut.err, HasSubstr("does not open with this passphrase"));
  EXPECT_NE(shut.code, 0);
  auto const rootless =
      ca().run_on(state, {"issuer", "import", corporation.path("issuing.key"), corporation.issuing()});
  EXPECT_EQ(rootless.code, 2) << rootless.all();
  EXPECT_EQ(contents(state + "/keys"), before);

  auto const binary = std::string(LENSCAP_BIN_DIR) + "/lenscap-ca";
  auto const done = ca().programs().run({binary, "--state", state, "issuer", "import", pfx, "--passphrase-file", "-"},
                                        "words of another house\n");
  ASSERT_EQ(done.code, 0) << done.all();
  EXPECT_THAT(done.err, HasSubstr("warning: no certificate of the chain has name constraints"));
  auto const key = fakes::CaProcess::read(state + "/keys/issuing.key");
  EXPECT_THAT(key, HasSubstr("BEGIN ENCRYPTED PRIVATE KEY"));
  auto const opened = ca().programs().run(
      {"openssl", "rsa", "-in", state + "/keys/issuing.key", "-noout", "-passin", "file:" + ca().path("passphrases")});
  EXPECT_EQ(opened.code, 0) << opened.all();

  e2e::Background server({binary, "--state", state, "serve", "--port-file", ca().path("importing-ports")},
                         ca().path("importing-log"));
  ASSERT_TRUE(e2e::until([&] { return fs::exists(ca().path("importing-ports")) || !server.alive(); }));
  EXPECT_TRUE(server.alive()) << server.log();
  EXPECT_EQ(server.stop(), 0);
  EXPECT_THAT(server.log(), HasSubstr("issuer.unconstrained"));
}

}  // namespace
}  // namespace lenscap
