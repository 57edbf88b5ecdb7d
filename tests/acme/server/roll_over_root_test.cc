// The page docs/roll-over-the-root.md: an administrator copies its blocks one after the other, and who trusts either
// root alone verifies the server all the while; what the commands refuse changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/acme/server/rolling_over.h"
#include "tests/e2e/page.h"

namespace lenscap::acme::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class RollOverTheRoot : public RollingOver {
 protected:
  static void SetUpTestSuite() {
    make_ca();
    machine_->write_private("new-words", "the next root's own words\n");
    auto const blocks = e2e::blocks_of("roll-over-the-root.md");
    for (std::size_t i = 0; i < blocks.size() && made_.code == 0; ++i) {
      auto script = blocks[i];
      e2e::replace_all(script, "/media/usb", machine_->path("usb"));
      e2e::replace_all(script, "root roll-over --root-key",
                       "root roll-over --passphrase-file root-words --new-passphrase-file new-words --root-key");
      e2e::replace_all(script, "--after 14d", "--after 0s --passphrase-file new-words");
      e2e::replace_all(script, "root seal", "root seal --passphrase-file new-words");
      made_ = run(script);
      said_ += made_.all();
      if (i == 0) made_ = run("lenscap-ca root export --newest --out next.pem");
      reached_.push_back(reach());
    }
  }
  // Who trusts the former root alone, and who trusts the next alone: can they reach the server?
  static std::string reach() {
    std::string said;
    for (auto const* root : {"root.pem", "next.pem"})
      said += run(std::string("curl --cacert ") + root + " --output directory https://pki.cams.example/acme/directory")
                          .code == 0
                  ? "yes "
                  : "no ";
    return said;
  }

  static inline std::string said_;
  static inline std::vector<std::string> reached_;
};

TEST_F(RollOverTheRoot, ThePageLeadsToTheNextRoot) {
  ASSERT_EQ(made_.code, 0) << made_.all() << said_;
  EXPECT_THAT(said_,
              AllOf(HasSubstr("Example Cameras Root CA 2"), HasSubstr("Trusted by"), Not(HasSubstr("own words"))));
  EXPECT_THAT(run("lenscap-ca root show").out, HasSubstr("CN=Example Cameras Root CA 2"));
  EXPECT_FALSE(fs::exists(machine_->state() + "/keys/roots/2/root.key"));
  EXPECT_TRUE(fs::exists(machine_->path("usb/lenscap-root-2/root.key")));
  EXPECT_EQ(run("lenscap-ca store verify").code, 0);
}

// A server sends one chain; until all trust the next root it is that of the former one.
TEST_F(RollOverTheRoot, WhoTrustsTheRootThatChainsLeadToIsNeverTurnedAway) {
  ASSERT_EQ(made_.code, 0);
  ASSERT_EQ(reached_.size(), 5U);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_THAT(reached_[i], HasSubstr("yes ")) << i;
  EXPECT_EQ(reached_[0], "yes no ");
  EXPECT_EQ(reached_[4], "no yes ");
}

TEST_F(RollOverTheRoot, TheExportedChainHoldsEveryStepUp) {
  ASSERT_EQ(made_.code, 0);
  auto const ran =
      run("lenscap-ca root export --chain --out chain.pem\n"
          "for issuing in state/keys/issuing.pem state/issuers/*/issuing.pem; do\n"
          "  openssl verify -CAfile next.pem -untrusted chain.pem $issuing\n"
          "done\n");
  EXPECT_EQ(ran.code, 0) << ran.all();
}

TEST_F(RollOverTheRoot, ABackUpHoldsTheRootsAndNotTheirKeys) {
  ASSERT_EQ(made_.code, 0);
  expect_backed_up("keys/roots");
  EXPECT_EQ(run("find restored -name root.key").out, "");
}

TEST_F(RollOverTheRoot, WhatIsRefusedChangesNothing) {
  ASSERT_EQ(made_.code, 0);
  machine_->write_private("wrong-words", "some other words\n");
  machine_->write_private("short-words", "short\n");
  std::string const next = " --root-key usb/lenscap-root-2/root.key --passphrase-file new-words";
  struct Case {
    std::string options, says;
    int code;
  };
  for (auto const& c : std::vector<Case>{
           {" --lead", "chains lead to", 5},
           {" --new-passphrase-file root-words", "give the root's key with --root-key", 1},
           {" --root-key usb/lenscap-root-2/root.key --passphrase-file wrong-words --new-passphrase-file root-words",
            "does not open with this passphrase", 1},
           {" --root-key usb/lenscap-root/root.key --passphrase-file root-words --new-passphrase-file root-words",
            "the key is not that of", 2},
           {next + " --new-passphrase-file short-words", "at least 12 characters", 2},
           {next + " --new-passphrase-file ca-words", "a passphrase of its own", 2},
       }) {
    auto const refused = run("lenscap-ca root roll-over" + c.options);
    EXPECT_EQ(refused.code, c.code) << c.options << ": " << refused.all();
    EXPECT_THAT(refused.err, HasSubstr(c.says)) << c.options;
    EXPECT_FALSE(fs::exists(machine_->state() + "/keys/roots/3/root.pem")) << c.options;
  }
}

}  // namespace
}  // namespace lenscap::acme::test
