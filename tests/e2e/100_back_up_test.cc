// docs/back-up-and-restore.md as an administrator follows it: its code blocks are run as they stand there, with other
// folders. A CA is backed up while it serves, goes on issuing, and is lost with its machine; restored, it issues
// nothing until that was agreed to, and then no serial number comes again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <regex>
#include <thread>

#include "base/digest.h"
#include "base/json.h"
#include "ca/crl_places.h"
#include "ca/installed_chain.h"
#include "tests/e2e/load.h"
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

  // What OpenSSL reads in it.
  std::string served_list() {
    auto const path = ca::crl_path(ca::load_chain(ca.state()).value().issuing) + ".crl";
    auto const file = ca.path("list.crl");
    EXPECT_EQ(ca.programs().run({"curl", "-sS", "--fail", "-o", file, ca.web() + path}).code, 0);
    return ca.programs().run({"openssl", "crl", "-inform", "DER", "-in", file, "-noout", "-text", "-crlnumber"}).out;
  }
  static unsigned long long number_of(std::string const& list) {
    auto const at = list.find("crlNumber=0x");
    return at == std::string::npos ? 0 : std::stoull(list.substr(at + 12), nullptr, 16);
  }
  static std::string upper(std::string text) {
    for (char& c : text)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
  }

  fakes::CaProcess ca;
};

TEST_F(BackUp, ThePageAsItStands) {
  auto const blocks = blocks_of("back-up-and-restore.md");
  ASSERT_EQ(blocks.size(), 5u) << "back up, verify, restore, confirm, revoke what was issued meanwhile";

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
  auto const list_before = served_list();
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
  EXPECT_GT(number_of(served_list()), number_of(list_before)) << "clients would take the older list for the newer";

  // One of the gap: nobody here knows it, and it can be revoked.
  auto const lost = in_the_gap.front();
  EXPECT_EQ(ca.run({"cert", "revoke", lost}).code, 4) << "it is not on record";
  auto const revoked = run_block(std::regex_replace(blocks[4], std::regex("\\bSERIAL\\b"), lost));
  ASSERT_EQ(revoked.code, 0) << revoked.all();
  EXPECT_THAT(revoked.out, HasSubstr("revoked"));
  auto const shown = ca.run({"cert", "show", lost});
  EXPECT_THAT(shown.out, HasSubstr("revoked")) << shown.all();
  EXPECT_THAT(ca.run({"cert", "list", "--status", "revoked"}).out, HasSubstr(lost));
  EXPECT_THAT(ca.run({"audit", "export"}).out, HasSubstr(lost));
  EXPECT_EQ(ca.stop(), 0);
  ca.serve();  // makes a list, whatever the plan says of revocations
  EXPECT_TRUE(until([&] { return upper(served_list()).find(upper(lost)) != std::string::npos; })) << served_list();
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

// A monitor reads a finding, whatever keeps the doctor from looking.
TEST_F(BackUp, TheDoctorSaysWhatItCannotSee) {
  auto const object = [&] { return json::parse_object(ca.run({"doctor", "--output", "json"}).out); };
  std::ofstream(ca.state() + "/backup.json") << "no note";
  ASSERT_TRUE(object().ok());
  EXPECT_THAT(json::write(*object()), HasSubstr("there was never a back-up"));
  std::filesystem::rename(ca.state() + "/keys/issuing.pem", ca.state() + "/keys/issuing.away");
  auto const blind = ca.run({"doctor", "--output", "json"});
  EXPECT_EQ(blind.code, 5) << blind.all();
  ASSERT_TRUE(object().ok());
  EXPECT_EQ(json::need_string(*object(), "worst").value(), "critical");
  EXPECT_THAT(json::write(*object()), HasSubstr("issuing.pem"));
  std::filesystem::rename(ca.state() + "/keys/issuing.away", ca.state() + "/keys/issuing.pem");
  std::ofstream(ca.state() + "/ca.toml", std::ios::app) << "[nonsense]\n";
  EXPECT_EQ(ca.run({"doctor"}).code, 5);
  EXPECT_THAT(json::write(*object()), HasSubstr("nonsense"));
}

// --- before anybody has agreed to the gap

// A CA that was backed up and lost, and that is there again from its back-up.
class Restored : public ::testing::Test {
 protected:
  using Words = std::vector<std::string>;

  static void lose_and_restore(fakes::CaProcess& ca) {
    auto const file = ca.path("a.backup");
    auto const passphrase = ca.path("passphrases");
    auto const made = ca.run({"backup", "create", file, "--passphrase-file", passphrase});
    ASSERT_EQ(made.code, 0) << made.all();
    auto const root = ca.state() + "/keys/root.key";
    if (std::filesystem::exists(root)) {  // no back-up has it
      std::filesystem::copy_file(root, ca.path("root.key"));
      std::ofstream(ca.path("root-words")) << "the root's own words\n";
      std::filesystem::permissions(ca.path("root-words"), std::filesystem::perms::owner_read);
    }
    std::filesystem::remove_all(ca.state());
    auto const restored = ca.run({"restore", file, "--passphrase-file", passphrase});
    ASSERT_EQ(restored.code, 0) << restored.all();
  }
  // Every file with the hash of what is in it, but for those that tell who uses the store.
  static std::map<std::string, std::string> files(fakes::CaProcess const& ca) {
    std::map<std::string, std::string> all;
    for (auto const& entry : std::filesystem::recursive_directory_iterator(ca.state())) {
      auto const path = entry.path().string();
      if (entry.is_regular_file() && !path.ends_with("lock.mdb") && !path.ends_with("/db/lock"))
        all[path] = to_hex(sha256(as_bytes(fakes::CaProcess::read(path))));
    }
    return all;
  }
  static void expect_refused(fakes::CaProcess& ca, Words const& words) {
    auto const before = files(ca);
    auto const refused = ca.run(words);
    EXPECT_NE(refused.code, 0) << refused.all();
    EXPECT_THAT(refused.err, ::testing::AllOf(HasSubstr("nothing was changed"), HasSubstr("restore confirm")));
    EXPECT_EQ(files(ca), before) << words[0] << " " << words[1];
  }
  static void confirm(fakes::CaProcess& ca) {
    auto const confirmed = ca.run({"restore", "confirm"});
    ASSERT_EQ(confirmed.code, 0) << confirmed.all();
  }
  static std::string doctor(fakes::CaProcess& ca) { return ca.run({"doctor"}).out; }
};

TEST_F(Restored, MakesNoIssuerAndNoRoot) {
  fakes::CaProcess ca;
  ca.serve();
  EXPECT_EQ(ca.stop(), 0);
  lose_and_restore(ca);
  EXPECT_THAT(doctor(ca), HasSubstr("lenscap-ca restore confirm"));
  auto const by_root = [&](Words words) {
    words.insert(words.end(), {"--root-key", ca.path("root.key"), "--passphrase-file", ca.path("root-words")});
    return words;
  };
  auto const create = by_root({"issuer", "create", "--site", "plant4"});
  auto const roll_over = by_root({"issuer", "roll-over"});
  auto next_root = by_root({"root", "roll-over"});
  next_root.insert(next_root.end(), {"--new-passphrase-file", ca.path("root-words")});
  Words const lead{"root", "roll-over", "--lead"};
  for (auto const& words : {create, roll_over, next_root, lead}) expect_refused(ca, words);

  // What an emergency needs.
  auto const list = ca.run(by_root({"root", "crl"}));
  EXPECT_EQ(list.code, 0) << list.all();
  auto const revoked = ca.run(by_root({"issuer", "revoke", "default"}));
  EXPECT_EQ(revoked.code, 0) << revoked.all();
  expect_refused(ca, roll_over);

  confirm(ca);
  EXPECT_THAT(doctor(ca), Not(HasSubstr("lenscap-ca restore confirm")));
  for (auto const& words : {create, roll_over, next_root, lead}) {
    auto const done = ca.run(words);
    EXPECT_EQ(done.code, 0) << words[0] << " " << words[1] << ": " << done.all();
  }
}

TEST_F(Restored, TakesNoChainOfAParent) {
  fakes::Corporation parent;
  fakes::CaProcess ca("", "", &parent);
  ca.serve();
  EXPECT_EQ(ca.stop(), 0);
  lose_and_restore(ca);
  fakes::Corporation other;
  other.issue_with_key();
  Words const install{"issuer", "install", parent.issuing(), parent.root()};
  Words const roll_over{"issuer", "roll-over"};
  Words const import{"issuer", "import", other.path("issuing.key"), other.issuing(), other.root()};
  Words const import_root{"root", "import", parent.path("root.key"), parent.root()};
  for (auto const& words : {install, roll_over, import, import_root}) expect_refused(ca, words);

  confirm(ca);
  for (auto const& words : {install, roll_over, import_root}) {  // the last one certifies the key of the roll-over
    auto const done = ca.run(words);
    EXPECT_EQ(done.code, 0) << words[0] << " " << words[1] << ": " << done.all();
  }
  // Its reason is another now.
  EXPECT_THAT(ca.run(import).err, HasSubstr("a chain for another key is installed"));
}

// --- while clients order

// A back-up is of one moment: whatever a client was told before it began is in it.
TEST(BackUpUnderLoad, HasWhatWasToldBeforeItBegan) {
  constexpr int kWorkers = 4, kBackUps = 3, kAnswersBetween = 40;
  fakes::CaProcess ca("", kLoadSettings);
  seal_lightly(ca);
  auto const eab = make_eab_key(ca);
  ca.serve();
  std::atomic<Told::Moment> moment{0};
  Told told;
  told.now = [&] { return moment.load(); };
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < kWorkers; ++i) workers.push_back(std::make_unique<Worker>(i, 1, ca, eab, told));
  std::vector<std::string> wrong(kWorkers);
  std::vector<std::thread> threads;
  for (int i = 0; i < kWorkers; ++i)
    threads.emplace_back([&, i] { wrong[static_cast<std::size_t>(i)] = workers[static_cast<std::size_t>(i)]->work(); });

  auto const file = [&](int number) { return ca.path(std::to_string(number) + ".backup"); };
  for (int i = 0; i < kBackUps; ++i) {
    told.wait_for_answers(kAnswersBetween);
    ++moment;
    auto const answers = told.answers();
    auto const made = ca.run({"backup", "create", file(i), "--passphrase-file", ca.path("passphrases")});
    EXPECT_EQ(made.code, 0) << made.all();
    EXPECT_GT(told.answers(), answers) << "clients waited for the back-up";
  }
  EXPECT_EQ(ca.kill(), 128 + SIGKILL);
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(wrong, ::testing::Each(""));

  std::size_t before = 0;
  for (int i = 0; i < kBackUps; ++i) {
    SCOPED_TRACE("back-up " + std::to_string(i));
    auto const until = static_cast<Told::Moment>(i);
    EXPECT_GT(told.serials(until).size(), before) << "there was no load";
    before = told.serials(until).size();
    auto const state = ca.path("restored-" + std::to_string(i));
    auto const restored = ca.run_on(state, {"restore", file(i), "--passphrase-file", ca.path("passphrases")});
    ASSERT_EQ(restored.code, 0) << restored.all();
    auto const verified = verify_later(ca, state);
    EXPECT_EQ(verified.code, 0) << verified.all();
    auto const store = store::open_read_only("lmdb:db", state);
    ASSERT_TRUE(store.ok()) << store.error().detail();
    EXPECT_THAT(told.missing_in(**store, until), ::testing::IsEmpty());
  }
}

}  // namespace
}  // namespace lenscap::e2e
