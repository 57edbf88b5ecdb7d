// What is LMDB's alone: files and locks, group commit, checksums, failed commits, kill -9.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lmdb.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <future>
#include <latch>

#include "store/backends.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::store {
namespace {

using ::testing::HasSubstr;

constexpr Table kFruit{"fruit"};

std::unique_ptr<Store> must_open(std::string const& directory, LmdbOptions const& options = {}) {
  auto opened = open_lmdb_store(directory, options);
  if (!opened.ok()) throw std::runtime_error(opened.error().detail());
  return std::move(opened).value();
}

bool put(Store& store, std::string_view key, std::string_view value) {
  return store.write([&](WriteTxn& txn) {
    txn.put(kFruit, key, value);
    return true;
  });
}

std::optional<std::string> get(Store& store, std::string_view key) {
  std::optional<std::string> found;
  store.read([&](ReadTxn& txn) { found = txn.get(kFruit, key); });
  return found;
}

template <class F>
std::string broken_text(F&& call) {
  try {
    call();
  } catch (Broken const& broken) {
    return broken.what();
  }
  return "nothing was thrown";
}

// How many transactions were ever committed, by LMDB's own count.
std::size_t commits(std::string const& directory) {
  MDB_env* env = nullptr;
  mdb_env_create(&env);
  EXPECT_EQ(mdb_env_open(env, directory.c_str(), MDB_RDONLY, 0600), 0);
  MDB_envinfo info;
  mdb_env_info(env, &info);
  mdb_env_close(env);
  return info.me_last_txnid;
}

TEST(OpenLmdb, FilesAreForThisUserAlone) {
  fakes::TempDir dir;
  auto store = must_open(dir.path("above/store"));
  put(*store, "a", "b");
  auto mode = [&](std::string const& name) {
    struct stat info {};
    EXPECT_EQ(::stat(dir.path("above/" + name).c_str(), &info), 0) << name;
    return info.st_mode & 07777;
  };
  EXPECT_EQ(mode("store"), 0700U);
  for (auto name : {"store/data.mdb", "store/lock.mdb", "store/lock"}) EXPECT_EQ(mode(name), 0600U) << name;
}

// Another one in its place would be empty, and nobody would miss the records.
TEST(OpenLmdb, LeavesALinkToAFileThatIsNotThereJustNow) {
  fakes::TempDir dir;
  auto const file = dir.path("store/data.mdb");
  std::filesystem::create_directories(dir.path("store"));
  std::filesystem::permissions(dir.path("store"), std::filesystem::perms::owner_all);
  std::filesystem::create_symlink(dir.path("unmounted/data.mdb"), file);
  auto const opened = open_lmdb_store(dir.path("store"), {});
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().detail(), HasSubstr("No such file"));
  EXPECT_TRUE(std::filesystem::is_symlink(file));
}

TEST(OpenLmdb, RefusesASecondOpener) {
  fakes::TempDir dir;
  auto store = must_open(dir.path("store"));
  auto second = open_lmdb_store(dir.path("store"));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Errc::conflict);
  EXPECT_THAT(second.error().detail(), HasSubstr("is in use by another program (process " + std::to_string(getpid())));
  store.reset();
  EXPECT_TRUE(open_lmdb_store(dir.path("store")).ok());
}

// In a process of its own, since LMDB must not open one store twice in a process.
TEST(OpenLmdb, LetsAnotherProcessReadWhileThisOneWrites) {
  fakes::TempDir dir;
  auto store = must_open(dir.path("store"));
  put(*store, "a", "b");
  pid_t const child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto reader = open_lmdb_reader(dir.path("store"));
    _exit(reader.ok() && get(**reader, "a") == "b" ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_TRUE(put(*store, "c", "d"));  // and this process still holds its store
  EXPECT_FALSE(open_lmdb_reader(dir.path("none")).ok());
}

TEST(OpenLmdb, RefusesADirectoryThatCannotBeUsed) {
  fakes::TempDir dir;
  std::ofstream(dir.path("file")) << "x";
  auto opened = open_lmdb_store(dir.path("file"));
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Errc::file);
  EXPECT_THAT(opened.error().detail(), HasSubstr("a file is in its place"));

  ::mkdir(dir.path("open_to_all").c_str(), 0700);
  ::chmod(dir.path("open_to_all").c_str(), 0777);
  opened = open_lmdb_store(dir.path("open_to_all"));
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().detail(), HasSubstr("chmod 700"));

  ::mkdir(dir.path("strange").c_str(), 0700);
  std::ofstream(dir.path("strange/data.mdb")) << std::string(8192, 'x');
  opened = open_lmdb_store(dir.path("strange"));
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Errc::file);
  EXPECT_THAT(opened.error().detail(), HasSubstr("damaged or of another program"));
}

TEST(GroupCommit, ManyWaitingBodiesShareOneCommit) {
  fakes::TempDir dir;
  auto store = must_open(dir.path("store"));
  constexpr int kBodies = 100;
  std::latch first_runs(1);
  std::latch all_handed_in(1);
  std::latch answered(kBodies + 1);
  auto count = [&](std::exception_ptr, bool) { answered.count_down(); };
  auto body = [](int i) {
    return [i](WriteTxn& txn) {
      txn.put(kFruit, std::to_string(i), "x");
      return true;
    };
  };
  store->write_async(
      [&](WriteTxn& txn) {
        first_runs.count_down();
        all_handed_in.wait();
        return body(-1)(txn);
      },
      count);
  first_runs.wait();
  for (int i = 0; i < kBodies; ++i) store->write_async(body(i), count);
  all_handed_in.count_down();
  answered.wait();
  store.reset();
  EXPECT_EQ(commits(dir.path("store")), 2U);
}

TEST(GroupCommit, ABodyThatChangesNothingCostsNoCommit) {
  fakes::TempDir dir;
  auto store = must_open(dir.path("store"));
  put(*store, "a", "b");
  EXPECT_FALSE(store->write([](WriteTxn& txn) {
    txn.put(kFruit, "c", "d");
    return false;
  }));
  EXPECT_TRUE(store->write([](WriteTxn& txn) { return txn.get(kFruit, "a").has_value(); }));
  EXPECT_TRUE(store->write([](WriteTxn& txn) {
    txn.erase(kFruit, "never there");
    return true;
  }));
  store.reset();
  EXPECT_EQ(commits(dir.path("store")), 1U);
}

TEST(FullMap, TheWriteThatDoesNotFitFailsAlone) {
  fakes::TempDir dir;
  auto store = must_open(dir.path("store"), {.map_bytes = 1024 * 1024});
  std::latch first_runs(1);
  std::latch all_handed_in(1);
  std::latch answered(12);
  std::atomic<int> kept = 0;
  std::string failure;  // written by the one that fails; read after the latch
  store->write_async(
      [&](WriteTxn&) {
        first_runs.count_down();
        all_handed_in.wait();
        return false;
      },
      [&](std::exception_ptr, bool) { answered.count_down(); });
  first_runs.wait();
  for (int i = 0; i < 11; ++i) {
    store->write_async(
        [i](WriteTxn& txn) {
          txn.put(kFruit, "small before a big one", std::to_string(i));
          txn.put(kFruit, std::to_string(i), std::string(i == 5 ? kValueBytesMax : 100, 'x'));
          return true;
        },
        [&](std::exception_ptr error, bool committed) {
          kept += committed ? 1 : 0;
          if (error) failure = broken_text([&] { std::rethrow_exception(error); });
          answered.count_down();
        });
  }
  all_handed_in.count_down();
  answered.wait();
  EXPECT_EQ(kept, 10);
  EXPECT_THAT(failure, HasSubstr("writing: MDB_MAP_FULL"));
  EXPECT_EQ(get(*store, "5"), std::nullopt);
  EXPECT_EQ(get(*store, "small before a big one"), "10");
  EXPECT_TRUE(put(*store, "after", "x"));  // not broken: erasing or smaller records may still fit
}

// What was erased is room again, though the file does not shrink.
TEST(Usage, GrowsWithWhatIsKeptAndFallsWithWhatIsErased) {
  fakes::TempDir dir;
  constexpr std::uint64_t kMap = 1024 * 1024;
  auto store = must_open(dir.path("store"), {.map_bytes = kMap});
  auto const empty = store->usage();
  EXPECT_EQ(empty.used_max, kMap);
  EXPECT_LT(empty.used, kMap / 20);
  EXPECT_GT(empty.disk_free.value(), 0U);
  for (int i = 0; i < 80; ++i) ASSERT_TRUE(put(*store, std::to_string(i), std::string(10'000, 'x')));
  auto const full = store->usage().used;
  EXPECT_GT(full, kMap * 80 / 100);
  EXPECT_LE(full, std::filesystem::file_size(dir.path("store") + "/data.mdb"));
  for (int i = 0; i < 80; ++i)
    store->write([i](WriteTxn& txn) {
      txn.erase(kFruit, std::to_string(i));
      return true;
    });
  EXPECT_LT(store->usage().used, kMap * 30 / 100);
  EXPECT_GT(std::filesystem::file_size(dir.path("store") + "/data.mdb"), kMap * 80 / 100);
}

// So many pairs of three pages each, in one commit.
bool put_many(Store& store, int count) {
  return store.write([count](WriteTxn& txn) {
    for (int i = 0; i < count; ++i) txn.put(kFruit, std::to_string(i), std::string(10'000, 'x'));
    return true;
  });
}

TEST(Usage, IsToldBesideTheProcessThatWrites) {
  fakes::TempDir dir;
  constexpr std::uint64_t kMap = 1024 * 1024;
  std::uint64_t used = 0;
  {
    auto const store = open("lmdb:store", dir.path(), kMap).value();
    ASSERT_TRUE(put_many(*store, 75));
    used = store->usage().used;
    EXPECT_EQ(store->usage().used_max, kMap);
  }
  auto const reader = open_read_only("lmdb:store", dir.path(), kMap).value();
  EXPECT_EQ(reader->usage().used_max, kMap);
  EXPECT_EQ(reader->usage().used, used);
  EXPECT_GT(used, kMap * 80 / 100);
}

// An operator who gave it less than it has meant no harm to what is in it.
TEST(Usage, AStoreLargerThanItMayGrowToOpens) {
  fakes::TempDir dir;
  {
    auto const store = must_open(dir.path("store"));
    ASSERT_TRUE(put_many(*store, 200));
  }
  auto const store = must_open(dir.path("store"), {.map_bytes = 1024 * 1024});
  EXPECT_EQ(get(*store, "199"), std::string(10'000, 'x'));
  EXPECT_GT(store->usage().used, store->usage().used_max * 95 / 100);
}

TEST(FailedCommit, BreaksTheStoreForGood) {
  fakes::TempDir dir;
  auto store = must_open(dir.path("store"));
  put(*store, "before", "x");

  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small{64 * 1024, old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  auto text = broken_text([&] { put(*store, "big", std::string(kValueBytesMax, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);

  EXPECT_THAT(text, HasSubstr("the store fails: committing: "));
  EXPECT_THAT(text, HasSubstr("until this program is started again"));
  EXPECT_EQ(broken_text([&] { put(*store, "after", "x"); }), text);
  EXPECT_EQ(broken_text([&] { get(*store, "before"); }), text);
  std::promise<std::exception_ptr> answer;
  store->write_async([](WriteTxn&) { return true; }, [&](std::exception_ptr error, bool) { answer.set_value(error); });
  EXPECT_THROW(std::rethrow_exception(answer.get_future().get()), Broken);

  store.reset();
  store = must_open(dir.path("store"));
  EXPECT_EQ(get(*store, "before"), "x");
  EXPECT_EQ(get(*store, "big"), std::nullopt);
  EXPECT_TRUE(put(*store, "after", "x"));
}

// Rewrites the raw record of `key` behind the store's back.
void tamper(std::string const& directory, std::string const& full_key, std::function<std::string(std::string)> change) {
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi dbi = 0;
  ASSERT_EQ(mdb_env_create(&env), 0);
  ASSERT_EQ(mdb_env_open(env, directory.c_str(), 0, 0600), 0);
  ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
  ASSERT_EQ(mdb_dbi_open(txn, nullptr, 0, &dbi), 0);
  MDB_val key{full_key.size(), const_cast<char*>(full_key.data())};
  MDB_val value;
  ASSERT_EQ(mdb_get(txn, dbi, &key, &value), 0);
  auto changed = change(std::string(static_cast<char*>(value.mv_data), value.mv_size));
  MDB_val data{changed.size(), changed.data()};
  ASSERT_EQ(mdb_put(txn, dbi, &key, &data, 0), 0);
  ASSERT_EQ(mdb_txn_commit(txn), 0);
  mdb_env_close(env);
}

TEST(Checksum, ADamagedRecordIsNeverRead) {
  struct Case {
    char const* name;
    std::function<std::string(std::string)> change;
    char const* text;
  };
  Case const cases[] = {
      {"a payload bit", [](std::string r) { return r.back() = static_cast<char>(r.back() ^ 1), r; }, "the checksum of"},
      {"a checksum bit", [](std::string r) { return r[1] = static_cast<char>(r[1] ^ 1), r; }, "the checksum of"},
      {"the format", [](std::string r) { return r[0] = 2, r; }, "an unknown form"},
      {"a lost end", [](std::string r) { return r.substr(0, r.size() - 1); }, "the checksum of"},
      {"nearly nothing", [](std::string r) { return r.substr(0, 3); }, "an unknown form"},
      {"nothing", [](std::string) { return std::string(); }, "an unknown form"},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    fakes::TempDir dir;
    auto store = must_open(dir.path());
    put(*store, "app\nle", "red");
    put(*store, "pear", "yellow");
    store.reset();
    tamper(dir.path(), std::string("fruit\0app\nle", 12), c.change);
    store = must_open(dir.path());
    auto text = broken_text([&] { get(*store, "app\nle"); });
    EXPECT_THAT(text, HasSubstr(c.text));
    EXPECT_THAT(text, HasSubstr("fruit 'app\\x0ale'"));
    EXPECT_EQ(text, broken_text([&] {
                store->read([](ReadTxn& txn) { txn.scan(kFruit, {}, [](auto, auto) { return true; }); });
              }));
    EXPECT_EQ(text, broken_text([&] {
                store->write([](WriteTxn& txn) {
                  txn.put(kFruit, "fig", txn.get(kFruit, "app\nle").value_or(""));
                  return true;
                });
              }));
    EXPECT_EQ(get(*store, "pear"), "yellow");
    EXPECT_EQ(get(*store, "fig"), std::nullopt);
  }
}

TEST(Checksum, ARecordUnderAnotherKeyIsNotBelieved) {
  fakes::TempDir dir;
  auto store = must_open(dir.path());
  put(*store, "apple", "red");
  put(*store, "pears", "yellow");
  store.reset();
  std::string stolen;
  tamper(dir.path(), std::string("fruit\0apple", 11), [&](std::string r) { return stolen = r; });
  tamper(dir.path(), std::string("fruit\0pears", 11), [&](std::string) { return stolen; });
  store = must_open(dir.path());
  EXPECT_EQ(get(*store, "apple"), "red");
  EXPECT_THAT(broken_text([&] { get(*store, "pears"); }), HasSubstr("fruit 'pears'"));
}

TEST(Checksum, AFlippedByteInTheFileIsFound) {
  fakes::TempDir dir;
  auto store = must_open(dir.path());
  put(*store, "apple", "a rather particular text");
  store.reset();
  std::fstream file(dir.path("data.mdb"), std::ios::in | std::ios::out | std::ios::binary);
  std::string content(std::istreambuf_iterator<char>(file), {});
  int flipped = 0;
  for (auto at = content.find("particular"); at != content.npos; at = content.find("particular", at + 1), ++flipped) {
    file.clear();
    file.seekp(static_cast<std::streamoff>(at)).put('P');
  }
  file.close();
  ASSERT_GT(flipped, 0);
  store = must_open(dir.path());
  EXPECT_THAT(broken_text([&] { get(*store, "apple"); }), HasSubstr("the checksum of record fruit 'apple' is wrong"));
}

// A child writes numbers and says each one aloud when the store has acknowledged it; then it is killed. Everything it
// said must be there, and what else is there must be the one write that was under way.
void child_writes_until_killed(std::string const& directory, int out) {
  auto store = must_open(directory);
  for (int i = 0;; ++i) {
    auto number = std::to_string(i);
    store->write([&](WriteTxn& txn) {
      txn.put(kFruit, "a" + number, std::string(300, 'x'));
      txn.put(kFruit, "b" + number, number);
      return true;
    });
    number += "\n";
    if (::write(out, number.data(), number.size()) < 0) ::_exit(1);
  }
}

TEST(Kill9, AcknowledgedWritesAreKept) {
  fakes::TempDir dir;
  int next = 0;  // the child counts anew each time, so each round has a directory of its own
  for (int acknowledged_before_kill : {1, 7, 40}) {
    auto directory = dir.path("store" + std::to_string(next++));
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        child_writes_until_killed(directory, ends[1]);
      } catch (...) {
      }
      ::_exit(1);
    }
    ::close(ends[1]);
    FILE* said = ::fdopen(ends[0], "r");
    int last = -1;
    while (last + 1 < acknowledged_before_kill) ASSERT_EQ(std::fscanf(said, "%d", &last), 1) << "the child failed";
    ::kill(child, SIGKILL);
    while (std::fscanf(said, "%d", &last) == 1) continue;  // said between our decision and its death
    std::fclose(said);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));

    auto store = must_open(directory);  // the dead process's locks are gone
    int pairs = 0;
    for (;; ++pairs) {
      auto a = get(*store, "a" + std::to_string(pairs));
      auto b = get(*store, "b" + std::to_string(pairs));
      EXPECT_EQ(a.has_value(), b.has_value()) << "half a transaction";
      if (!a) break;
      EXPECT_EQ(b, std::to_string(pairs));
    }
    EXPECT_GE(pairs, last + 1);
    EXPECT_LE(pairs, last + 2);
    EXPECT_TRUE(put(*store, "life goes on", "x"));
  }
}

}  // namespace
}  // namespace lenscap::store
