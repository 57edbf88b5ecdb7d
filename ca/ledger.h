// The book of serials: what was about to be signed (intents), what was issued and what was revoked, with indexes. Free
// functions over the store's transactions, so that the caller can put its own records into the same transaction.
//
// Guaranteed: a serial is taken once and for ever; an intent never disappears, it becomes a certificate, or it is given
// up and stays `possibly issued` or `not issued`; a revocation is for good. Not guaranteed: that an intent without
// certificate was not signed: after a crash nobody knows, so it counts as issued for every purpose of safety, unless
// the signer's ledger rules it out (signing_ledger_check.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/x509/certificate.h"
#include "base/x509/revocation_reason.h"
#include "ca/issuer.h"
#include "store/store.h"

namespace lenscap::ca {

// Refuses (Errc::settings) a store whose ledger was kept in another form, by a program from before the first release:
// its revocations would not be seen.
Result<> check_form(store::ReadTxn& txn);

enum class CertificateStatus {
  possibly_issued,  // an intent without certificate: being signed at this moment, or lost in a crash
  not_issued,       // one that was lost, and of which the signer's ledger tells that it was never signed
  issued,
  unknown,  // not on record but for its revocation: record_unknown_revoked
};
std::string_view to_string(CertificateStatus status);  // "possibly issued", "not issued", "issued", "unknown"

struct Revocation {
  Time at{};
  std::optional<x509::RevocationReason> reason;  // none was given: a CRL entry without a code (8555-7.6-3)
  std::string by;                                // for people: who asked for it

  bool operator==(Revocation const&) const = default;
};

struct CertificateRecord {
  std::string serial_hex;
  CertificateStatus status = CertificateStatus::possibly_issued;
  std::string reference;   // the caller's, opaque here; the ACME server writes the order's id
  std::string subscriber;  // whose certificate it is, opaque here: the ACME account's id; empty for the CA's own
  std::string profile;
  std::string profile_hash;  // hex
  std::string issuer;        // hex key id of the issuing certificate
  std::string common_name;
  x509::NameSet names;
  std::string spki_hash;  // hex SHA-256
  std::string tbs_hash;   // hex SHA-256 of the octets that were to be signed
  Time not_before{};
  Time not_after{};
  Time recorded_at{};               // of the intent
  bool by_signer = false;           // to be signed by a process that keeps a ledger of its own (signing_ledger.h)
  std::optional<Time> given_up_at;  // of an intent: since when no certificate can come of it (give_up_intent)
  std::optional<Time> issued_at;    // when the certificate was recorded
  std::string fingerprint;          // hex SHA-256 of the certificate; empty until issued
  std::optional<Revocation> revocation;
};

// Reserves the serial, stores the to-be-signed octets, `reference` and `subscriber`, and lifts the clock's mark.
// Refuses when the serial is taken (Errc::internal), and when the clock has run back, a restore was not agreed to
// (gap.h), or, for a subscriber, the audit trail is broken (audit_break.h): Errc::unavailable. Call it before sign(),
// and sign only after the transaction is durable.
Result<> record_intent(store::WriteTxn& txn, Draft const& draft, std::string_view reference,
                       std::string_view subscriber = {});

// May this intent still be signed, and become a certificate? Errc::internal: there is none. Errc::conflict: it was
// given up. Errc::already_revoked: that was faster.
Result<> check_open_intent(store::ReadTxn& txn, std::string_view serial_hex);

// Completes the intent with the certificate; the to-be-signed octets must be those of the intent (Errc::internal
// otherwise). The refusals of check_open_intent. Recording the same certificate again changes nothing.
Result<> record_issued(store::WriteTxn& txn, x509::Certificate const& certificate, Time now);

// Whoever was to sign this intent is gone: from now on no certificate can come of it, however late. `as`:
// possibly_issued, or not_issued where the signer's ledger rules it out. The refusals of check_open_intent, but for a
// revocation, which stays.
Result<> give_up_intent(store::WriteTxn& txn, std::string_view serial_hex, CertificateStatus as, Time now);

// Revokes a certificate, or what was possibly issued, once and for all; by key_compromise its key, too, is never
// certified again (is_compromised). That reason takes the place of any other, as keys are found to be stolen
// afterwards; since when it is revoked stays. Errc::not_found: no such serial. Errc::already_revoked: since when.
Result<> record_revoked(store::WriteTxn& txn, std::string_view serial_hex, Revocation const& revocation);

// What record_revoked would change now, changing nothing; its refusals.
Result<CertificateRecord> find_revocable(store::ReadTxn& txn, std::string_view serial_hex,
                                         std::optional<x509::RevocationReason> reason);

// As record_revoked, of a serial that the ledger does not know: a certificate of before a restore, or one that was
// signed past it. Lists and OCSP tell of it as of any other; `until` is when it leaves the lists. Errc::conflict: the
// ledger knows the serial, so record_revoked is the way. Errc::already_revoked: since when.
Result<> record_unknown_revoked(store::WriteTxn& txn, std::string_view serial_hex, std::string_view issuer, Time until,
                                Revocation const& revocation);

// Serials as lower-case hex without leading zeros octets, as x509::Certificate::serial_hex() gives them.
std::optional<CertificateRecord> find_by_serial(store::ReadTxn& txn, std::string_view serial_hex);
std::optional<x509::Certificate> find_certificate(store::ReadTxn& txn, std::string_view serial_hex);
// The octets of an intent that has no certificate yet.
std::optional<Bytes> find_intent_tbs(store::ReadTxn& txn, std::string_view serial_hex);

// Was this certificate revoked, and when? Nothing also when there is no such serial.
std::optional<Revocation> find_revocation(store::ReadTxn& txn, std::string_view serial_hex);
// Was a certificate of this key revoked because the key is in wrong hands?
bool is_compromised(store::ReadTxn& txn, x509::PublicKey const& key);
// Is this the key of a certificate, or of one that is about to be signed?
bool is_certified(store::ReadTxn& txn, x509::PublicKey const& key);
bool is_certified(store::ReadTxn& txn, std::string_view spki_hash);  // hex

// Has this subscriber a certificate, or had one?
bool has_certificate(store::ReadTxn& txn, std::string_view subscriber);

// How many revocations of the issuer's certificates, and changes of their reasons, were recorded since this is counted:
// another number than last time means that lists have something else to say.
std::uint64_t count_revocations(store::ReadTxn& txn, std::string_view issuer);
// How many of these were changes of reasons.
std::uint64_t count_changed_reasons(store::ReadTxn& txn, std::string_view issuer);

}  // namespace lenscap::ca
