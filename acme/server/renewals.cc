#include "acme/server/renewals.h"

#include "acme/server/records.h"

namespace lenscap::acme {

std::optional<ca::CertificateRecord> find_issued(store::ReadTxn& txn, CertificateId const& id) {
  auto record = ca::find_by_serial(txn, id.serial_hex());
  bool const is_it = record && record->issuer == to_hex(id.key_id) && record->status == ca::CertificateStatus::issued;
  return is_it ? std::move(record) : std::nullopt;
}

std::optional<Time> revoked_at(ca::CertificateRecord const& record) {
  return record.revocation ? std::optional(record.revocation->at) : std::nullopt;
}

std::optional<Predecessor> load_predecessor(store::ReadTxn& txn, std::string_view replaces, Time now) {
  auto const id = CertificateId::parse(replaces);
  if (!id) return std::nullopt;
  auto const record = find_issued(txn, *id);
  if (!record) return std::nullopt;
  Predecessor predecessor{.account_id = record->subscriber, .identifiers = to_identifiers(record->names)};
  predecessor.profile = record->profile;
  predecessor.not_before = record->not_before;
  predecessor.not_after = record->not_after;
  predecessor.revoked = revoked_at(*record);
  if (auto order = load_replacing_order(txn, replaces)) {
    auto const current = expire_order(*std::move(order), now);
    if (current.status != OrderStatus::invalid) predecessor.replaced_by = current.id;  // 9773-5-4
  }
  return predecessor;
}

}  // namespace lenscap::acme
