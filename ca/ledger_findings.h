// What the checks of the ledger (ledger_check.h) have in common: how they read a record, and what they tell to do.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "ca/ledger.h"
#include "ca/ledger_check.h"
#include "store/table.h"

namespace lenscap::ca::check {

inline constexpr char const* kLook =
    "stop the service, keep a copy of the store and of the log, and report it: this is a fault of lenscap";

inline std::string at(store::Table table, std::string_view key) {
  return std::string(table.name) + "/" + std::string(key);
}

// Nothing where there is none, and where it cannot be read: check_serials tells of that.
inline std::optional<CertificateRecord> record_of(store::ReadTxn& txn, std::string_view serial) {
  try {
    return find_by_serial(txn, serial);
  } catch (store::Broken const&) {
    return std::nullopt;
  }
}

inline bool is_issued(std::optional<CertificateRecord> const& record) {
  return record && record->status == CertificateStatus::issued;
}

// The keys of rows are made up here anew: the ledger does not vouch for itself.

// Fixed width, as the ledger writes it.
inline std::string time_key(Time time) {
  std::string text(10, '0');
  auto seconds = static_cast<unsigned long long>(std::max(0LL, to_unix(time)));
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, seconds >>= 4)
    *digit = "0123456789abcdef"[seconds & 15];
  return text;
}

inline std::string revoked_key(CertificateRecord const& record) {
  return record.issuer + "|" + time_key(record.not_after) + "|" + record.serial_hex;
}

}  // namespace lenscap::ca::check
