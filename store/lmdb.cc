// LMDB behind the contract of store.h. The only file that knows LMDB.
//
// One environment, one B+tree: the key of a pair is the table's name, U+0000, the pair's key (docs/adr/0010).
// A value is stored as record.h says, and its checksum is tested at each read, since LMDB has none. Debian 12 has LMDB
// 0.9.24, whose nested transactions, DUPSORT and overwriting through cursors have known faults: none of these is used.
#include <lmdb.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "base/directory.h"
#include "store/backends.h"
#include "store/directory.h"
#include "store/overlay.h"
#include "store/record.h"
#include "store/writer.h"

namespace lenscap::store {
namespace {

constexpr unsigned kReadersMax = 512;  // reads at the same moment; the default of 126 is less than our threads may be

MDB_val as_val(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }
std::string_view as_view(MDB_val val) { return {static_cast<char const*>(val.mv_data), val.mv_size}; }

// --- transactions
// ------------------------------------------------------------------------------------------------------

std::string failure_text(char const* what, int rc) {
  return std::string("the store fails: ") + what + ": " + mdb_strerror(rc);
}

[[noreturn]] void fail(char const* what, int rc) { throw Broken(failure_text(what, rc)); }

void check(char const* what, int rc) {
  if (rc != MDB_SUCCESS) fail(what, rc);
}

// Aborts unless committed.
class Txn {
 public:
  Txn(MDB_env* env, unsigned flags) { check("beginning a transaction", mdb_txn_begin(env, nullptr, flags, &txn_)); }
  ~Txn() { abort(); }
  Txn(Txn const&) = delete;
  Txn& operator=(Txn const&) = delete;

  MDB_txn* get() const { return txn_; }
  void abort() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
    txn_ = nullptr;
  }
  // LMDB frees the transaction whatever comes of it.
  int commit() { return mdb_txn_commit(std::exchange(txn_, nullptr)); }

 private:
  MDB_txn* txn_ = nullptr;
};

class Cursor {
 public:
  Cursor(MDB_txn* txn, MDB_dbi dbi) { check("opening a cursor", mdb_cursor_open(txn, dbi, &cursor_)); }
  ~Cursor() { mdb_cursor_close(cursor_); }
  Cursor(Cursor const&) = delete;
  Cursor& operator=(Cursor const&) = delete;

  // The first pair with key >= `from`, or the pair after this one; false at the end.
  bool seek(std::string_view from, MDB_val& key, MDB_val& value) {
    key = as_val(from);
    return found(mdb_cursor_get(cursor_, &key, &value, MDB_SET_RANGE));
  }
  bool first(MDB_val& key, MDB_val& value) { return found(mdb_cursor_get(cursor_, &key, &value, MDB_FIRST)); }
  bool next(MDB_val& key, MDB_val& value) { return found(mdb_cursor_get(cursor_, &key, &value, MDB_NEXT)); }
  // The last pair with key < `before`, or the pair before this one.
  bool seek_below(std::string_view before, MDB_val& key, MDB_val& value) {
    auto const is_there = seek(before, key, value);
    return found(mdb_cursor_get(cursor_, &key, &value, is_there ? MDB_PREV : MDB_LAST));
  }
  bool previous(MDB_val& key, MDB_val& value) { return found(mdb_cursor_get(cursor_, &key, &value, MDB_PREV)); }

 private:
  static bool found(int rc) {
    if (rc == MDB_NOTFOUND) return false;
    check("reading", rc);
    return true;
  }
  MDB_cursor* cursor_ = nullptr;
};

// LMDB keeps them in a tree of its own, number 0: lists of page numbers, each with its length in front.
std::uint64_t free_pages(MDB_env* env) {
  Txn txn(env, MDB_RDONLY);
  Cursor cursor(txn.get(), 0);
  MDB_val key;
  MDB_val list;
  std::uint64_t count = 0;
  for (bool more = cursor.first(key, list); more; more = cursor.next(key, list)) {
    std::size_t length = 0;
    std::memcpy(&length, list.mv_data, sizeof length);
    count += length;
  }
  return count;
}

Usage usage_of(MDB_env* env) {
  Usage usage;
  MDB_envinfo info;
  MDB_stat stat;
  check("asking for its size", mdb_env_info(env, &info));
  check("asking for its size", mdb_env_stat(env, &stat));
  usage.used_max = info.me_mapsize;
  usage.used = (info.me_last_pgno + 1) * stat.ms_psize;
  // The file never shrinks. What is free inside it takes a walk to find out, which is of interest near the end alone.
  if (usage.used > usage.used_max / 2) usage.used -= free_pages(env) * stat.ms_psize;
  return usage;
}

class LmdbRead final : public ReadTxn {
 public:
  LmdbRead(MDB_txn* txn, MDB_dbi dbi) : txn_(txn), dbi_(dbi) {}

  std::optional<std::string> get(Table table, std::string_view key) override {
    auto full = full_key(table, key);
    auto wanted = as_val(full);
    MDB_val record;
    int rc = mdb_get(txn_, dbi_, &wanted, &record);
    if (rc == MDB_NOTFOUND) return std::nullopt;
    check("reading", rc);
    return std::string(decode_record(full, as_view(record)));
  }

  void scan(Table table, std::string_view from, Visitor const& visit) override {
    Cursor cursor(txn_, dbi_);
    auto first = scan_key(table, from);
    MDB_val key;
    MDB_val record;
    for (bool more = cursor.seek(first, key, record); more; more = cursor.next(key, record)) {
      auto full = as_view(key);
      if (table_of(full) != table.name) return;
      if (!visit(key_of(full), decode_record(full, as_view(record)))) return;
    }
  }

  void scan_down(Table table, std::string_view before, Visitor const& visit) override {
    Cursor cursor(txn_, dbi_);
    auto const first = before.empty() ? end_key(table) : scan_key(table, before);
    MDB_val key;
    MDB_val record;
    for (bool more = cursor.seek_below(first, key, record); more; more = cursor.previous(key, record)) {
      auto full = as_view(key);
      if (table_of(full) != table.name) return;
      if (!visit(key_of(full), decode_record(full, as_view(record)))) return;
    }
  }

  std::vector<std::string> tables() override {
    std::vector<std::string> names;
    Cursor cursor(txn_, dbi_);
    MDB_val key;
    MDB_val record;
    std::string from(1, '\0');  // LMDB refuses an empty key
    while (cursor.seek(from, key, record)) {
      names.emplace_back(table_of(as_view(key)));
      from = names.back() + '\x01';  // behind every key of this table
    }
    return names;
  }

 private:
  MDB_txn* txn_;
  MDB_dbi dbi_;
};

// --- the store
// ---------------------------------------------------------------------------------------------------------

struct EnvClose {
  void operator()(MDB_env* env) const { mdb_env_close(env); }
};
using Env = std::unique_ptr<MDB_env, EnvClose>;

constexpr auto kLookForReadersEvery = std::chrono::minutes(1);

class LmdbStore final : public Store {
 public:
  LmdbStore(DirectoryLock lock, Env env, MDB_dbi dbi)
      : lock_(std::move(lock)),
        env_(std::move(env)),
        dbi_(dbi),
        writer_([this](std::vector<WriteJob>& jobs) { commit(jobs); }) {}

  void read(ReadBody const& body) override {
    throw_if_broken();
    Txn txn(env_.get(), MDB_RDONLY);
    LmdbRead read(txn.get(), dbi_);
    body(read);
  }

  bool write(WriteBody const& body) override { return writer_.run(body); }

  void write_async(WriteBody body, WriteDone done, Urgency urgency) override {
    writer_.submit(std::move(body), std::move(done), urgency);
  }

  void watch_commits(CommitWatch watch) override { writer_.watch(std::move(watch)); }

  Usage usage() override {
    auto usage = usage_of(env_.get());
    struct statvfs disk {};
    if (::fstatvfs(lock_.fd(), &disk) == 0) usage.disk_free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    return usage;
  }

 private:
  void throw_if_broken() const {
    if (!broken_.load(std::memory_order_acquire)) return;
    throw Broken(broken_text_ + "; nothing more is read or written until this program is started again");
  }

  void break_for_good(std::string text) {
    broken_text_ = std::move(text);
    broken_.store(true, std::memory_order_release);
  }

  // A process that was killed while it read keeps its snapshot's pages from being used again, until somebody looks.
  void forget_dead_readers() {
    auto const now = std::chrono::steady_clock::now();
    if (now < look_for_readers_at_) return;
    look_for_readers_at_ = now + kLookForReadersEvery;
    int dead = 0;
    (void)mdb_reader_check(env_.get(), &dead);  // to fail at looking is no reason not to write
  }

  // Group commit: every body runs against an overlay on the one transaction, so that it sees the writes of those
  // before it and can be undone alone; what it agreed to goes into the transaction; one commit for all of them.
  // On the writing thread only, which is the only one that ever has a write transaction.
  void commit(std::vector<WriteJob>& jobs) noexcept {
    try {
      throw_if_broken();
      forget_dead_readers();
      Txn txn(env_.get(), 0);
      bool changed = false;
      for (auto& job : jobs) {
        job.committed = false;
        job.error = nullptr;
        int rc = run(txn, job, changed);
        if (rc == MDB_SUCCESS) continue;
        // Half of this body's writes are in the transaction, so nobody's can be kept. Each gets another try alone, and
        // the one that does not fit (the map is full, as a rule) fails alone.
        txn.abort();
        if (jobs.size() == 1) fail("writing", rc);
        run_one_by_one(jobs);
        return;
      }
      if (!changed) return;
      // After a failed fdatasync the kernel may have dropped the pages, and LMDB's next commit would succeed on top of
      // the hole: no commit error is ever survived.
      if (int rc = txn.commit(); rc != MDB_SUCCESS) {
        break_for_good(failure_text("committing", rc));
        throw_if_broken();
      }
    } catch (...) {
      // What the others decided may rest on what this transaction held, so the failure is everybody's.
      for (auto& job : jobs) {
        job.committed = false;
        job.error = std::current_exception();
      }
    }
  }

  // The body's own refusal or exception is its outcome; the return value is LMDB's opinion of the writes.
  int run(Txn& txn, WriteJob& job, bool& changed) {
    LmdbRead below(txn.get(), dbi_);
    Overlay overlay(below);
    try {
      job.committed = job.body(overlay);
    } catch (...) {
      job.error = std::current_exception();
      return MDB_SUCCESS;
    }
    if (!job.committed) return MDB_SUCCESS;
    for (auto const& [full, value] : overlay.writes()) {
      auto key = as_val(full);
      int rc = MDB_SUCCESS;
      if (value) {
        auto record = encode_record(full, *value);
        auto data = as_val(record);
        rc = mdb_put(txn.get(), dbi_, &key, &data, 0);
      } else {
        rc = mdb_del(txn.get(), dbi_, &key, nullptr);
        if (rc == MDB_NOTFOUND) continue;
      }
      if (rc != MDB_SUCCESS) return rc;
      changed = true;
    }
    return MDB_SUCCESS;
  }

  void run_one_by_one(std::vector<WriteJob>& jobs) {
    for (auto& job : jobs) {
      std::vector<WriteJob> alone;
      alone.push_back(std::move(job));
      commit(alone);
      job = std::move(alone.front());
    }
  }

  DirectoryLock lock_;  // first: let go of last
  Env env_;
  MDB_dbi dbi_;
  std::atomic<bool> broken_ = false;
  std::string broken_text_;                                      // written once, before broken_ is set
  std::chrono::steady_clock::time_point look_for_readers_at_{};  // the writing thread's
  Writer writer_;                                                // last: its thread uses everything above
};

// A look at a store that another process may be writing: LMDB's snapshots make that safe without our lock.
class LmdbReader final : public Store {
 public:
  LmdbReader(Env env, MDB_dbi dbi) : env_(std::move(env)), dbi_(dbi) {}

  void read(ReadBody const& body) override {
    Txn txn(env_.get(), MDB_RDONLY);
    LmdbRead read(txn.get(), dbi_);
    body(read);
  }
  bool write(WriteBody const&) override { bug("a store that was opened for reading is written"); }
  void write_async(WriteBody, WriteDone, Urgency) override { bug("a store that was opened for reading is written"); }
  Usage usage() override { return usage_of(env_.get()); }

 private:
  Env env_;
  MDB_dbi dbi_;
};

struct Opened {
  Env env;
  MDB_dbi dbi = 0;
};

Error not_opened(std::string const& directory, int rc) {
  auto text = std::string(mdb_strerror(rc));
  if (rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH) text += " (data.mdb is damaged or of another program)";
  return {Errc::file, "cannot open the store in " + directory + ": " + text};
}

// LMDB makes its file in several writes and syncs none of them: a power cut may leave a part, which it never opens
// again. So the file gets its name when it is on the disk.
Result<> make_file(std::string const& directory, LmdbOptions const& options) {
  auto const file = directory + "/data.mdb", beside = file + ".new";
  struct stat status {};
  // Also a link that leads nowhere just now stays: what it led to may come back.
  if (::lstat(file.c_str(), &status) == 0) return make_durable(directory);
  if (errno != ENOENT) return not_opened(directory, errno);
  ::unlink(beside.c_str());
  MDB_env* made = nullptr;
  int rc = mdb_env_create(&made);
  if (rc != 0) return not_opened(directory, rc);
  {
    Env const env(made);
    rc = mdb_env_set_mapsize(made, options.map_bytes);
    if (rc == 0) rc = mdb_env_open(made, beside.c_str(), MDB_NOSUBDIR | MDB_NOLOCK, 0600);
    if (rc == 0) rc = mdb_env_sync(made, 1);
  }
  if (rc == 0 && std::rename(beside.c_str(), file.c_str()) != 0) rc = errno;
  if (rc == 0) return make_durable(directory);
  ::unlink(beside.c_str());
  return not_opened(directory, rc);
}

// Default flags (0) sync every commit and map the file read-only; MDB_RDONLY never writes.
Result<Opened> open_environment(std::string const& directory, LmdbOptions const& options, unsigned flags) {
  auto refuse = [&](int rc) { return not_opened(directory, rc); };
  MDB_env* made = nullptr;
  if (int rc = mdb_env_create(&made); rc != 0) return refuse(rc);
  Opened opened{Env(made)};
  if (int rc = mdb_env_set_maxreaders(made, kReadersMax); rc != 0) return refuse(rc);
  if (int rc = mdb_env_set_mapsize(made, options.map_bytes); rc != 0) return refuse(rc);
  // NOTLS: a read belongs to its transaction, not to a thread.
  if (int rc = mdb_env_open(made, directory.c_str(), MDB_NOTLS | flags, 0600); rc != 0) return refuse(rc);
  int stale = 0;
  if (int rc = mdb_reader_check(made, &stale); rc != 0) return refuse(rc);
  try {
    Txn txn(made, flags);
    if (int rc = mdb_dbi_open(txn.get(), nullptr, 0, &opened.dbi); rc != 0) return refuse(rc);
    if (int rc = txn.commit(); rc != 0) return refuse(rc);
  } catch (Broken const& broken) {
    return Error(Errc::file, "cannot open the store in " + directory + ": " + broken.what());
  }
  return opened;
}

}  // namespace

Result<std::unique_ptr<Store>> open_lmdb_store(std::string const& directory, LmdbOptions const& options) {
  CHECK_OK(make_directories(directory));
  CHECK_OK(check_directory(directory));
  // LMDB itself would let a second process in, whose writes our readers would see, but whose schema and caches may be
  // others.
  TRY(auto lock, DirectoryLock::take(directory));
  CHECK_OK(make_file(directory, options));
  TRY(auto opened, open_environment(directory, options, 0));
  return std::unique_ptr<Store>(std::make_unique<LmdbStore>(std::move(lock), std::move(opened.env), opened.dbi));
}

Result<std::unique_ptr<Store>> open_lmdb_reader(std::string const& directory, LmdbOptions const& options) {
  TRY(auto opened, open_environment(directory, options, MDB_RDONLY));
  return std::unique_ptr<Store>(std::make_unique<LmdbReader>(std::move(opened.env), opened.dbi));
}

}  // namespace lenscap::store
