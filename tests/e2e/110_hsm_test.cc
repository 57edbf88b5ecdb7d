// "Keep the key in an HSM", as an administrator follows it: the page's blocks, then a server whose own certificate the
// token has signed, judged by curl and openssl.
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
            {"--permit-dns cams.example", "--permit-dns cams.example localhost"}};
  }
  Ran run_page(std::string const& script) {
    return programs.run(
        {"env", "-C", dir.path(), "PATH=" LENSCAP_BIN_DIR ":/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-euc", script});
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

  serve();
  ASSERT_TRUE(server->alive()) << server->log();
  auto const fetch = [&] {
    return programs.run({"curl", "--silent", "--show-error", "--cacert", state + "/keys/root.pem",
                         "https://localhost:" + port + "/acme/directory"});
  };
  auto const directory = fetch();
  EXPECT_EQ(directory.code, 0) << directory.all() << server->log();
  EXPECT_THAT(directory.out, HasSubstr("newOrder"));
  EXPECT_THAT(server->log(), Not(HasSubstr(fakes::SoftHsm::kPin)));
  EXPECT_EQ(server->stop(), 0) << server->log();
}

// The corporation signs a request that the token signed, and the server's own certificate comes from the token.
TEST_F(KeyInAToken, ItStandsBelowACorporateRootToo) {
  auto script = blocks_of("keep-the-key-in-an-hsm.md").at(0) + blocks_of("keep-the-key-in-an-hsm.md").at(1);
  for (auto const& [theirs, ours] : places()) replace_all(script, theirs, ours);
  replace_all(script, "lenscap-ca init", "lenscap-ca init --intermediate");
  replace_all(script, "\\n%s\\n' \"$PIN\" \"the root's own passphrase\"", "\\n' \"$PIN\"");
  auto const made = run_page(script);
  ASSERT_EQ(made.code, 0) << made.all();
  EXPECT_FALSE(fs::exists(state + "/keys/issuing.key"));
  auto const ca = [&](std::string const& words) { return run_page("lenscap-ca --state '" + state + "' " + words); };
  fakes::Corporation corporation;
  ASSERT_EQ(ca("issuer csr --out issuing.csr").code, 0);
  corporation.sign(dir.path("issuing.csr"));
  auto const installed = ca("issuer install " + corporation.issuing() + " " + corporation.root());
  ASSERT_EQ(installed.code, 0) << installed.all();

  serve();
  ASSERT_TRUE(server->alive()) << server->log();
  auto const directory = programs.run({"curl", "--silent", "--show-error", "--cacert", corporation.root(),
                                       "https://localhost:" + port + "/acme/directory"});
  EXPECT_EQ(directory.code, 0) << directory.all() << server->log();
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
