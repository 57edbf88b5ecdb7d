// Lists of what the ledger (ledger.h) has, by each of its indexes. It changes nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ca/ledger.h"

namespace lenscap::ca {

using RecordVisitor = std::function<bool(CertificateRecord const&)>;  // false stops

// Each of these reads an index and the records that it shows, a page at a time. Where there is a `before` (or `after`),
// it is the serial of the record at which an earlier visit stopped; empty begins at the beginning.

// Newest first, possibly issued ones among them, and unknown ones that were revoked.
void visit_newest(store::ReadTxn& txn, std::string_view before, RecordVisitor const& visit);
// The same of those whose serial begins so, in lower-case hex.
void visit_by_serial(store::ReadTxn& txn, std::string_view prefix, std::string_view before, RecordVisitor const& visit);
// Those that are revoked, whoever issued them; of each issuer's, the ones that end last come first.
void visit_revoked_records(store::ReadTxn& txn, std::string_view before, RecordVisitor const& visit);
// Intents without certificate, oldest first, but for those that were not issued; those recorded after `before` are
// still being signed, perhaps.
void visit_possibly_issued(store::ReadTxn& txn, Time before, RecordVisitor const& visit);
// Issued certificates that end in [from, until], soonest first.
void visit_expiring(store::ReadTxn& txn, Time from, Time until, std::string_view after, RecordVisitor const& visit);
// Issued certificates that hold exactly this name, newest first.
void visit_by_name(store::ReadTxn& txn, x509::DnsName const& name, std::string_view before, RecordVisitor const& visit);
void visit_by_name(store::ReadTxn& txn, x509::IpAddress const& address, std::string_view before,
                   RecordVisitor const& visit);
// Issued certificates of this subscriber, newest first.
void visit_by_subscriber(store::ReadTxn& txn, std::string_view subscriber, std::string_view before,
                         RecordVisitor const& visit);
// Certificates for this key, issued and possibly issued, newest first.
void visit_by_key(store::ReadTxn& txn, x509::PublicKey const& key, RecordVisitor const& visit);
// The same by CertificateRecord::spki_hash.
void visit_by_key(store::ReadTxn& txn, std::string_view spki_hash, std::string_view before, RecordVisitor const& visit);

// What a CRL says of one certificate.
struct RevokedCertificate {
  std::string serial_hex;
  Time not_after{};
  Time revoked_at{};
  std::optional<x509::RevocationReason> reason;
};
// The revoked certificates of one issuer (CertificateRecord::issuer) that end at `ends_from` or later, soonest first;
// false stops. Reads an index alone, nothing else of the ledger. What is visited lives until the next visit.
void visit_revoked(store::ReadTxn& txn, std::string_view issuer, Time ends_from,
                   std::function<bool(RevokedCertificate const&)> const& visit);

}  // namespace lenscap::ca
