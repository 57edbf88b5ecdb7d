#include "ca/ledger_visits.h"

#include <algorithm>
#include <functional>

#include "ca/ledger_records.h"
#include "ca/ledger_tables.h"

namespace lenscap::ca {
namespace {

using namespace tables;

CertificateRecord load_record(store::ReadTxn& txn, std::string const& serial) {
  auto record = find_by_serial(txn, serial);
  if (!record) throw store::Broken("the ledger has no record " + serial + " though an index names it");
  return *std::move(record);
}

// The serial at the end of an index key.
std::string serial_of(std::string_view index_key) { return std::string(index_key.substr(index_key.rfind('|') + 1)); }

// A page at a time, so that a visitor may read from the same transaction and the memory stays small however much there
// is.
constexpr std::size_t kPage = 64;

struct Cursor {
  std::string at = {};  // where the page begins, or ends where it goes down
  bool ended = false;
};

// The serials of an index below `prefix`, newest first, from the one before `cursor`.
std::vector<std::string> page_down(store::ReadTxn& txn, store::Table table, std::string const& prefix, Cursor& cursor) {
  std::vector<std::string> serials;
  store::scan_prefix_down(txn, table, prefix, cursor.at, [&](std::string_view key, std::string_view) {
    serials.push_back(serial_of(key));
    return serials.size() < kPage;
  });
  cursor.ended = serials.size() < kPage;
  if (!serials.empty()) cursor.at = serials.back();
  return serials;
}

void visit_index_down(store::ReadTxn& txn, store::Table table, std::string const& prefix, std::string_view before,
                      RecordVisitor const& visit) {
  Cursor cursor{.at = std::string(before)};
  while (!cursor.ended)
    for (std::string const& serial : page_down(txn, table, prefix, cursor))
      if (!visit(load_record(txn, serial))) return;
}

std::vector<std::string> serials_down(store::ReadTxn& txn, store::Table table, std::string_view before) {
  std::vector<std::string> serials;
  txn.scan_down(table, before, [&](std::string_view serial, std::string_view) {
    serials.emplace_back(serial);
    return serials.size() < kPage;
  });
  return serials;
}

}  // namespace

void visit_newest(store::ReadTxn& txn, std::string_view before, RecordVisitor const& visit) {
  // Three tables with one order. All are known down to the last serial of the page that ends first.
  for (std::string at(before);;) {
    std::vector<std::string> page;
    std::string known_from;
    for (auto const table : {kRecords, kIntents, kUnknown}) {
      auto const some = serials_down(txn, table, at);
      if (some.size() == kPage) known_from = std::max(known_from, some.back());
      page.insert(page.end(), some.begin(), some.end());
    }
    std::erase_if(page, [&](std::string const& serial) { return serial < known_from; });
    std::ranges::sort(page, std::greater<>());
    for (std::string const& serial : page)
      if (!visit(load_record(txn, serial))) return;
    if (known_from.empty()) return;
    at = known_from;
  }
}

void visit_by_serial(store::ReadTxn& txn, std::string_view prefix, std::string_view before,
                     RecordVisitor const& visit) {
  // Behind all that begin so: no digit comes after 'f'.
  auto const end = std::string(prefix) + 'g';
  visit_newest(txn, before.empty() ? end : before,
               [&](CertificateRecord const& record) { return record.serial_hex.starts_with(prefix) && visit(record); });
}

void visit_revoked_records(store::ReadTxn& txn, std::string_view before, RecordVisitor const& visit) {
  std::string at;
  if (auto const last = find_by_serial(txn, before)) at = records::revoked_key(*last);
  for (bool more = true; more;) {
    std::vector<std::string> keys;
    txn.scan_down(kRevoked, at, [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return keys.size() < kPage;
    });
    more = keys.size() == kPage;
    if (more) at = keys.back();
    for (std::string const& key : keys)
      if (!visit(load_record(txn, serial_of(key)))) return;
  }
}

void visit_possibly_issued(store::ReadTxn& txn, Time before, RecordVisitor const& visit) {
  // Those that are being signed, and what crashes have left: never many.
  std::vector<CertificateRecord> records;
  txn.scan(kIntents, "", [&](std::string_view serial, std::string_view value) {
    auto record = records::read(serial, records::record_of_intent(value));
    if (record.recorded_at < before && record.status == CertificateStatus::possibly_issued)
      records.push_back(std::move(record));
    return true;
  });
  for (auto const& record : records)
    if (!visit(record)) return;
}

void visit_expiring(store::ReadTxn& txn, Time from, Time until, std::string_view after, RecordVisitor const& visit) {
  std::string const end = records::time_key(until + Seconds(1));
  // The key behind a given one, in byte order, is the same with an octet more.
  std::string at = records::time_key(from);
  if (auto const last = find_by_serial(txn, after))
    at = records::time_key(last->not_after) + "|" + last->serial_hex + '\x01';
  for (bool more = true; more;) {
    std::vector<std::string> serials;
    txn.scan(kEnds, at, [&](std::string_view key, std::string_view) {
      if (key >= end) return false;
      serials.push_back(serial_of(key));
      at = std::string(key) + '\x01';
      return serials.size() < kPage;
    });
    more = serials.size() == kPage;
    for (std::string const& serial : serials)
      if (!visit(load_record(txn, serial))) return;
  }
}

void visit_by_name(store::ReadTxn& txn, x509::DnsName const& name, std::string_view before,
                   RecordVisitor const& visit) {
  visit_index_down(txn, kNames, records::name_prefix(name), before, visit);
}

void visit_by_name(store::ReadTxn& txn, x509::IpAddress const& address, std::string_view before,
                   RecordVisitor const& visit) {
  visit_index_down(txn, kNames, records::name_prefix(address), before, visit);
}

void visit_by_subscriber(store::ReadTxn& txn, std::string_view subscriber, std::string_view before,
                         RecordVisitor const& visit) {
  visit_index_down(txn, kSubscribers, std::string(subscriber) + "|", before, visit);
}

void visit_by_key(store::ReadTxn& txn, x509::PublicKey const& key, RecordVisitor const& visit) {
  visit_by_key(txn, to_hex(key.spki_hash()), "", visit);
}

void visit_by_key(store::ReadTxn& txn, std::string_view spki_hash, std::string_view before,
                  RecordVisitor const& visit) {
  visit_index_down(txn, kKeys, std::string(spki_hash) + "|", before, visit);
}

void visit_revoked(store::ReadTxn& txn, std::string_view issuer, Time ends_from,
                   std::function<bool(RevokedCertificate const&)> const& visit) {
  auto const prefix = std::string(issuer) + "|";
  RevokedCertificate revoked;  // one for all: its memory is kept from entry to entry
  txn.scan(kRevoked, prefix + records::time_key(ends_from), [&](std::string_view key, std::string_view value) {
    if (!key.starts_with(prefix)) return false;
    revoked.serial_hex = key.substr(key.rfind('|') + 1);
    revoked.not_after = records::time_of_key(key.substr(prefix.size()));
    if (!records::read_revoked_value(value, revoked))
      throw store::Broken("the revocation " + std::string(key) + " cannot be read");
    return visit(revoked);
  });
}

}  // namespace lenscap::ca
