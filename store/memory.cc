// std::map behind the contract of store.h. Only the writing thread changes the map, so a body reads it without a
// lock and readers wait only while its outcome is put in.
#include <map>
#include <shared_mutex>

#include "store/backends.h"
#include "store/overlay.h"
#include "store/writer.h"

namespace lenscap::store {
namespace {

using Map = std::map<std::string, std::string, std::less<>>;

class MemoryRead final : public ReadTxn {
 public:
  explicit MemoryRead(Map const& map) : map_(map) {}

  std::optional<std::string> get(Table table, std::string_view key) override {
    auto it = map_.find(full_key(table, key));
    if (it == map_.end()) return std::nullopt;
    return it->second;
  }

  void scan(Table table, std::string_view from, Visitor const& visit) override {
    for (auto it = map_.lower_bound(scan_key(table, from)); it != map_.end(); ++it) {
      if (table_of(it->first) != table.name || !visit(key_of(it->first), it->second)) return;
    }
  }

  void scan_down(Table table, std::string_view before, Visitor const& visit) override {
    auto it = map_.lower_bound(before.empty() ? end_key(table) : scan_key(table, before));
    while (it != map_.begin()) {
      --it;
      if (table_of(it->first) != table.name || !visit(key_of(it->first), it->second)) return;
    }
  }

  std::vector<std::string> tables() override {
    std::vector<std::string> names;
    for (auto const& [full, value] : map_) {
      if (names.empty() || names.back() != table_of(full)) names.emplace_back(table_of(full));
    }
    return names;
  }

 private:
  Map const& map_;
};

class MemoryStore final : public Store {
 public:
  MemoryStore()
      : writer_([this](std::vector<WriteJob>& jobs) {
          for (auto& job : jobs) run(job);
        }) {}

  void read(ReadBody const& body) override {
    std::shared_lock lock(mutex_);
    MemoryRead txn(map_);
    body(txn);
  }

  bool write(WriteBody const& body) override { return writer_.run(body); }

  void write_async(WriteBody body, WriteDone done, Urgency urgency) override {
    writer_.submit(std::move(body), std::move(done), urgency);
  }

  void watch_commits(CommitWatch watch) override { writer_.watch(std::move(watch)); }

 private:
  void run(WriteJob& job) {
    try {
      MemoryRead below(map_);
      Overlay overlay(below);
      if (!job.body(overlay)) return;
      std::unique_lock lock(mutex_);
      for (auto const& [full, value] : overlay.writes()) {
        if (value) {
          map_.insert_or_assign(full, *value);
        } else {
          map_.erase(full);
        }
      }
      job.committed = true;
    } catch (...) {
      job.error = std::current_exception();
    }
  }

  std::shared_mutex mutex_;
  Map map_;
  Writer writer_;  // last: its thread uses the map
};

}  // namespace

std::unique_ptr<Store> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace lenscap::store
