// A back-up of a server at work, read back, and restored: the same store, the same files, and nothing issued until a
// person has agreed to what is missing.
#include "acme/server/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/sealed_stream.h"
#include "ca/clock_mark.h"
#include "ca/gap.h"
#include "ca/ledger.h"
#include "ca/ledger_tables.h"
#include "store/copy.h"
#include "tests/acme/server/fixture.h"
#include "tests/acme/server/promises.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::acme::test {
namespace {

using ::testing::HasSubstr;

SecretBytes words() { return SecretBytes(std::string_view("the words of the back-up")); }

std::string dumped(store::Store& store) {
  std::ostringstream out;
  EXPECT_TRUE(store::dump(store, out).ok());
  return out.str();
}

std::string content_of(std::string const& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Backup : public ::testing::Test {
 protected:
  Backup() {
    std::filesystem::create_directories(state + "/keys");
    std::filesystem::create_directories(state + "/profiles");
    put("ca.toml", std::string("[server]\nurl = \"") + kBase +
                       "\"\nlisten = [\"127.0.0.1:0\"]\n[ca]\nname = \"Test\"\n[store]\nurl = \"lmdb:db\"\n");
    put("keys/root.pem", server.app->authority->root_certificate().pem());
    put("keys/issuing.pem", server.app->authority->issuing_certificate().pem());
    put("keys/root.key", "the key that belongs elsewhere");
    put("keys/issuing.key", "the sealed key of the issuer");
    put("profiles/camera-https.toml", "# a profile\n");
    put("ballast", "room on the disk, and nothing that anybody wants back");
    ::chmod((state + "/keys/issuing.key").c_str(), 0600);
    issue("cam1.cams.example");
  }
  static ServerOptions options() {
    ServerOptions options;
    options.store = store::open("memory:", "").value();  // one with a format, as a real one
    return options;
  }
  void put(std::string const& name, std::string const& text) { std::ofstream(state + "/" + name) << text; }
  std::string issue(std::string const& host) {
    auto const order = client.new_order({host});
    auto const done = client.finalize(order.header("Location"), {host});
    EXPECT_EQ(done.text("status"), "valid") << done.body;
    auto const url = done.text("certificate");
    return url.substr(url.rfind('/') + 1);
  }
  std::string make_file() {
    std::ostringstream out;
    auto const made = write_backup(out, words(), state, state + "/ca.toml", *server.app->store, server.clock.now());
    EXPECT_TRUE(made.ok()) << made.error().detail();
    return out.str();
  }
  Result<BackupContent> restore(std::string const& file, std::string const& to) {
    std::istringstream in(file);
    return restore_backup(in, words(), to, kNow + kHour);
  }

  fakes::TempDir dir;
  std::string state = dir.path("state");
  TestServer server{options()};
  Client client = granted_client(server);
};

TEST_F(Backup, IsReadBackWhole) {
  // Of a process that was killed while it wrote the root's key, which no back-up holds.
  std::ofstream(state + "/keys/root.key.new-abc123") << "part of a key";
  auto const file = make_file();
  std::istringstream in(file);
  auto const content = verify_backup(in, words());
  ASSERT_TRUE(content.ok()) << content.error().detail();
  EXPECT_EQ(content->made_at, kNow);
  EXPECT_EQ(content->root_sha256, to_hex(server.app->authority->root_certificate().fingerprint()));
  EXPECT_EQ(content->files, 5u) << "ca.toml, three of keys, one profile";
  EXPECT_GT(content->records, 10u);
}

// What an editor leaves beside a file must not be the end of back-ups, and a copy of the root's key in none.
TEST_F(Backup, LeavesOutWhatNoRestoreWouldWrite) {
  for (auto const* name :
       {"profiles/camera-https.toml~", "profiles/.camera-https.toml.swp", "profiles/a b", "keys/x+y"})
    put(name, "left behind");
  for (auto const* name : {"keys/root.key.bak", "keys/root.key~"}) put(name, "the key that belongs elsewhere");
  std::ostringstream out;
  auto const made = write_backup(out, words(), state, state + "/ca.toml", *server.app->store, server.clock.now());
  ASSERT_TRUE(made.ok()) << made.error().detail();
  EXPECT_THAT(made->left_out, ::testing::UnorderedElementsAre("profiles/camera-https.toml~", "profiles/a b", "keys/x+y",
                                                              "profiles/.camera-https.toml.swp"));
  EXPECT_EQ(made->files, 5u);
  std::istringstream in(out.str());
  auto const content = verify_backup(in, words());
  ASSERT_TRUE(content.ok()) << content.error().detail();
  EXPECT_EQ(content->files, 5u);
}

// A back-up that says it is good and lacks an issuer is worse than none.
TEST_F(Backup, IsRefusedWhereAFolderCannotBeReadOrIsMissing) {
  for (auto const* folder : {"issuers/plant4", "issuers", "keys/roots/2", "keys/roots", "profiles", "keys"}) {
    std::filesystem::create_directories(std::filesystem::path(state + "/" + folder).parent_path());
    fakes::close_off(state + "/" + folder);
    std::ostringstream out;
    auto const made = write_backup(out, words(), state, state + "/ca.toml", *server.app->store, server.clock.now());
    ASSERT_FALSE(made.ok()) << folder;
    EXPECT_THAT(made.error().detail(), ::testing::AllOf(HasSubstr(folder), ::testing::Not(HasSubstr("is missing"))));
    std::filesystem::remove(state + "/" + folder);
  }
  std::ostringstream out;
  auto const made = write_backup(out, words(), state, state + "/ca.toml", *server.app->store, server.clock.now());
  EXPECT_THAT(made.error().detail(), HasSubstr("is missing"));
}

TEST_F(Backup, RestoresTheStoreAndTheFiles) {
  auto const before = dumped(*server.app->store);
  auto const to = dir.path("restored");
  auto const restored = restore(make_file(), to);
  ASSERT_TRUE(restored.ok()) << restored.error().detail();
  for (auto const* name : {"ca.toml", "keys/root.pem", "keys/issuing.key", "profiles/camera-https.toml"})
    EXPECT_EQ(content_of(to + "/" + name), content_of(state + "/" + name)) << name;
  EXPECT_FALSE(std::filesystem::exists(to + "/keys/root.key"));
  EXPECT_FALSE(std::filesystem::exists(to + "/ballast"));
  struct stat status {};
  ASSERT_EQ(::stat((to + "/keys/issuing.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);

  auto const store = store::open("lmdb:db", to).value();
  EXPECT_EQ(broken_promises(*store, kNow), "");
  store->write([](store::WriteTxn& txn) {
    EXPECT_EQ(ca::close_gap(txn, kNow), (ca::Gap{kNow, kNow + kHour}));
    return true;
  });
  EXPECT_NE(dumped(*store), before) << "the clock's mark and the numbers of lists were lifted";
  store->write([](store::WriteTxn& txn) {
    EXPECT_EQ(ca::restored_at(txn), kNow + kHour);
    txn.erase(ca::tables::kState, "restored");
    txn.erase(ca::tables::kState, "crls_above");
    return ca::accept_clock(txn, kNow).has_value();
  });
  EXPECT_EQ(dumped(*store), before);
}

TEST_F(Backup, NothingIsIssuedUntilTheGapIsAgreedTo) {
  auto const to = dir.path("restored");
  ASSERT_TRUE(restore(make_file(), to).ok());
  auto const store = store::open("lmdb:db", to).value();
  ca::test::TestCa ca;
  auto const intend = [&](Time now) {
    auto const draft =
        ca.issuer->prepare(ca::test::profile("camera-https"), ca::test::request(names_of({"cam2.cams.example"})), now);
    Result<> outcome;
    store->write([&](store::WriteTxn& txn) { return (outcome = ca::record_intent(txn, *draft, "order")).ok(); });
    return outcome;
  };
  auto const refused = intend(kNow + 2 * kHour);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::unavailable);
  EXPECT_THAT(refused.error().detail(), HasSubstr("restore confirm"));

  store->write([](store::WriteTxn& txn) { return ca::close_gap(txn, kNow + 2 * kHour).has_value(); });
  // Serial numbers begin with their time: none of before can come again.
  EXPECT_EQ(intend(kNow + kHour).error().code(), Errc::unavailable);
  EXPECT_TRUE(intend(kNow + 2 * kHour).ok());
  store->write([](store::WriteTxn& txn) {
    EXPECT_FALSE(ca::close_gap(txn, kNow)) << "once";
    return false;
  });
}

TEST_F(Backup, RefusesADirectoryThatIsNotEmpty) {
  auto const file = make_file();
  for (auto const* name : {"ca.toml", "ca.toml.new", "keys", "profiles", "db"}) {
    auto const to = dir.path(std::string("with-") + name);
    std::filesystem::create_directories(to);
    std::ofstream(to + "/" + name) << "here";
    auto const restored = restore(file, to);
    ASSERT_FALSE(restored.ok()) << name;
    EXPECT_EQ(restored.error().code(), Errc::conflict);
    EXPECT_EQ(content_of(to + "/" + name), "here");
  }
}

TEST_F(Backup, DamageIsFound) {
  auto file = make_file();
  file[file.size() / 2] = static_cast<char>(file[file.size() / 2] ^ 1);
  std::istringstream in(file);
  EXPECT_FALSE(verify_backup(in, words()).ok());
  std::istringstream cut(make_file().substr(0, 1000));
  EXPECT_FALSE(verify_backup(cut, words()).ok());
  std::istringstream whole(make_file());
  EXPECT_EQ(verify_backup(whole, SecretBytes(std::string_view("others"))).error().code(), Errc::wrong_passphrase);
}

// A file that somebody made who knows the passphrase: it may not lead out of the state directory.
TEST_F(Backup, PathsThatLeadElsewhereAreRefused) {
  for (auto const* path :
       {"../evil", "/etc/evil", "keys/../../evil", "keys/.evil", "keys/", "db/data.mdb", "keys/a/b"}) {
    std::ostringstream out;
    SealedOutput sealed(out, words(), 10);
    sealed.stream() << R"({"lenscap_backup":1,"made_at":1,"root_sha256":"","files":1})" << '\n'
                    << json::write(json::Object{{"path", path}, {"mode", 0644}, {"text64", ""}}) << '\n';
    EXPECT_TRUE(store::dump(*server.app->store, sealed.stream()).ok());
    ASSERT_TRUE(sealed.finish().ok());
    auto const to = dir.path("elsewhere");
    auto const restored = restore(out.str(), to);
    ASSERT_FALSE(restored.ok()) << path;
    EXPECT_EQ(restored.error().code(), Errc::malformed) << path;
    EXPECT_FALSE(std::filesystem::exists(to)) << path;
  }
}

}  // namespace
}  // namespace lenscap::acme::test
