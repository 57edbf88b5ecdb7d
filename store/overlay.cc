#include "store/overlay.h"

#include <algorithm>
#include <iterator>

namespace lenscap::store {
std::string scan_key(Table table, std::string_view from) {
  if (!is_table_name(table.name)) bug("store: a table name is 1..40 lower case letters and underscores");
  if (from.size() > kKeyBytesMax) bug("store: a key has at most 400 octets");
  std::string full;
  full.reserve(table.name.size() + 1 + from.size());
  full.append(table.name).push_back('\0');
  full.append(from);
  return full;
}

std::string end_key(Table table) {
  auto full = scan_key(table, {});
  full.back() = '\x01';
  return full;
}

std::string full_key(Table table, std::string_view key) {
  if (key.empty()) bug("store: a key has at least one octet");
  return scan_key(table, key);
}

std::string_view table_of(std::string_view full) { return full.substr(0, full.find('\0')); }
std::string_view key_of(std::string_view full) { return full.substr(full.find('\0') + 1); }

std::optional<std::string> Overlay::get(Table table, std::string_view key) {
  if (auto it = writes_.find(full_key(table, key)); it != writes_.end()) return it->second;
  return below_.get(table, key);
}

void Overlay::scan(Table table, std::string_view from, Visitor const& visit) {
  // A merge of two ordered sequences, in which the overlay wins over an equal key below. Nodes of a map stay where
  // they are, so `visit` may write while we walk.
  auto next = writes_.lower_bound(scan_key(table, from));
  auto in_table = [&] { return next != writes_.end() && table_of(next->first) == table.name; };
  bool more = true;
  auto visit_ours = [&] {
    auto const& [full, value] = *next++;
    if (!value) return;
    std::string copy = *value;  // `visit` may overwrite the very pair it is looking at
    more = visit(key_of(full), copy);
  };
  below_.scan(table, from, [&](std::string_view key, std::string_view value) {
    while (more && in_table() && key_of(next->first) < key) visit_ours();
    if (!more) return false;
    if (in_table() && key_of(next->first) == key) {
      visit_ours();
    } else if (auto late = writes_.empty() ? writes_.end() : writes_.find(scan_key(table, key));
               late != writes_.end()) {
      if (auto const copy = late->second) more = visit(key, *copy);  // written by `visit` during this scan
    } else {
      more = visit(key, value);
    }
    return more;
  });
  while (more && in_table()) visit_ours();
}

void Overlay::scan_down(Table table, std::string_view before, Visitor const& visit) {
  auto next = writes_.lower_bound(before.empty() ? end_key(table) : scan_key(table, before));  // one above ours
  auto in_table = [&] { return next != writes_.begin() && table_of(std::prev(next)->first) == table.name; };
  bool more = true;
  auto visit_ours = [&] {
    auto const& [full, value] = *--next;
    if (!value) return;
    std::string copy = *value;
    more = visit(key_of(full), copy);
  };
  below_.scan_down(table, before, [&](std::string_view key, std::string_view value) {
    while (more && in_table() && key_of(std::prev(next)->first) > key) visit_ours();
    if (!more) return false;
    if (in_table() && key_of(std::prev(next)->first) == key)
      visit_ours();
    else
      more = visit(key, value);
    return more;
  });
  while (more && in_table()) visit_ours();
}

std::vector<std::string> Overlay::tables() {
  auto names = below_.tables();
  for (auto const& [full, value] : writes_) {
    if (value) names.emplace_back(table_of(full));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  // A table may have been emptied by this very body.
  std::erase_if(names, [&](std::string const& name) {
    bool empty = true;
    scan(Table{name}, {}, [&](std::string_view, std::string_view) { return empty = false; });
    return empty;
  });
  return names;
}

void Overlay::put(Table table, std::string_view key, std::string_view value) {
  if (value.size() > kValueBytesMax) bug("store: a value has at most 1 MiB");
  writes_.insert_or_assign(full_key(table, key), std::string(value));
}

void Overlay::erase(Table table, std::string_view key) { writes_.insert_or_assign(full_key(table, key), std::nullopt); }

}  // namespace lenscap::store
