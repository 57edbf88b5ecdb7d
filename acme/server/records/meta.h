// What the server notes for itself: salts, marks.
#pragma once

#include <optional>
#include <string>

#include "store/store.h"

namespace lenscap::acme {

std::optional<std::string> load_meta(store::ReadTxn& txn, std::string_view key);
void save_meta(store::WriteTxn& txn, std::string_view key, std::string_view value);

}  // namespace lenscap::acme
