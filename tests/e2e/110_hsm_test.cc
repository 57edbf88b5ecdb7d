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
  auto const ran = run_page(script_of("keep-the-key-in-an-hsm.md", places()));
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

TEST_F(KeyInAToken, AWrongPinMakesNoCaAndStartsNoServer) {
  auto script = script_of("keep-the-key-in-an-hsm.md", places());
  script.insert(script.find("umask 077"), "PIN='not the PIN of it'\n");
  auto const refused = run_page(script);
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.all(), HasSubstr("the passphrase is not the token's PIN"));
  EXPECT_THAT(refused.all(), Not(HasSubstr("not the PIN of it")));
  EXPECT_FALSE(fs::exists(state + "/keys")) << "a refused init left keys";
}

}  // namespace
}  // namespace lenscap::e2e
