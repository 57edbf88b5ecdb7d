// The name of a table. Each library declares its own beside the code that writes them, as constexpr values:
//   constexpr store::Table kOrders{"orders"};
#pragma once

#include <string_view>

namespace lenscap::store {

struct Table {
  std::string_view name;  // static text; lower case, letters and underscores, at most 40 characters
  friend constexpr bool operator==(Table, Table) = default;
};

constexpr bool is_table_name(std::string_view name) {
  if (name.empty() || name.size() > 40) return false;
  for (char c : name) {
    if (!((c >= 'a' && c <= 'z') || c == '_')) return false;
  }
  return true;
}

}  // namespace lenscap::store
