// LMDB behind the contract of store.h. The only file that knows LMDB.
//
// One environment, one B+tree: the key of a pair is the table's name, U+0000, the pair's key (docs/adr/0010).
// A value is stored as one format octet, the CRC-32C of format octet, key and payload (four octets, little endian),
// and the payload; the checksum is tested at each read, since LMDB has none. Debian 12 has LMDB 0.9.24, whose nested
// transactions, DUPSORT and overwriting through cursors have known faults: none of these is used.
#include <fcntl.h>
#include <lmdb.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>

#include "base/bytes.h"
#include "store/backends.h"
#include "store/crc32c.h"
#include "store/overlay.h"
#include "store/writer.h"

namespace lenscap::store {
namespace {

constexpr unsigned kReadersMax = 512;  // reads at the same moment; the default of 126 is less than our threads may be
constexpr char kRecordFormat = '\x01';
constexpr std::size_t kRecordHeaderBytes = 5;

// --- records
// -----------------------------------------------------------------------------------------------------------

MDB_val as_val(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }
std::string_view as_view(MDB_val val) { return {static_cast<char const*>(val.mv_data), val.mv_size}; }

// "orders 'abc'", with octets that are no printable characters as \xNN.
std::string describe(std::string_view full) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text(table_of(full));
  text += " '";
  for (char c : key_of(full)) {
    auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet < 0x7f) {
      text += c;
    } else {
      text.append("\\x").append(1, kHex[octet >> 4]).append(1, kHex[octet & 15]);
    }
  }
  return text + "'";
}

std::uint32_t checksum(std::string_view full, std::string_view payload) {
  auto crc = crc32c(as_bytes(std::string_view(&kRecordFormat, 1)));
  crc = crc32c(as_bytes(full), crc);
  return crc32c(as_bytes(payload), crc);
}

std::string encode(std::string_view full, std::string_view payload) {
  auto crc = checksum(full, payload);
  std::string record(1, kRecordFormat);
  record.reserve(kRecordHeaderBytes + payload.size());
  for (int shift = 0; shift < 32; shift += 8) record += static_cast<char>(crc >> shift & 0xff);
  record += payload;
  return record;
}

// The payload, still inside `record`.
std::string_view decode(std::string_view full, std::string_view record) {
  if (record.size() < kRecordHeaderBytes || record[0] != kRecordFormat) {
    throw Broken("the store is damaged: record " + describe(full) + " has an unknown form; restore a back-up");
  }
  std::uint32_t stored = 0;
  for (std::size_t i = 0; i < 4; ++i) stored |= std::uint32_t{static_cast<unsigned char>(record[1 + i])} << (8 * i);
  auto payload = record.substr(kRecordHeaderBytes);
  if (stored != checksum(full, payload)) {
    throw Broken("the store is damaged: the checksum of record " + describe(full) + " is wrong; restore a back-up");
  }
  return payload;
}

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
    return std::string(decode(full, as_view(record)));
  }

  void scan(Table table, std::string_view from, Visitor const& visit) override {
    Cursor cursor(txn_, dbi_);
    auto first = scan_key(table, from);
    MDB_val key;
    MDB_val record;
    for (bool more = cursor.seek(first, key, record); more; more = cursor.next(key, record)) {
      auto full = as_view(key);
      if (table_of(full) != table.name) return;
      if (!visit(key_of(full), decode(full, as_view(record)))) return;
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
      if (!visit(key_of(full), decode(full, as_view(record)))) return;
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

// --- the directory
// -----------------------------------------------------------------------------------------------------

std::string system_text(std::string const& what, int error) { return what + ": " + std::strerror(error); }

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// LMDB syncs its file, not the directory that names it.
Result<> sync_directory(std::string const& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok() || ::fsync(fd.get()) != 0) return Error(Errc::file, system_text("cannot sync directory " + path, errno));
  return {};
}

std::string parent_of(std::string const& path) {
  auto slash = path.find_last_of('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Makes the directory and those above it, as far as they are absent, for this user alone.
Result<> make_directory(std::string const& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return sync_directory(parent_of(path));
  if (errno == ENOENT && parent_of(path) != path) {
    CHECK_OK(make_directory(parent_of(path)));
    if (::mkdir(path.c_str(), 0700) == 0) return sync_directory(parent_of(path));
  }
  if (errno != EEXIST) return Error(Errc::file, system_text("cannot make the store's directory " + path, errno));
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Error(Errc::file, system_text("cannot look at " + path, errno));
  if (!S_ISDIR(info.st_mode)) return Error(Errc::file, "the store's directory " + path + " is a file");
  return {};
}

Result<> check_directory(std::string const& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Error(Errc::file, system_text("cannot look at " + path, errno));
  if ((info.st_mode & 022) != 0) {
    return Error(Errc::file, "others may write into the store's directory " + path + "; run: chmod 700 " + path);
  }
  return {};
}

// Held as long as the store is open; the kernel lets go of it when the process dies. LMDB itself would let a second
// process in, whose writes our readers would see, but whose schema and caches may be others.
Result<Fd> lock_directory(std::string const& directory) {
  auto path = directory + "/lock";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.ok()) return Error(Errc::file, system_text("cannot open " + path, errno));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Error(Errc::file, system_text("cannot lock " + path, errno));
    char holder[24] = {};
    auto length = ::pread(fd.get(), holder, sizeof holder - 1, 0);
    std::string who = length > 0 ? " (process " + std::string(holder, static_cast<std::size_t>(length)) + ")" : "";
    return Error(Errc::conflict, "the store in " + directory + " is in use by another program" + who +
                                     "; stop that program first, or let it do the work");
  }
  auto pid = std::to_string(::getpid());
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) {
    return Error(Errc::file, system_text("cannot write " + path, errno));
  }
  return fd;
}

// --- the store
// ---------------------------------------------------------------------------------------------------------

struct EnvClose {
  void operator()(MDB_env* env) const { mdb_env_close(env); }
};
using Env = std::unique_ptr<MDB_env, EnvClose>;

constexpr auto kLookForReadersEvery = std::chrono::minutes(1);

class LmdbStore final : public Store {
 public:
  LmdbStore(Fd lock, Env env, MDB_dbi dbi)
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

  Usage usage() override {
    Usage usage;
    MDB_envinfo info;
    MDB_stat stat;
    check("asking for its size", mdb_env_info(env_.get(), &info));
    check("asking for its size", mdb_env_stat(env_.get(), &stat));
    usage.used_max = info.me_mapsize;
    usage.used = (info.me_last_pgno + 1) * stat.ms_psize;
    // The file never shrinks. What is free inside it takes a walk to find out, which is of interest near the end alone.
    if (usage.used > usage.used_max / 2) usage.used -= free_pages() * stat.ms_psize;
    struct statvfs disk {};
    if (::fstatvfs(lock_.get(), &disk) == 0) usage.disk_free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    return usage;
  }

 private:
  // LMDB keeps them in a tree of its own, number 0: lists of page numbers, each with its length in front.
  std::uint64_t free_pages() {
    Txn txn(env_.get(), MDB_RDONLY);
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
        auto record = encode(full, *value);
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

  Fd lock_;  // first: let go of last
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

 private:
  Env env_;
  MDB_dbi dbi_;
};

struct Opened {
  Env env;
  MDB_dbi dbi = 0;
};

// Default flags (0) sync every commit and map the file read-only; MDB_RDONLY never writes.
Result<Opened> open_environment(std::string const& directory, LmdbOptions const& options, unsigned flags) {
  auto refuse = [&](int rc) {
    auto text = std::string(mdb_strerror(rc));
    if (rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH) text += " (data.mdb is damaged or of another program)";
    return Error(Errc::file, "cannot open the store in " + directory + ": " + text);
  };
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
  CHECK_OK(make_directory(directory));
  CHECK_OK(check_directory(directory));
  TRY(auto lock, lock_directory(directory));
  TRY(auto opened, open_environment(directory, options, 0));
  CHECK_OK(sync_directory(directory));
  return std::unique_ptr<Store>(std::make_unique<LmdbStore>(std::move(lock), std::move(opened.env), opened.dbi));
}

Result<std::unique_ptr<Store>> open_lmdb_reader(std::string const& directory, LmdbOptions const& options) {
  TRY(auto opened, open_environment(directory, options, MDB_RDONLY));
  return std::unique_ptr<Store>(std::make_unique<LmdbReader>(std::move(opened.env), opened.dbi));
}

}  // namespace lenscap::store
