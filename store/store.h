// An ordered, transactional map of octets: the whole contract on this page.
//
// Guaranteed: a write is atomic and isolated (serializable), and durable when write() returns; a read sees one
// snapshot. Not guaranteed: that a body runs once. It may run again, on another thread, so it touches only `txn` and
// values it was given, is never a coroutine, and never waits for anything. Threads: read() and write() may be called
// from any thread at once; both block. Event loops go through acme/server/db. Errors: a refusal is the body's own
// business; a broken disk or database is an exception (store::Broken), and after a failed commit the store stays
// broken: the process must end and be started again.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/table.h"

namespace lenscap::store {

using Visitor = std::function<bool(std::string_view key, std::string_view value)>;

// Limits of every back end: a key of 1..400 octets, a value of at most 1 MiB. Breaking them is a bug.
constexpr std::size_t kKeyBytesMax = 400;
constexpr std::size_t kValueBytesMax = 1024 * 1024;

class ReadTxn {
 public:
  virtual ~ReadTxn() = default;
  virtual std::optional<std::string> get(Table table, std::string_view key) = 0;
  // Visits pairs with key >= from in byte order until `visit` returns false. The views live during the visit only.
  // What `visit` itself writes may or may not be visited; what it erases ahead of the scan is not.
  virtual void scan(Table table, std::string_view from, Visitor const& visit) = 0;
  // The same downwards: pairs with key < before, in falling order; with an empty `before`, from the last one.
  virtual void scan_down(Table table, std::string_view before, Visitor const& visit) = 0;
  // The names of the tables that hold something, in byte order: for copies and reports.
  virtual std::vector<std::string> tables() = 0;
};

class WriteTxn : public ReadTxn {
 public:
  // Reads in this transaction see its own writes.
  virtual void put(Table table, std::string_view key, std::string_view value) = 0;
  virtual void erase(Table table, std::string_view key) = 0;  // an absent key is no error
};

using ReadBody = std::function<void(ReadTxn&)>;
using WriteBody = std::function<bool(WriteTxn&)>;

// A commit costs the disk a round trip and the processor some hundred microseconds, however much is in it. What nobody
// waits for may go with the next one; it waits for that at most kPatience.
enum class Urgency { now, with_the_next };
constexpr std::chrono::milliseconds kPatience{20};

using CommitWatch = std::function<void(std::chrono::nanoseconds took)>;

// What a store may grow to where nobody says otherwise. It takes up address space, not the disk.
constexpr std::uint64_t kGrowsTo = std::uint64_t{64} << 30;

// What a store has taken of what it may take; 0: it knows no bound.
struct Usage {
  std::uint64_t used = 0;  // octets, without those that the next writes take up again
  std::uint64_t used_max = 0;
  std::optional<std::uint64_t> disk_free = {};  // of the disk that it is on, for who is not root
};

class Store {
 public:
  virtual ~Store() = default;
  virtual void read(ReadBody const& body) = 0;
  // Runs `body` in one atomic transaction and commits if it returns true. `body` may run more than once.
  // Returns whether it was committed. An exception out of `body` undoes it and comes out here.
  virtual bool write(WriteBody const& body) = 0;
  // As write(), but does not block: `done` is called from a thread of the store when the outcome is durable (or
  // failed). `done` must not throw and must not call write() or read(): it hands the outcome to the thread that waits.
  // Writes take effect in the order in which they were handed in. The destructor finishes what was handed in.
  virtual void write_async(WriteBody body, std::function<void(std::exception_ptr, bool committed)> done,
                           Urgency urgency = Urgency::now) = 0;
  // `watch` is told how long each commit took that changed something: from the first of its bodies on until all is
  // durable. From a thread of the store, where it must not wait; it takes the former one's place, and may still be told
  // of a commit or two when the next one has taken its own.
  virtual void watch_commits(CommitWatch /*watch*/) {}  // NOLINT(performance-unnecessary-value-param)
  // May be asked at each request. Of a broken store too.
  virtual Usage usage() { return {}; }
};

class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Visits the pairs whose key starts with `prefix`, in order.
void scan_prefix(ReadTxn& txn, Table table, std::string_view prefix, Visitor const& visit);
// The same downwards, from the last one; or from the one before prefix + `before`, when that is not empty. No key may
// have an octet FF behind the prefix.
void scan_prefix_down(ReadTxn& txn, Table table, std::string_view prefix, std::string_view before,
                      Visitor const& visit);

// "memory:" or "lmdb:DIR" (DIR relative to `base_dir`, made with mode 0700 when absent); see open.cc for the table.
// `grows_to`, octets, bounds what is written from now on; a store that is larger already opens all the same, and takes
// no more than it frees.
// Refuses (Errc::settings, file, conflict) an unknown scheme, a directory that cannot be used, a store that another
// process has open for writing, and a format that is newer than this program.
Result<std::unique_ptr<Store>> open(std::string_view url, std::string_view base_dir, std::uint64_t grows_to = kGrowsTo);

// The same store for reading alone, also while another process has it open for writing: for commands that only show
// something. Makes and upgrades nothing; refuses what is absent or of another format. Writing to it is a bug.
// `grows_to` is what usage() tells as the bound; give what the writing process was given.
Result<std::unique_ptr<Store>> open_read_only(std::string_view url, std::string_view base_dir,
                                              std::uint64_t grows_to = kGrowsTo);

}  // namespace lenscap::store
