#include "acme/server/revocation.h"

#include <algorithm>

#include "acme/server/records.h"
#include "ca/ledger_visits.h"

namespace lenscap::acme {
namespace {

// The end of the account's latest certificate for this name, if it has one that is not revoked.
std::optional<Time> latest_end(store::ReadTxn& txn, std::string_view account, Identifier const& identifier) {
  std::optional<Time> latest;
  auto const visit = [&](ca::CertificateRecord const& record) {
    if (record.subscriber == account && !record.revocation)
      latest = std::max(latest.value_or(record.not_after), record.not_after);
    return true;
  };
  if (identifier.dns() != nullptr) ca::visit_by_name(txn, *identifier.dns(), "", visit);
  if (identifier.ip() != nullptr) ca::visit_by_name(txn, *identifier.ip(), "", visit);
  return latest;
}

}  // namespace

Result<ca::CertificateRecord> revoke(store::WriteTxn& txn, std::string_view serial_hex,
                                     ca::Revocation const& revocation) {
  CHECK_OK(ca::record_revoked(txn, serial_hex, revocation));
  auto record = ca::find_by_serial(txn, serial_hex).value();
  free_names(txn, record);
  return record;
}

void free_names(store::WriteTxn& txn, ca::CertificateRecord const& record) {
  if (record.subscriber.empty()) return;
  for (auto const& identifier : to_identifiers(record.names))
    replace_live_name(txn, record.subscriber, identifier, latest_end(txn, record.subscriber, identifier));
}

}  // namespace lenscap::acme
