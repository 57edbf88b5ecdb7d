// lenscap-ca below a corporate root, as people use it: init --intermediate, issuer csr, install and import, explain,
// and the server whose own certificate and whose root are the corporation's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <functional>

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

std::map<std::string, std::string> contents_below(std::string const& folder) {
  std::map<std::string, std::string> found;
  for (auto const& file : fs::recursive_directory_iterator(folder))
    if (file.path().filename() != "lock.mdb")  // who reads the store
      found[file.path()] = file.is_regular_file() ? fakes::CaProcess::read(file.path()) : "";
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

  std::ofstream(state + "/keys/issuing.csr", std::ios::trunc) << "";
  auto const damaged = ca().run_on(state, {"issuer", "csr"});
  EXPECT_EQ(damaged.code, 1) << damaged.all();
  EXPECT_THAT(damaged.err, HasSubstr("the request of the issuer default is damaged"));
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

// What Microsoft's CA gives as the chain: one file, with what stands above.
TEST_F(Intermediate, AChainInOnePkcs7FileIsInstalled) {
  auto const state = ca().path("by-p7b");
  ASSERT_EQ(ca().run_on(state, init()).code, 0);
  auto const request = ca().path("by-p7b.csr");
  ASSERT_EQ(ca().run_on(state, {"issuer", "csr", "--out", request}).code, 0);
  fakes::Corporation corporation({.has_policy_ca = true});
  corporation.sign(request);
  for (std::string const form : {"DER", "PEM"}) {
    SCOPED_TRACE(form);
    corporation.shell(
        "openssl crl2pkcs7 -nocrl -certfile root.pem -certfile policy.pem -certfile issuing.pem -outform " + form +
        " -out chain.p7b");
    auto const installed = ca().run_on(state, {"issuer", "install", corporation.path("chain.p7b")});
    ASSERT_EQ(installed.code, 0) << installed.all();
    std::string chain;
    for (auto const& file : corporation.chain()) chain += fakes::CaProcess::read(file);
    EXPECT_EQ(fakes::CaProcess::read(state + "/keys/chain.pem"), chain);
    fs::remove(state + "/keys/chain.pem");
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
  EXPECT_THAT(done.err, HasSubstr("leaves no room for an issuer with name constraints below"));
  auto const below = ca().run_on(state, {"issuer", "create", "--site", "cams"});
  EXPECT_EQ(below.code, 5) << below.all();
  EXPECT_THAT(below.err, HasSubstr("the path length of the certificate of CN=Cameras CA,O=Example Corporation, 0"));
  EXPECT_FALSE(fs::exists(state + "/issuers"));
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
  EXPECT_THAT(server.log(), HasSubstr("ask the parent for name constraints"));
}

// A command that is refused, and so changes nothing by itself, may find what one before it was broken off in.
TEST(BrokenOff, WhatIsSettledFirstIsSaidAlsoWhereTheCommandIsRefused) {
  fakes::Corporation parent;
  fakes::CaProcess ca("", "", &parent);
  fakes::Corporation stranger;
  stranger.issue_with_key();
  auto const keys = ca.state() + "/keys";
  auto const before = contents(keys);
  auto const leave = [&](std::vector<std::string> const& suffixes) {
    for (auto const& each : suffixes) fs::copy_file(keys + "/" + each.substr(0, each.rfind('.')), keys + "/" + each);
  };
  std::vector<std::string> const back{"issuing.csr.former", "issuing.key.former", "chain.pem.new"};
  std::vector<std::string> const forward{"issuing.pem.former", "chain.pem.former"};
  struct Case {
    std::vector<std::string> words;
    int code;
  };
  for (auto const& [words, code] :
       {Case{{"issuer", "csr"}, 0}, Case{{"issuer", "install", stranger.issuing(), stranger.root()}, 2},
        Case{{"issuer", "import", stranger.path("issuing.key"), stranger.issuing(), stranger.root()}, 5},
        Case{{"root", "import", stranger.root()}, 2}}) {
    SCOPED_TRACE(words[0] + " " + words[1]);
    leave(back);
    auto const ran = ca.run(words);
    EXPECT_EQ(ran.code, code) << ran.all();
    EXPECT_THAT(ran.err, HasSubstr("the files are again as before it"));
    EXPECT_EQ(contents(keys), before);
    leave(forward);
    EXPECT_THAT(ca.run(words).err, HasSubstr("what it installed is in place"));
    EXPECT_EQ(contents(keys), before);
    EXPECT_THAT(ca.run(words).err, Not(HasSubstr("broken off")));
  }
}

// What the chain forbids for every name is said when it is installed, and by `explain`.
TEST(ForbiddenUsage, IsToldAtTheInstallationAndByExplain) {
  fakes::Corporation parent({.issuer_use =
                                 "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n"
                                 "extendedKeyUsage=serverAuth,anyExtendedKeyUsage\n"});
  fakes::CaProcess ca("", "", &parent);
  std::vector<std::string> const install{"issuer", "install", parent.issuing(), parent.root()};
  std::string const says = "its extended key usage does not allow clientAuth, which the profile dot1x is for";
  EXPECT_THAT(ca.run(install).err, Not(HasSubstr("clientAuth"))) << "no profile is for it";
  auto const settings = ca.state() + "/ca.toml";
  auto text = fakes::CaProcess::read(settings);
  auto const table = text.find("[ca]\n");
  ASSERT_NE(table, text.npos);
  text.insert(table + 5, "profiles = [\"camera-https\", \"dot1x\"]\n");
  std::ofstream(settings) << text;
  fs::copy_file(std::string(LENSCAP_SOURCE_DIR) + "/conf/profiles/dot1x.toml", ca.state() + "/profiles/dot1x.toml",
                fs::copy_options::overwrite_existing);
  auto const warned = ca.run(install);
  EXPECT_EQ(warned.code, 0) << warned.all();
  EXPECT_THAT(warned.err, HasSubstr("CN=Example Cameras Issuing CA,O=Example Cameras, " + says));
  auto const told = ca.run({"explain", "a.cams.example"});
  EXPECT_EQ(told.code, 0) << told.all();
  EXPECT_THAT(told.out, HasSubstr("CN=Example Cameras Issuing CA,O=Example Cameras: " + says));
  EXPECT_THAT(ca.run({"explain", "a.cams.example", "--output", "json"}).out, HasSubstr("profiles_forbidden"));
  auto const unserved = ca.run({"serve"});
  EXPECT_EQ(unserved.code, 2) << unserved.all();
  EXPECT_THAT(unserved.err, HasSubstr("clientAuth"));
}

// The certificate that was revoked last week has to stay revoked: its list has the address of the old identifier.
TEST(RenewedByTheParent, AnotherKeyIdentifierOrNameIsRefusedByEachCommand) {
  fakes::Corporation parent({.tool = fakes::Corporation::Tool::openssl_ca, .path_length = 1});
  fakes::CaProcess ca("", "", &parent);
  ASSERT_EQ(ca.run({"issuer", "create", "--site", "plant4", "--permit-dns", "localhost"}).code, 0);
  auto const before = contents_below(ca.state());
  parent.shell("cp '" + ca.path("issuing.csr") + "' our.csr");
  auto const sign = [&](std::string const& subject_key_id, std::string const& more) {
    parent.write("again.ext",
                 "basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign,cRLSign\n"
                 "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=" +
                     subject_key_id + "\n");
    parent.shell(
        "openssl x509 -req -in our.csr -CA root.pem -CAkey root.key -CAcreateserial -days 300 -extfile "
        "again.ext -out again.pem" +
        more);
  };
  std::vector<std::string> const install{"issuer", "install", parent.path("again.pem"), parent.root()};
  sign("0123456789abcdef", "");
  auto refused = ca.run(install);
  EXPECT_EQ(refused.code, 5) << refused.all();
  EXPECT_THAT(refused.err, HasSubstr("the subject key identifier 0123456789abcdef in place of "));
  // Those that stand below it do not hide the reason.
  sign("hash", " -subj '/O=Example Cameras/CN=Another CA'");
  refused = ca.run(install);
  EXPECT_EQ(refused.code, 5) << refused.all();
  EXPECT_THAT(refused.err, HasSubstr("the subject CN=Another CA,O=Example Cameras in place of"));
  // Whose hand it is makes no difference: `root import` gives the identifier that init's request asks for.
  refused = ca.run({"root", "import", parent.path("root.key"), parent.root()});
  EXPECT_EQ(refused.code, 5) << refused.all();
  ASSERT_THAT(refused.err, HasSubstr("subjectKeyIdentifier="));
  EXPECT_EQ(contents_below(ca.state()), before);

  auto const at = refused.err.find("subjectKeyIdentifier=") + 21;
  auto const wanted = refused.err.substr(at, refused.err.find(')', at) - at);
  sign(wanted, "");
  auto const renewed = ca.run(install);
  EXPECT_EQ(renewed.code, 0) << renewed.all();
}

// --- further issuers ---

// One whose certificate leaves room for another below it.
class WithRoomBelow : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    parent_ = std::make_unique<fakes::Corporation>(
        fakes::Corporation::Options{.tool = fakes::Corporation::Tool::openssl_ca, .path_length = 1});
    ca_ = std::make_unique<fakes::CaProcess>("", "[ocsp]\nserve = true\n", parent_.get());
  }
  static void TearDownTestSuite() {
    ca_.reset();
    parent_.reset();
  }
  static fakes::CaProcess& ca() { return *ca_; }
  static fakes::Corporation& parent() { return *parent_; }
  static e2e::Ran shell(std::string const& script) {
    return ca().programs().run({"env", "-C", ca().path(""), "sh", "-euc", script});
  }
  static std::string states() {
    std::string all;
    auto const listed = json_of(ca().run({"issuer", "list", "--output", "json"}));
    for (auto const& each : *listed.find("issuers")->as_array())
      all += text(*each.as_object(), "name") + " " + text(*each.as_object(), "state") + "; ";
    return all;
  }

 private:
  static inline std::unique_ptr<fakes::Corporation> parent_;
  static inline std::unique_ptr<fakes::CaProcess> ca_;
};

TEST_F(WithRoomBelow, WhatIsRefusedChangesNothing) {
  struct Case {
    std::vector<std::string> words;
    int code;
    char const* says;
  };
  for (Case const& c :
       {Case{{"create", "--site", "x", "--permit-dns", "bank.example"}, 2, "not all of this is permitted by"},
        Case{{"create", "--site", "x", "--permit-ip", "10.0.0.0/8"}, 2, "not all of this is permitted by"},
        Case{{"create", "--site", "x", "--root-key", "/r.key"}, 2, "below a parent the issuing key of this CA signs"},
        Case{{"create", "--site", "x", "--key", "pkcs11:token=ca"}, 2, "the issuing key of this CA is in a file"},
        Case{{"create", "--site", "x", "--key", "keys/a.key"}, 2, "--key takes a pkcs11: URI"},
        Case{{"roll-over", "--root-key", "/r.key"}, 2, "the parent of this CA signs the next issuing certificate"},
        Case{{"roll-over", "--key", "pkcs11:token=ca"}, 2, "the issuing key of this CA is in a file"},
        Case{{"roll-over", "--of", "plant9"}, 2, "there is no issuer plant9"},
        Case{{"csr", "--of", "plant9"}, 2, "there is no request of an issuer plant9"}}) {
    SCOPED_TRACE(c.says);
    auto words = c.words;
    words.insert(words.begin(), "issuer");
    auto const refused = ca().run(words);
    EXPECT_EQ(refused.code, c.code) << refused.all();
    EXPECT_THAT(refused.err, HasSubstr(c.says));
    EXPECT_FALSE(fs::exists(ca().state() + "/issuers"));
  }
}

// The server's own certificate is of the new issuer, and everything that leads on from it is served.
TEST_F(WithRoomBelow, AnotherIssuerStandsBelowTheOneOfTheParent) {
  auto const made = ca().run({"issuer", "create", "--site", "plant4", "--permit-dns", "localhost", "--permit-dns",
                              "p4.cams.example", "--output", "json"});
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_EQ(text(json_of(made), "subject"), "CN=Example Cameras plant4 Issuing CA,O=Example Cameras");
  EXPECT_EQ(states(), "default active; plant4 active; ");
  auto const explained = ca().run({"explain", "a.p4.cams.example"});
  EXPECT_EQ(explained.code, 0) << explained.all();
  EXPECT_THAT(explained.out, HasSubstr("profile camera-https: by the issuer plant4"));
  EXPECT_THAT(ca().run({"explain", "b.cams.example"}).out, HasSubstr("by the issuer default"));

  ca().serve();
  EXPECT_THAT(ca().log(), HasSubstr("\"calls_filtered\":true"));
  auto const judged = shell(
      "curl --silent --show-error --cacert '" + parent().root() + "' " + ca().directory() +
      "\n"
      "openssl s_client -connect " +
      ca().base().substr(8) +
      " -servername localhost -showcerts </dev/null >sent.txt 2>/dev/null\n"
      "csplit --quiet --prefix=sent- sent.txt '/BEGIN CERT/' '{*}'\n"
      "openssl x509 -in sent-01 -out leaf.pem; openssl x509 -in sent-02 -out plant4.pem\n"
      "openssl x509 -in sent-03 -out issuing.pem; test ! -e sent-04\n"
      "cmp issuing.pem '" +
      parent().issuing() +
      "'\n"
      "cat plant4.pem issuing.pem >between.pem; cat leaf.pem between.pem >chain.pem\n"
      "openssl verify -x509_strict -purpose sslserver -CAfile '" +
      parent().root() +
      "' -untrusted between.pem leaf.pem\n"
      "certtool --verify --load-ca-certificate '" +
      parent().root() +
      "' --infile chain.pem\n"
      // Where the certificates point to: the issuer's certificate, the issuer's issuer's, and the lists of both.
      "for each in leaf plant4; do\n"
      "  curl --silent --fail -o $each-issuer.cer $(openssl x509 -in $each.pem -noout -ext authorityInfoAccess | sed "
      "-n "
      "'s/.*CA Issuers - URI://p')\n"
      "  curl --silent --fail -o $each.crl $(openssl x509 -in $each.pem -noout -ext crlDistributionPoints | sed -n "
      "'s/.*URI://p')\n"
      "done\n"
      "openssl x509 -in leaf-issuer.cer | cmp - plant4.pem\n"
      "openssl x509 -in plant4-issuer.cer | cmp - issuing.pem\n"
      "openssl crl -in leaf.crl -inform der -noout -CAfile plant4.pem\n"
      "openssl crl -in plant4.crl -inform der -noout -CAfile issuing.pem\n"
      "openssl ocsp -issuer plant4.pem -cert leaf.pem -url " +
      ca().web() + "/ocsp -CAfile '" + parent().root() + "' -verify_other between.pem\n");
  EXPECT_EQ(judged.code, 0) << judged.all();
  for (auto const* says : {"newOrder", "leaf.pem: OK", "leaf.pem: good"}) EXPECT_THAT(judged.out, HasSubstr(says));
  EXPECT_THAT(judged.all(), HasSubstr("Response verify OK"));
  EXPECT_EQ(ca().stop(), 0) << ca().log();
  EXPECT_EQ(ca().run({"store", "verify"}).code, 0);

  // And it is followed by another, with the same names.
  auto const rolled = ca().run({"issuer", "roll-over", "--of", "plant4", "--after", "0s"});
  ASSERT_EQ(rolled.code, 0) << rolled.all();
  EXPECT_EQ(states(), "default active; plant4 retired; plant4-2 active; ");
  ca().serve();
  auto const after = shell("curl --silent --show-error --output directory --write-out '%{certs}' --cacert '" +
                           parent().root() + "' " + ca().directory());
  EXPECT_THAT(after.out, HasSubstr("Example Cameras plant4 Issuing CA 2"));
  EXPECT_EQ(ca().stop(), 0) << ca().log();
  EXPECT_EQ(ca().run({"root", "export", "--chain", "--out", ca().path("all.pem")}).code, 0);
  EXPECT_EQ(shell("grep -c BEGIN all.pem").out, "4\n") << "three issuers, and the root once";

  // The parent's next certificate for the same key stands above them; one without room for them is not taken.
  auto const note = fakes::CaProcess::read(ca().state() + "/keys/chain.pem");
  fakes::Corporation narrow;
  narrow.shell("cp '" + parent().root() + "' root.pem; cp '" + parent().path("root.key") + "' root.key");
  narrow.sign(ca().path("issuing.csr"));
  auto const refused = ca().run({"issuer", "install", narrow.issuing(), narrow.root()});
  EXPECT_EQ(refused.code, 2) << refused.all();
  EXPECT_THAT(refused.err, HasSubstr("with this chain the other issuers of this CA could not go on: the path length"));
  EXPECT_EQ(fakes::CaProcess::read(ca().state() + "/keys/chain.pem"), note);
  parent().sign(ca().path("issuing.csr"));
  auto const next = ca().run({"issuer", "install", parent().issuing(), parent().root()});
  ASSERT_EQ(next.code, 0) << next.all();
  ca().serve();
  auto const again = shell("curl --silent --show-error --cacert '" + parent().root() + "' " + ca().directory());
  EXPECT_EQ(again.code, 0) << again.all() << ca().log();
  EXPECT_EQ(ca().stop(), 0) << ca().log();
}

// --- another key, which the parent certifies ---

// One CA that waits for the certificate of its next key.
class AnotherKey : public ::testing::Test {
 protected:
  AnotherKey() {
    EXPECT_EQ(ca.run({"issuer", "create", "--site", "plant4", "--permit-dns", "p4.cams.example"}).code, 0);
    rolled = ca.run({"issuer", "roll-over", "--after", "7d"});
    EXPECT_EQ(rolled.code, 0) << rolled.all();
    parent.write("next.csr", rolled.out);
  }
  // What the corporation's root makes of the request for the next key, by these extensions, beside what openssl needs.
  std::string certify(std::string const& extensions, std::string const& more = "") {
    parent.write("next.ext",
                 "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nkeyUsage=critical,keyCertSign,cRLSign\n" +
                     extensions + "\n");
    parent.shell("openssl x509 -req -in next.csr -CA root.pem -CAkey root.key -CAcreateserial -days 300 -extfile " +
                 ("next.ext -out next.pem" + more));
    return parent.path("next.pem");
  }
  std::string states() {
    std::string all;
    auto const listed = json_of(ca.run({"issuer", "list", "--output", "json"}));
    for (auto const& each : *listed.find("issuers")->as_array())
      all += text(*each.as_object(), "name") + " " + text(*each.as_object(), "state") + "; ";
    return all;
  }
  e2e::Ran shell(std::string const& script) {
    return ca.programs().run({"env", "-C", ca.path(""), "sh", "-euc", script});
  }
  // What the server shows, judged by the corporate root alone.
  std::string served() {
    auto const shown = shell("curl --silent --show-error --output directory --write-out '%{certs}' --cacert '" +
                             parent.root() + "' " + ca.directory());
    EXPECT_EQ(shown.code, 0) << shown.all();
    return shown.out;
  }

  static constexpr char const* kRoomy = "basicConstraints=critical,CA:TRUE,pathlen:1";
  fakes::Corporation parent{{.tool = fakes::Corporation::Tool::openssl_ca, .path_length = 1}};
  fakes::CaProcess ca{"", "[ocsp]\nserve = true\n", &parent};
  e2e::Ran rolled;
};

TEST_F(AnotherKey, TheRequestIsMadeOnceAndNothingSignsWithIt) {
  EXPECT_THAT(rolled.out, HasSubstr("BEGIN CERTIFICATE REQUEST"));
  for (auto const* says : {"issuer install", "signs nothing yet", "7 days after"})
    EXPECT_THAT(rolled.err, HasSubstr(says));
  auto const before = contents_below(ca.state() + "/issuers");
  auto const again = ca.run({"issuer", "roll-over", "--after", "1d"});
  EXPECT_EQ(again.code, 0) << again.all();
  EXPECT_EQ(again.out, rolled.out);
  EXPECT_THAT(again.err, HasSubstr("nothing was changed"));
  EXPECT_EQ(ca.run({"issuer", "csr"}).out, rolled.out);
  EXPECT_EQ(ca.run({"issuer", "csr", "--of", "default-2"}).out, rolled.out);
  EXPECT_EQ(ca.run({"issuer", "csr", "--of", "default"}).out, fakes::CaProcess::read(ca.path("issuing.csr")));
  auto const asked = shell("openssl req -in '" + parent.path("next.csr") + "' -noout -verify -text");
  for (auto const* says : {"CN = Example Cameras Issuing CA 2", "CA:TRUE", "Permitted", "DNS:cams.example"})
    EXPECT_THAT(asked.all(), HasSubstr(says));
  EXPECT_EQ(states(), "default active; plant4 active; ");
  EXPECT_THAT(ca.run({"issuer", "list"}).out, HasSubstr("default-2 waits for its certificate"));
  EXPECT_THAT(ca.run({"doctor"}).out, HasSubstr("default-2 waits for its certificate"));
  EXPECT_EQ(contents_below(ca.state() + "/issuers"), before);
  ca.serve();
  EXPECT_THAT(served(), HasSubstr("Example Cameras Issuing CA\n"));
  EXPECT_EQ(ca.stop(), 0) << ca.log();

  // A back-up holds it.
  auto const restored = shell(
      "umask 077; echo 'the words of the back-up' >words\n"
      "'" LENSCAP_BIN_DIR "/lenscap-ca' --state '" +
      ca.state() +
      "' backup create copy.lenscap --passphrase-file words\n"
      "'" LENSCAP_BIN_DIR
      "/lenscap-ca' --state restored restore copy.lenscap --passphrase-file words\n"
      "diff -r '" +
      ca.state() + "/issuers' restored/issuers\n");
  EXPECT_EQ(restored.code, 0) << restored.all();
}

TEST_F(AnotherKey, WhatDoesNotFitIsNotInstalled) {
  fakes::Corporation stranger;
  stranger.issue_with_key();
  fakes::Corporation other({.tool = fakes::Corporation::Tool::openssl_ca, .path_length = 1});
  other.sign(parent.path("next.csr"));
  auto const before = contents_below(ca.state());
  struct Case {
    char const* why;
    std::function<std::vector<std::string>()> files;
    int code;
    char const* says;
  };
  auto const by_root = [&](std::string const& extensions, std::string const& more = "") {
    return [=, this] { return std::vector{certify(extensions, more), parent.root()}; };
  };
  for (Case const& c :
       {Case{"another root", [&] { return other.chain(); }, 5, "and what is installed to another root"},
        Case{"another key", [&] { return stranger.chain(); }, 2, "none of the certificates is for the issuing key"},
        Case{"no root", [&] { return std::vector{certify(kRoomy)}; }, 2, "is not among the certificates given"},
        Case{"no CA", by_root("basicConstraints=critical,CA:FALSE"), 2, "is not that of a CA"},
        Case{"the server's own name is outside",
             by_root(std::string(kRoomy) + "\nnameConstraints=critical,permitted;DNS:cams.example"), 2,
             "the name of this server itself"},
        Case{"the old one's name", by_root(kRoomy, " -subj '/O=Example Cameras/CN=Example Cameras Issuing CA'"), 5,
             "bears the name of the issuer default"},
        Case{"both keys at once",
             [&] {
               return std::vector{certify(kRoomy), parent.issuing(), parent.root()};
             },
             2, "for the issuer default and for default-2"}}) {
    SCOPED_TRACE(c.why);
    std::vector<std::string> words{"issuer", "install"};
    for (auto const& file : c.files()) words.push_back(file);
    auto const refused = ca.run(words);
    EXPECT_EQ(refused.code, c.code) << refused.all();
    EXPECT_THAT(refused.err, HasSubstr(c.says));
    EXPECT_EQ(contents_below(ca.state()), before);
  }
}

// Who has the root's key certifies what waits, as who sends it the request; and then the same key again.
TEST_F(AnotherKey, ItIsCertifiedByRootImportToo) {
  auto const first = contents(ca.state() + "/keys");
  std::vector<std::string> const import{"root", "import", parent.path("root.key"), parent.root()};
  auto const imported = ca.run(import);
  ASSERT_EQ(imported.code, 0) << imported.all();
  EXPECT_THAT(imported.out, HasSubstr("in the place of default"));
  EXPECT_EQ(states(), "default active; default-2 published; plant4 active; ");
  EXPECT_EQ(contents(ca.state() + "/keys"), first);
  auto const place = ca.state() + "/issuers/default-2/";
  auto const key_of = [&](std::string const& what, std::string const& file) {
    return shell("openssl " + what + " -in '" + file + "' -noout -pubkey").out;
  };
  EXPECT_EQ(key_of("x509", place + "issuing.pem"), key_of("req", parent.path("next.csr")));
  auto const judged = shell("openssl verify -x509_strict -CAfile '" + parent.root() + "' '" + place +
                            "issuing.pem'\ncerttool --verify-chain --infile '" + place + "issuing.pem'\n" +
                            "openssl x509 -in '" + place + "issuing.pem' -noout -subject\n");
  EXPECT_EQ(judged.code, 0) << judged.all();
  EXPECT_THAT(judged.out, HasSubstr("CN = Example Cameras Issuing CA 2"));

  auto const before = fakes::CaProcess::read(place + "issuing.pem");
  auto const again = ca.run(import);
  ASSERT_EQ(again.code, 0) << again.all();
  EXPECT_NE(fakes::CaProcess::read(place + "issuing.pem"), before);
  EXPECT_EQ(contents(ca.state() + "/keys"), first);
  auto const none = ca.run({"root", "import", "--of", "plant4", parent.path("root.key"), parent.root()});
  EXPECT_EQ(none.code, 2) << none.all();
  EXPECT_THAT(none.err, HasSubstr("there is no request of an issuer plant4"));
  // The parent's program had given the first one another key identifier.
  auto const of_first = ca.run({"root", "import", "--of", "default", parent.path("root.key"), parent.root()});
  EXPECT_EQ(of_first.code, 5) << of_first.all();
  EXPECT_THAT(of_first.err, HasSubstr("the certificate for the issuing key that came has the subject key identifier"));
}

TEST_F(AnotherKey, TheServerGoesOverToItWhenItsDayComes) {
  ca.serve();
  // Another CA of the corporation has signed it this time.
  parent.write("policy.ext",
               "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nbasicConstraints=critical,CA:TRUE\n"
               "keyUsage=critical,keyCertSign,cRLSign\n");
  parent.shell(
      "openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out policy.key\n"
      "openssl req -new -key policy.key -subj '/O=Example Corporation/CN=Policy CA' -out policy.csr\n"
      "openssl x509 -req -in policy.csr -CA root.pem -CAkey root.key -CAcreateserial -days 1825 -extfile policy.ext "
      "-out policy.pem");
  certify(kRoomy);
  auto const by_policy =
      "openssl x509 -req -in next.csr -CA policy.pem -CAkey policy.key -CAcreateserial -days 300 -extfile next.ext "
      "-out next.pem";
  parent.shell(by_policy);
  std::vector<std::string> const install{"issuer", "install", parent.path("next.pem"), parent.policy(), parent.root()};
  auto const installed = ca.run(install);
  ASSERT_EQ(installed.code, 0) << installed.all();
  EXPECT_THAT(installed.out, HasSubstr("in the place of default"));
  EXPECT_EQ(states(), "default active; default-2 published; plant4 active; ");
  EXPECT_FALSE(fs::exists(ca.state() + "/issuers/default-2.pending"));
  auto const again = ca.run({"issuer", "roll-over"});
  EXPECT_EQ(again.code, 5) << again.all();
  EXPECT_THAT(again.err, HasSubstr("a roll-over is on its way"));

  auto const reload = [&] {
    auto const count = [&] {
      std::size_t found = 0;
      auto const log = ca.log();
      for (auto at = log.find("reload.done"); at != log.npos; at = log.find("reload.done", at + 1)) ++found;
      return found;
    };
    auto const done_before = count();
    ca.signal(SIGHUP);
    ASSERT_TRUE(e2e::until([&] { return count() > done_before; })) << ca.log();
  };
  reload();
  EXPECT_THAT(served(), HasSubstr("Example Cameras Issuing CA\n")) << "published, and it signs nothing yet";

  // The day is put off to yesterday.
  shell("sed -i 's/^active_from = .*/active_from = \"2026-01-01T00:00:00Z\"/' state/issuers/default-2/issuer.toml");
  EXPECT_EQ(states(), "default retired; default-2 active; plant4 active; ");
  EXPECT_EQ(ca.stop(), 0) << ca.log();
  ca.serve();
  for (auto const* says : {"Example Cameras Issuing CA 2\n", "Policy CA"}) EXPECT_THAT(served(), HasSubstr(says));
  auto const judged =
      shell("openssl s_client -connect " + ca.base().substr(8) +
            " -servername localhost -showcerts </dev/null >sent.txt 2>/dev/null\n"
            "csplit --quiet --prefix=sent- sent.txt '/BEGIN CERT/' '{*}'\n"
            "openssl x509 -in sent-01 -out leaf.pem; openssl x509 -in sent-02 -out next.pem\n"
            "openssl x509 -in sent-03 -out policy.pem; test ! -e sent-04\n"
            "cat next.pem policy.pem >between.pem\n"
            "openssl verify -x509_strict -purpose sslserver -CAfile '" +
            parent.root() +
            "' -untrusted between.pem leaf.pem\n"
            "curl --silent --fail -o leaf.crl $(openssl x509 -in leaf.pem -noout -ext crlDistributionPoints | sed -n "
            "'s/.*URI://p')\n"
            "openssl crl -in leaf.crl -inform der -noout -CAfile next.pem\n"
            "openssl ocsp -issuer next.pem -cert leaf.pem -url " +
            ca.web() + "/ocsp -CAfile '" + parent.root() + "' -verify_other between.pem\n");
  EXPECT_EQ(judged.code, 0) << judged.all();
  for (auto const* says : {"leaf.pem: OK", "leaf.pem: good", "Response verify OK"})
    EXPECT_THAT(judged.all(), HasSubstr(says));
  // What is made for a site from now on is signed by the new key; what was made before goes on.
  auto const site = ca.run({"issuer", "create", "--site", "plant5", "--permit-dns", "p5.cams.example"});
  ASSERT_EQ(site.code, 0) << site.all();
  auto const issuer_of = [&](std::string const& name) {
    return shell("openssl x509 -in state/issuers/" + name + "/issuing.pem -noout -issuer").out;
  };
  EXPECT_THAT(issuer_of("plant4"), HasSubstr("CN = Example Cameras Issuing CA\n"));
  EXPECT_THAT(issuer_of("plant5"), HasSubstr("CN = Example Cameras Issuing CA 2\n"));
  EXPECT_EQ(ca.stop(), 0) << ca.log();
  ca.serve();
  EXPECT_EQ(ca.stop(), 0) << ca.log();
  EXPECT_EQ(ca.run({"store", "verify"}).code, 0);

  // Either of the two is renewed by its parent's next certificate for its key, and nothing else changes.
  auto const chain_of = [&](std::string const& file) { return fakes::CaProcess::read(ca.state() + file); };
  auto const first = chain_of("/keys/chain.pem"), second = chain_of("/issuers/default-2/issuing.pem");
  parent.shell(by_policy);
  auto const renewed = ca.run(install);
  ASSERT_EQ(renewed.code, 0) << renewed.all();
  EXPECT_NE(chain_of("/issuers/default-2/issuing.pem"), second);
  EXPECT_EQ(chain_of("/keys/chain.pem"), first);
  parent.write("again.ext",
               "subjectKeyIdentifier=0123\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n");
  parent.shell(
      "openssl x509 -req -in next.csr -CA root.pem -CAkey root.key -CAcreateserial -days 300 -extfile again.ext -out "
      "again.pem");
  auto const refused = ca.run({"issuer", "install", parent.path("again.pem"), parent.root()});
  EXPECT_EQ(refused.code, 5) << refused.all();
  EXPECT_THAT(refused.err, HasSubstr("the subject key identifier"));
  EXPECT_EQ(ca.run({"issuer", "csr"}).out, rolled.out) << "for the next renewal";
  parent.sign(ca.path("issuing.csr"));
  auto const of_first = ca.run({"issuer", "install", parent.issuing(), parent.root()});
  ASSERT_EQ(of_first.code, 0) << of_first.all();
  EXPECT_NE(chain_of("/keys/chain.pem"), first);
  EXPECT_EQ(states(), "default retired; default-2 active; plant4 active; plant5 active; ");
  EXPECT_THAT(ca.run({"issuer", "roll-over"}).err, HasSubstr("Made the request of default-3"));
}

}  // namespace
}  // namespace lenscap
