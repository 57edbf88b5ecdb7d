#include "ca/signing_ledger_check.h"

#include "ca/ledger.h"

namespace lenscap::ca {

bool is_known(store::ReadTxn& txn, SignedEntry const& entry) {
  if (entry.kind != SignedEntry::Kind::certificate) return true;
  auto const record = find_by_serial(txn, entry.serial_hex);
  return record && (record->status == CertificateStatus::unknown || record->tbs_hash == entry.tbs_hash);
}

Result<std::vector<SignedEntry>> find_unknown(store::Store& store, std::string const& path) {
  std::vector<SignedEntry> unknown;
  Result<> read;
  store.read([&](store::ReadTxn& txn) {
    read = visit_signing_ledger(path, [&](SignedEntry const& entry) {
      if (!is_known(txn, entry)) unknown.push_back(entry);
    });
  });
  CHECK_OK(std::move(read));
  // The ledger may have gone on since that moment of the store.
  store.read([&](store::ReadTxn& txn) {
    std::erase_if(unknown, [&](SignedEntry const& entry) { return is_known(txn, entry); });
  });
  return unknown;
}

}  // namespace lenscap::ca
