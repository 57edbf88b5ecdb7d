#include "acme/server/renewals.h"

#include <algorithm>

#include "acme/server/records.h"

namespace lenscap::acme {

std::optional<ca::CertificateRecord> find_issued(store::ReadTxn& txn, CertificateId const& id) {
  auto record = ca::find_by_serial(txn, id.serial_hex());
  bool const is_it = record && record->issuer == to_hex(id.key_id) && record->status == ca::CertificateStatus::issued;
  return is_it ? std::move(record) : std::nullopt;
}

std::optional<Time> not_trusted_since(ca::CertificateRecord const& record, ca::Authority const& authority) {
  auto since = record.revocation ? std::optional(record.revocation->at) : std::nullopt;
  for (auto const& each : authority.issuers())
    if (auto const& at = each.rule.revoked_at; at && each.id() == record.issuer)
      since = std::min(since.value_or(*at), *at);
  return since;
}

std::optional<Predecessor> load_predecessor(store::ReadTxn& txn, ca::Authority const& authority,
                                            std::string_view replaces, Time now) {
  auto const id = CertificateId::parse(replaces);
  if (!id) return std::nullopt;
  auto const record = find_issued(txn, *id);
  if (!record) return std::nullopt;
  Predecessor predecessor{.account_id = record->subscriber, .identifiers = to_identifiers(record->names)};
  predecessor.profile = record->profile;
  predecessor.not_before = record->not_before;
  predecessor.not_after = record->not_after;
  predecessor.revoked = not_trusted_since(*record, authority);
  if (auto order = load_replacing_order(txn, replaces)) {
    auto const current = expire_order(*std::move(order), now);
    if (current.status != OrderStatus::invalid) predecessor.replaced_by = current.id;  // 9773-5-4
  }
  return predecessor;
}

}  // namespace lenscap::acme
