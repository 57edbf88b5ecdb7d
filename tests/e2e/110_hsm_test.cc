// "Keep the key in an HSM", as an administrator follows it: the page's blocks, then a server whose own certificate the
// token has signed, by its second key, judged by curl and openssl.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/page.h"
#include "tests/e2e/programs.h"
#include "tests/fakes/corporation.h"
#include "tests/fakes/free_port.h"
#include "tests/fakes/soft_hsm.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::e2e {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

struct KeyInAToken : ::testing::Test {
  fakes::SoftHsm hsm;
  fakes::TempDir dir;
  Programs programs;
  std::string const state = dir.path("state");
  std::string const port = std::to_string(fakes::free_port());
  std::unique_ptr<Background> server;

  // A machine's own places in the page, and those of the test.
  std::map<std::string, std::string> places() const {
    return {{"/var/lib/lenscap-ca", state},
            {"--url https://pki.cams.example",
             "--url https://localhost:" + port + " --listen 127.0.0.1:" + port + " --http ''"},
            {"--permit-dns cams.example", "--permit-dns cams.example localhost"},
            // So that the server's own certificate is of this issuer.
            {"--permit-dns p4.cams.example", "--permit-dns p4.cams.example localhost"}};
  }
  std::string own_root_script() const {
    return ours(script_of_sections("keep-the-key-in-an-hsm.md", {"Make the key in the token", "Make the CA with it",
                                                                 "Another issuer, with a key in the token"}));
  }
  Ran run_page(std::string const& script) {
    return programs.run(
        {"env", "-C", dir.path(), "PATH=" LENSCAP_BIN_DIR ":/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-euc", script});
  }
  // Whose certificates stand in the chain that the server sends, as curl read them that trusts `root` alone.
  Ran fetch(std::string const& root) {
    return programs.run({"curl", "--silent", "--show-error", "--cacert", root, "--write-out", "%{certs}",
                         "https://localhost:" + port + "/acme/directory"});
  }
  std::string issuer_note() const {
    std::ifstream in(state + "/issuers/plant4/issuer.toml");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static constexpr char const* kModule = "?module-path=/usr/lib/softhsm/libsofthsm2.so";
  std::string ours(std::string text) const {
    for (auto const& [theirs, here] : places()) replace_all(text, theirs, here);
    return text;
  }
  Ran ca(std::string const& words) { return run_page("lenscap-ca --state '" + state + "' " + words); }
  // By the page, but with a corporation that signs what the token signed.
  void init_below(fakes::Corporation& corporation) {
    auto const blocks = blocks_of("keep-the-key-in-an-hsm.md");
    auto script = ours(blocks.at(0) + blocks.at(1));
    replace_all(script, "lenscap-ca init", "lenscap-ca init --intermediate");
    replace_all(script, "\\n%s\\n' \"$PIN\" \"the root's own passphrase\"", "\\n' \"$PIN\"");
    auto const made = run_page(script);
    ASSERT_EQ(made.code, 0) << made.all();
    EXPECT_FALSE(fs::exists(state + "/keys/issuing.key"));
    ASSERT_EQ(ca("issuer csr --out issuing.csr").code, 0);
    corporation.sign(dir.path("issuing.csr"));
    auto const installed = ca("issuer install " + corporation.issuing() + " " + corporation.root());
    ASSERT_EQ(installed.code, 0) << installed.all();
  }
  void serve() {
    fs::remove(dir.path("ports"));
    server = std::make_unique<Background>(std::vector<std::string>{LENSCAP_BIN_DIR "/lenscap-ca", "--state", state,
                                                                   "serve", "--port-file", dir.path("ports")},
                                          dir.path("log"));
    until([this] { return fs::exists(dir.path("ports")) || !server->alive(); });
  }
};

TEST_F(KeyInAToken, ThePageLeadsToAServerThatCurlTrusts) {
  auto const ran = run_page(own_root_script());
  ASSERT_EQ(ran.code, 0) << ran.all();
  EXPECT_THAT(ran.out, HasSubstr("issuing.pem: OK"));  // by openssl
  EXPECT_FALSE(fs::exists(state + "/keys/issuing.key"));
  EXPECT_TRUE(fs::exists(state + "/keys/root.key"));
  EXPECT_FALSE(fs::exists(state + "/issuers/plant4/issuing.key"));
  EXPECT_THAT(issuer_note(), HasSubstr("key = \"pkcs11:token=ca;object=plant4?module-path="));

  serve();
  ASSERT_TRUE(server->alive()) << server->log();
  auto const directory = fetch(state + "/keys/root.pem");
  EXPECT_EQ(directory.code, 0) << directory.all() << server->log();
  EXPECT_THAT(directory.out, HasSubstr("newOrder"));
  EXPECT_THAT(directory.out, HasSubstr("Example Cameras plant4 Issuing CA"));
  EXPECT_THAT(server->log(), Not(HasSubstr(fakes::SoftHsm::kPin)));
  EXPECT_EQ(server->stop(), 0) << server->log();
}

// The corporation signs a request that the token signed, that key signs for the token's second one, and the server's
// own certificate is of the second.
TEST_F(KeyInAToken, ItStandsBelowACorporateRootToo) {
  fakes::Corporation corporation({.tool = fakes::Corporation::Tool::openssl_ca, .path_length = 1});
  init_below(corporation);
  auto const blocks = blocks_of("keep-the-key-in-an-hsm.md");
  auto further = ours(blocks.at(0).substr(0, blocks.at(0).find('\n') + 1) + blocks.at(3));
  replace_all(further, "--passphrase-file root-passphrase", "");
  auto const before = ca("issuer create --site plant5");
  EXPECT_EQ(before.code, 2) << before.all();
  EXPECT_THAT(before.err, HasSubstr("the issuing key of this CA is in a token, and so has to be the key of another"));
  auto const taken =
      ca("issuer create --site plant5 --key 'pkcs11:token=ca;object=issuing" + std::string(kModule) + "'");
  EXPECT_EQ(taken.code, 5) << taken.all();
  EXPECT_THAT(taken.err, HasSubstr("this is the key of the issuer default"));
  auto const created = run_page(further);
  ASSERT_EQ(created.code, 0) << created.all();

  serve();
  ASSERT_TRUE(server->alive()) << server->log();
  auto const directory = fetch(corporation.root());
  EXPECT_EQ(directory.code, 0) << directory.all() << server->log();
  EXPECT_THAT(directory.out, HasSubstr("Example Cameras plant4 Issuing CA"));
  EXPECT_THAT(server->log(), HasSubstr("\"calls_filtered\":true"));
  EXPECT_EQ(server->stop(), 0) << server->log();
}

// The corporation signs another request, of another key of the token; who trusts its root notices nothing.
TEST_F(KeyInAToken, TheNextOneBelowACorporateRootToo) {
  fakes::Corporation corporation({.tool = fakes::Corporation::Tool::openssl_ca, .path_length = 1});
  init_below(corporation);
  auto const without = ca("issuer roll-over --after 0s");
  EXPECT_EQ(without.code, 2) << without.all();
  EXPECT_THAT(without.err, HasSubstr("Make a key in the token"));
  auto const of_now =
      ca("issuer roll-over --after 0s --key 'pkcs11:token=ca;object=issuing" + std::string(kModule) + "'");
  EXPECT_EQ(of_now.code, 5) << of_now.all();
  EXPECT_THAT(of_now.err, HasSubstr("this is the key of the issuer default"));
  hsm.tool("ca", {"--keypairgen", "--key-type", "EC:prime256v1", "--label", "next", "--id", "03", "--sensitive"});
  auto const asked =
      run_page("lenscap-ca --state '" + state + "' issuer roll-over --after 0s --key 'pkcs11:token=ca;object=next" +
               std::string(kModule) + "' >next.csr");
  ASSERT_EQ(asked.code, 0) << asked.all();
  EXPECT_FALSE(fs::exists(state + "/issuers/default-2"));
  corporation.sign(dir.path("next.csr"));
  auto const installed = ca("issuer install " + corporation.issuing() + " " + corporation.root());
  ASSERT_EQ(installed.code, 0) << installed.all();
  EXPECT_FALSE(fs::exists(state + "/issuers/default-2/issuing.key"));

  serve();
  ASSERT_TRUE(server->alive()) << server->log();
  auto const directory = fetch(corporation.root());
  EXPECT_EQ(directory.code, 0) << directory.all() << server->log();
  EXPECT_THAT(directory.out, HasSubstr("Example Cameras Issuing CA 2"));
  EXPECT_EQ(server->stop(), 0) << server->log();
}

// --- a certificate that exists already ---

// Mode and content of everything below a folder.
std::map<std::string, std::string> tree_of(std::string const& folder) {
  std::map<std::string, std::string> found;
  for (auto const& each : fs::recursive_directory_iterator(folder)) {
    if (each.path().filename() == "lock.mdb") continue;  // who reads the store
    std::ifstream in(each.path(), std::ios::binary);
    found[each.path()] = std::to_string(static_cast<int>(each.status().permissions())) +
                         (each.is_regular_file() ? std::string(std::istreambuf_iterator<char>(in), {}) : "");
  }
  return found;
}

struct CertifiedBefore : KeyInAToken {
  static constexpr char const* kImport = "Import the certificate of a key in the token";
  fakes::Corporation corporation;

  // The corporation's certificate for a key that it knows the public half of, under a name of its own.
  void certify(std::string const& public_key, std::string const& use = fakes::Corporation::Options().issuer_use) {
    corporation.write("issuing.ext", "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n" + use);
    corporation.shell(
        "openssl req -new -newkey rsa:2048 -nodes -keyout another.key -subj '/C=DE/O=Example Corporation/CN=Cameras "
        "HSM CA 07' -out another.csr && openssl x509 -req -in another.csr -force_pubkey '" +
        public_key + "' -CA root.pem -CAkey root.key -CAcreateserial -days 300 -extfile issuing.ext -out issuing.pem");
    fs::copy_file(corporation.issuing(), dir.path("issuing.pem"), fs::copy_options::overwrite_existing);
    fs::copy_file(corporation.root(), dir.path("corporate-root.pem"), fs::copy_options::overwrite_existing);
  }
  // A CA whose key is in a file yet, under words that are no PIN of the token.
  void init_with_file() {
    dir_write("pin", "the issuing key's words\n");
    auto const made =
        run_page(ours("lenscap-ca init --state /var/lib/lenscap-ca --intermediate --name 'Example Cameras' "
                      "--permit-dns cams.example --url https://pki.cams.example --passphrase-file pin\n"));
    ASSERT_EQ(made.code, 0) << made.all();
  }
  void dir_write(std::string const& name, std::string const& text) const {
    std::ofstream(dir.path(name)) << text;
    fs::permissions(dir.path(name), fs::perms(0600));
  }
  std::string settings() const {
    std::ifstream in(state + "/ca.toml");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::string uri(std::string const& object) { return "pkcs11:token=ca;object=" + object + kModule; }
  void expect_served() {
    serve();
    ASSERT_TRUE(server->alive()) << server->log();
    auto const directory = fetch(corporation.root());
    EXPECT_EQ(directory.code, 0) << directory.all() << server->log();
    EXPECT_THAT(directory.out, HasSubstr("newOrder"));
    EXPECT_THAT(directory.out, HasSubstr("Cameras HSM CA 07"));
    EXPECT_THAT(server->log(), Not(HasSubstr(fakes::SoftHsm::kPin)));
    EXPECT_EQ(server->stop(), 0) << server->log();
  }
};

TEST_F(CertifiedBefore, ThePageImportsItForACaThatWasMadeWithTheKey) {
  hsm.add_token("ca");
  hsm.add_key("ca", "issuing", "01", "issuing");
  certify(hsm.path("issuing.pub"));
  auto const script = ours(script_of_sections("keep-the-key-in-an-hsm.md", {kImport}));
  auto const first = script.substr(0, script.find("printf", script.find("issuer import")));
  auto const pin = std::string("PIN=\"") + fakes::SoftHsm::kPin + "\"\n";
  auto const imported = run_page(pin + first);
  ASSERT_EQ(imported.code, 0) << imported.all();
  EXPECT_THAT(imported.out, HasSubstr("CN=Cameras HSM CA 07"));
  EXPECT_FALSE(fs::exists(state + "/keys/issuing.key"));
  expect_served();
  auto const again = ca("--output json issuer import issuing.pem corporate-root.pem");
  EXPECT_EQ(again.code, 0) << again.all();
  EXPECT_THAT(again.out, HasSubstr("\"key\": \"" + uri("issuing")));
}

// Refused while the settings give no PIN; then by the page. Nothing of ca.toml is another but the one value.
TEST_F(CertifiedBefore, ThePageImportsItForACaThatHadItsKeyInAFile) {
  hsm.add_token("ca");
  hsm.add_key("ca", "issuing", "01", "issuing");
  certify(hsm.path("issuing.pub"));
  init_with_file();
  auto const before = settings();
  auto const script = ours(script_of_sections("keep-the-key-in-an-hsm.md", {kImport}));
  auto second = script.substr(script.find("printf", script.find("issuer import")));
  auto const imported = run_page(std::string("PIN=\"") + fakes::SoftHsm::kPin + "\"\n" + second);
  ASSERT_EQ(imported.code, 0) << imported.all();
  EXPECT_THAT(imported.err, HasSubstr("keys/issuing.key holds the key that was used before"));
  auto expected = before;
  replace_all(expected, "\"file:keys/issuing.key\"", "\"" + uri("issuing") + "\"");
  EXPECT_EQ(settings(), expected);
  EXPECT_NE(settings(), before);
  auto const asked = programs.run({"openssl", "req", "-in", state + "/keys/issuing.csr", "-verify", "-noout"});
  EXPECT_EQ(asked.code, 0) << asked.all();
  auto const key = programs.run({"openssl", "req", "-in", state + "/keys/issuing.csr", "-pubkey", "-noout"});
  std::ifstream in(hsm.path("issuing.pub"));
  EXPECT_EQ(key.out, std::string(std::istreambuf_iterator<char>(in), {}));
  fs::remove(state + "/keys/issuing.key");
  expect_served();
}

TEST_F(CertifiedBefore, WhatDoesNotFitIsRefusedAndChangesNothing) {
  hsm.add_token("ca");
  hsm.add_key("ca", "issuing", "01", "issuing");
  hsm.add_key("ca", "other", "02", "other");
  // The private half of one key beside the public half of another.
  hsm.add_key("ca", "mixed", "03", "mixed");
  hsm.tool("ca", {"--delete-object", "--type", "pubkey", "--id", "03"});
  hsm.run(
      {"openssl", "pkey", "-pubin", "-in", hsm.path("issuing.pub"), "-outform", "DER", "-out", hsm.path("pub.der")});
  hsm.tool("ca", {"--write-object", hsm.path("pub.der"), "--type", "pubkey", "--label", "mixed", "--id", "03"});
  init_with_file();
  auto const pin = std::string(fakes::SoftHsm::kPin) + "\n";
  struct Case {
    char const* why;
    std::string words;
    int code;
    char const* says;
    std::string pin;
    std::string use = fakes::Corporation::Options().issuer_use;
  };
  auto const chain = " issuing.pem corporate-root.pem";
  for (Case const& c :
       {Case{"another's PIN", "--key '" + uri("issuing") + "'" + chain, 1,
             "has to give the PIN of the token from now on", "another PIN\n"},
        Case{"another key of the token", "--key '" + uri("other") + "'" + chain, 2,
             "the private key belongs to none of the certificates", pin},
        Case{"the public half alone", "--key '" + uri("mixed") + "'" + chain, 2,
             "the token's private key is not that of the certificate", pin},
        Case{"no CA", "--key '" + uri("issuing") + "'" + chain, 2, "is not that of a CA", pin,
             "basicConstraints=critical,CA:FALSE\n"},
        Case{"no root", "--key '" + uri("issuing") + "' issuing.pem", 2, "is not among the certificates given", pin},
        Case{"no such key", "--key '" + uri("absent") + "'" + chain, 2, "no such private key", pin},
        Case{"no token", "--key file:keys/issuing.key" + std::string(chain), 2, "--key takes a pkcs11: URI", pin},
        Case{"a PIN in the URI", "--key '" + uri("issuing") + "&pin-value=1234'" + chain, 2, "does not belong", pin},
        Case{"a key in a file besides", "--key '" + uri("issuing") + "' '" + hsm.path("issuing") + "'" + chain, 2,
             "give the certificates alone", pin},
        Case{"other settings", "--key '" + uri("issuing") + "'" + chain + " --config other.toml", 2,
             "give the command again without --key", pin}}) {
    SCOPED_TRACE(c.why);
    certify(hsm.path("issuing.pub"), c.use);
    dir_write("pin", c.pin);
    fs::copy_file(state + "/ca.toml", dir.path("other.toml"), fs::copy_options::overwrite_existing);
    auto const before = tree_of(state);
    auto const refused = ca("issuer import " + c.words);
    EXPECT_EQ(refused.code, c.code) << refused.all();
    EXPECT_THAT(refused.err, HasSubstr(c.says));
    EXPECT_TRUE(tree_of(state) == before);
  }
}

// A machine that stops in the middle: the settings are put back with the rest.
TEST_F(CertifiedBefore, WhatWasBrokenOffIsTakenBackWithTheSettings) {
  hsm.add_token("ca");
  hsm.add_key("ca", "issuing", "01", "issuing");
  certify(hsm.path("issuing.pub"));
  init_with_file();
  auto const before = tree_of(state);
  auto const request = state + "/keys/issuing.csr";
  fs::copy_file(state + "/ca.toml", state + "/ca.toml.former");
  fs::copy_file(request, request + ".former");
  std::ofstream(state + "/keys/chain.pem.new") << "never decided";
  dir_write("state/ca.toml", "key = \"of a token\"\n");
  auto const asked = ca("issuer csr");
  EXPECT_EQ(asked.code, 0) << asked.all();
  EXPECT_THAT(asked.err, HasSubstr("the files are again as before it"));
  EXPECT_TRUE(tree_of(state) == before);
  // What lies beside the settings alone is left to whoever put it there.
  std::ofstream(state + "/ca.toml.former") << "by hand";
  EXPECT_EQ(ca("issuer csr").code, 0);
  EXPECT_TRUE(fs::exists(state + "/ca.toml.former"));
}

TEST_F(KeyInAToken, AWrongPinMakesNoCaAndStartsNoServer) {
  auto script = own_root_script();
  script.insert(script.find("umask 077"), "PIN='not the PIN of it'\n");
  auto const refused = run_page(script);
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.all(), HasSubstr("the passphrase is not the token's PIN"));
  EXPECT_THAT(refused.all(), Not(HasSubstr("not the PIN of it")));
  EXPECT_FALSE(fs::exists(state + "/keys")) << "a refused init left keys";
}

}  // namespace
}  // namespace lenscap::e2e
