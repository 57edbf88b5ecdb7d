// docs/back-up-and-restore.md as an administrator follows it: its code blocks are run as they stand there, with other
// folders. A CA is backed up while it serves, goes on issuing, and is lost with its machine; restored, it issues
// nothing until that was agreed to, and then no serial number comes again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/e2e/page.h"
#include "tests/fakes/ca_process.h"

namespace lenscap::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class BackUp : public ::testing::Test {
 protected:
  BackUp() {
    std::filesystem::create_directories(ca.path("backup"));
    std::ofstream(ca.path("backup-passphrase")) << "the words of the back-ups\n";
    std::filesystem::permissions(ca.path("backup-passphrase"), std::filesystem::perms::owner_read);
  }

  Ran run_block(std::string text) {
    replace_all(text, "/var/lib/lenscap-ca", ca.state());
    replace_all(text, "/mnt/backup", ca.path("backup"));
    replace_all(text, "/etc/lenscap/backup-passphrase", ca.path("backup-passphrase"));
    return ca.programs().run({"env", "PATH=" + std::string(LENSCAP_BIN_DIR) + ":/usr/bin:/bin", "sh", "-euc", text});
  }

  // Each start issues the server's own certificate. Their serial numbers, newest first.
  std::vector<std::string> serials() {
    auto const listed = ca.run({"cert", "list", "--output", "json"});
    auto const object = json::parse_object(listed.out);
    EXPECT_TRUE(object.ok()) << listed.all();
    std::vector<std::string> all;
    if (!object.ok()) return all;
    for (auto const& item : *object->find("certificates")->as_array())
      all.push_back(json::need_string(*item.as_object(), "serial").value());
    return all;
  }

  fakes::CaProcess ca;
};

TEST_F(BackUp, ThePageAsItStands) {
  auto const blocks = blocks_of("back-up-and-restore.md");
  ASSERT_EQ(blocks.size(), 4u) << "back up, verify, restore, confirm";

  ca.serve();
  auto const before = serials();
  ASSERT_EQ(before.size(), 1u);
  auto const created = run_block(blocks[0]);
  ASSERT_EQ(created.code, 0) << created.all();
  EXPECT_THAT(created.out, HasSubstr("read back"));
  auto const again = run_block(blocks[0]);
  EXPECT_EQ(again.code, 5) << "never takes the place of another: " << again.all();
  EXPECT_EQ(ca.stop(), 0);
  ca.serve();  // what it issues now is not in the back-up
  auto const in_the_gap = serials();
  ASSERT_EQ(in_the_gap.size(), 2u);
  auto const verified = run_block(blocks[1]);
  EXPECT_EQ(verified.code, 0) << verified.all();
  auto const hash =
      json::need_string(json::parse_object(ca.run({"root", "show", "--output", "json"}).out).value(), "sha256");
  EXPECT_THAT(verified.out, HasSubstr(hash.value()));
  auto const refused = run_block(blocks[2]);
  EXPECT_EQ(refused.code, 5) << "there is a CA: " << refused.all();
  EXPECT_EQ(ca.kill(), 128 + SIGKILL);

  std::filesystem::remove_all(ca.state());
  auto const restored = run_block(blocks[2]);
  ASSERT_EQ(restored.code, 0) << restored.all();
  EXPECT_THAT(restored.out, Not(HasSubstr("broken")));
  EXPECT_EQ(serials(), before);
  try {
    ca.serve();
    ADD_FAILURE() << "it serves, and nobody agreed to the gap";
  } catch (std::runtime_error const& error) {
    EXPECT_THAT(error.what(), HasSubstr("restore confirm"));
  }
  EXPECT_EQ(serials(), before) << "nothing was issued";

  auto const confirmed = run_block(blocks[3]);
  ASSERT_EQ(confirmed.code, 0) << confirmed.all();
  ca.serve();
  auto const after = serials();
  ASSERT_EQ(after.size(), 2u);
  EXPECT_THAT(in_the_gap, Not(::testing::Contains(after.front()))) << "a serial number came again";
  EXPECT_EQ(after.back(), before.front());
  EXPECT_EQ(ca.stop(), 0);
  EXPECT_EQ(ca.run({"store", "verify"}).code, 0);
  EXPECT_EQ(run_block(blocks[3]).code, 5) << "there is nothing more to confirm";
}

// What the file shows to who has no passphrase: nothing.
TEST_F(BackUp, TheFileShowsNothing) {
  auto const file = ca.path("backup/a.backup");
  ASSERT_EQ(ca.run({"backup", "create", file, "--passphrase-file", ca.path("backup-passphrase")}).code, 0);
  auto const content = fakes::CaProcess::read(file);
  for (auto const* text : {"BEGIN", "lenscap_store", "ca_records", "cams.example", "issuing"})
    EXPECT_EQ(content.find(text), content.npos) << text;
  EXPECT_EQ(std::filesystem::status(file).permissions() & std::filesystem::perms::mask,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  auto const wrong = ca.run({"backup", "verify", file, "--passphrase-file", ca.path("passphrases")});
  EXPECT_NE(wrong.code, 0);
  EXPECT_THAT(wrong.all(), HasSubstr("E1037"));
}

// The doctor knows of a back-up that was made, and of nothing else that could have been one.
TEST_F(BackUp, TheDoctorKnows) {
  auto const backup_line = [&] {
    auto const ran = ca.run({"doctor", "--output", "json"});
    auto const object = json::parse_object(ran.out);
    EXPECT_TRUE(object.ok()) << ran.all();
    std::string line;
    if (object.ok())
      for (auto const& item : *object->find("checks")->as_array())
        if (json::need_string(*item.as_object(), "check").value() == "backup") line = json::write(*item.as_object());
    return line;
  };
  EXPECT_THAT(backup_line(), HasSubstr("never"));
  EXPECT_EQ(ca.run({"doctor"}).code, 6) << "a warning, and nothing critical";
  auto const file = ca.path("backup/b.backup");
  ASSERT_EQ(ca.run({"backup", "create", file, "--passphrase-file", ca.path("backup-passphrase")}).code, 0);
  EXPECT_THAT(backup_line(), HasSubstr("good"));
  std::filesystem::permissions(ca.state() + "/keys/issuing.key", std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_EQ(ca.run({"doctor"}).code, 5) << "critical";
}

}  // namespace
}  // namespace lenscap::e2e
