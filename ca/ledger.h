// The book of serials: what was about to be signed (intents) and what was issued, with indexes. Free functions over the
// store's transactions, so that the caller can put its own records into the same transaction.
//
// Guaranteed: a serial is taken once and for ever; an intent never disappears, it becomes a certificate or stays
// `possibly issued`. Not guaranteed: that an intent without certificate was not signed: after a crash nobody knows, so
// it counts as issued for every purpose of safety.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/x509/certificate.h"
#include "ca/issuer.h"
#include "store/store.h"

namespace lenscap::ca {

enum class CertificateStatus {
  possibly_issued,  // an intent without certificate: being signed at this moment, or lost in a crash
  issued,
};
std::string_view to_string(CertificateStatus status);  // "possibly issued", "issued"

struct CertificateRecord {
  std::string serial_hex;
  CertificateStatus status = CertificateStatus::possibly_issued;
  std::string reference;  // the caller's, opaque here; the ACME server writes the order's id
  std::string profile;
  std::string profile_hash;  // hex
  std::string issuer;        // hex key id of the issuing certificate
  std::string common_name;
  x509::NameSet names;
  std::string spki_hash;  // hex SHA-256
  std::string tbs_hash;   // hex SHA-256 of the octets that were to be signed
  Time not_before{};
  Time not_after{};
  Time recorded_at{};             // of the intent
  std::optional<Time> issued_at;  // when the certificate was recorded
  std::string fingerprint;        // hex SHA-256 of the certificate; empty until issued
};

// A clock that runs back more than this is not believed: refusing for a while costs less than certificates from the
// wrong year.
constexpr Seconds kClockStepBack{300};
// Refuses (Errc::unavailable, saying what to look at) when `now` lies more than kClockStepBack before `mark`.
Result<> check_clock(std::optional<Time> mark, Time now);
// The highest time that ever stood in an intent.
std::optional<Time> clock_mark(store::ReadTxn& txn);

// Reserves the serial, stores the to-be-signed octets and `reference`, and lifts the clock's mark. Refuses when the
// serial is taken (Errc::internal) or the clock has run back (Errc::unavailable). Call it before sign(), and sign only
// after the transaction is durable.
Result<> record_intent(store::WriteTxn& txn, Draft const& draft, std::string_view reference);

// Completes the intent with the certificate; the to-be-signed octets must be those of the intent (Errc::internal
// otherwise, also when there is no intent). Recording the same certificate again changes nothing.
Result<> record_issued(store::WriteTxn& txn, x509::Certificate const& certificate, Time now);

// Serials as lower-case hex without leading zeros octets, as x509::Certificate::serial_hex() gives them.
std::optional<CertificateRecord> find_by_serial(store::ReadTxn& txn, std::string_view serial_hex);
std::optional<x509::Certificate> find_certificate(store::ReadTxn& txn, std::string_view serial_hex);
// The octets of an intent that has no certificate yet.
std::optional<Bytes> find_intent_tbs(store::ReadTxn& txn, std::string_view serial_hex);

using RecordVisitor = std::function<bool(CertificateRecord const&)>;  // false stops

// Newest first, possibly issued ones among them.
void visit_newest(store::ReadTxn& txn, RecordVisitor const& visit);
// Intents without certificate, oldest first; those recorded after `before` are still being signed, perhaps.
void visit_possibly_issued(store::ReadTxn& txn, Time before, RecordVisitor const& visit);
// Issued certificates that end in [from, until], soonest first.
void visit_expiring(store::ReadTxn& txn, Time from, Time until, RecordVisitor const& visit);
// Issued certificates that hold exactly this name, oldest first.
void visit_by_name(store::ReadTxn& txn, x509::DnsName const& name, RecordVisitor const& visit);
void visit_by_name(store::ReadTxn& txn, x509::IpAddress const& address, RecordVisitor const& visit);
// Issued certificates for this key, oldest first.
void visit_by_key(store::ReadTxn& txn, x509::PublicKey const& key, RecordVisitor const& visit);

}  // namespace lenscap::ca
