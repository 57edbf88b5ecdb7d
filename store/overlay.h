// The writes of one body on top of what it reads: they reach the back end only when the body agrees to commit, so
// a body's refusal or exception undoes itself alone, even inside a group commit. Both back ends use it.
// It does NOT commit anything.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "store/store.h"

namespace lenscap::store {

// The one ordered key space of a back end: table name, U+0000, key. Checks the limits of store.h; breaking one is a
// bug.
// Behind every key of the table, and before those of the next.
std::string end_key(Table table);
std::string full_key(Table table, std::string_view key);
// The same without a lower limit on the key: where a scan begins.
std::string scan_key(Table table, std::string_view from);
std::string_view table_of(std::string_view full);
std::string_view key_of(std::string_view full);

class Overlay final : public WriteTxn {
 public:
  // By full key; nothing stands for "erased".
  using Writes = std::map<std::string, std::optional<std::string>, std::less<>>;

  explicit Overlay(ReadTxn& below) : below_(below) {}

  std::optional<std::string> get(Table table, std::string_view key) override;
  void scan(Table table, std::string_view from, Visitor const& visit) override;
  void scan_down(Table table, std::string_view before, Visitor const& visit) override;
  std::vector<std::string> tables() override;
  void put(Table table, std::string_view key, std::string_view value) override;
  void erase(Table table, std::string_view key) override;

  Writes const& writes() const { return writes_; }

 private:
  ReadTxn& below_;
  Writes writes_;
};

}  // namespace lenscap::store
