#include "ca/ledger.h"

#include <algorithm>
#include <charconv>

#include "ca/audit.h"
#include "ca/audit_break.h"
#include "ca/certified_moduli.h"
#include "ca/clock_mark.h"
#include "ca/gap.h"
#include "ca/ledger_records.h"
#include "ca/ledger_tables.h"

namespace lenscap::ca {
namespace {

using namespace tables;

// Ledgers had them while serials did not rise with time, and while the index of revocations held JSON.
constexpr std::string_view kFormerTables[] = {"ca_serials", "ca_revoked"};

}  // namespace

std::string_view to_string(CertificateStatus status) {
  switch (status) {
    case CertificateStatus::possibly_issued:
      return "possibly issued";
    case CertificateStatus::not_issued:
      return "not issued";
    case CertificateStatus::issued:
      return "issued";
    case CertificateStatus::unknown:
      return "unknown";
  }
  bug("unknown CertificateStatus");
}

// --- writing ---

Result<> record_intent(store::WriteTxn& txn, Draft const& draft, std::string_view reference,
                       std::string_view subscriber) {
  if (draft.tbs().empty()) bug("an intent for a draft that is used up");
  CHECK_OK(check_no_gap(txn));
  // What nobody subscribed to is the service's own: without it nothing could be revoked, and no OCSP answer signed.
  if (!subscriber.empty()) CHECK_OK(check_no_audit_break(txn));
  CHECK_OK(check_clock(clock_mark(txn), draft.prepared_at()));
  std::string const serial = draft.serial_hex();
  if (txn.get(kIntents, serial) || txn.get(kRecords, serial) || txn.get(kUnknown, serial))
    return Error(Errc::internal, "the serial number " + serial + " is taken; nothing was signed");

  Template const& what = draft.what();
  CertificateRecord record{.serial_hex = serial,
                           .status = CertificateStatus::possibly_issued,
                           .reference = std::string(reference),
                           .subscriber = std::string(subscriber),
                           .profile = draft.profile(),
                           .profile_hash = to_hex(draft.profile_hash()),
                           .issuer = to_hex(what.authority_key_id),
                           .common_name = what.common_name,
                           .names = what.names,
                           .spki_hash = to_hex(what.key.spki_hash()),
                           .tbs_hash = to_hex(sha256(draft.tbs())),
                           .not_before = what.not_before,
                           .not_after = what.not_after,
                           .recorded_at = draft.prepared_at(),
                           .by_signer = draft.is_for_signer(),
                           .given_up_at = {},
                           .issued_at = {},
                           .fingerprint = {},
                           .revocation = {}};
  txn.put(kIntents, serial, records::intent(record, as_text(draft.tbs())));
  txn.put(kKeys, record.spki_hash + "|" + serial, "");  // from now on: who takes it for another purpose has to see it
  record_modulus(txn, what.key, draft.prepared_at());
  lift_clock_mark(txn, draft.prepared_at());
  return {};
}

namespace {

Error no_intent(std::string_view serial) {
  return {Errc::internal, "there is no intent of the certificate " + std::string(serial)};
}

Result<> check_not_given_up(CertificateRecord const& intent) {
  if (!intent.given_up_at) return {};
  return Error(Errc::conflict, "the intent of the certificate " + intent.serial_hex + " was given up at " +
                                   to_rfc3339(*intent.given_up_at));
}

Result<> check_open(CertificateRecord const& intent) {
  CHECK_OK(check_not_given_up(intent));
  if (!intent.revocation) return {};
  return Error(Errc::already_revoked, "the certificate was revoked at " + to_rfc3339(intent.revocation->at) +
                                          ", before it was made; order another one");
}

}  // namespace

Result<> check_open_intent(store::ReadTxn& txn, std::string_view serial_hex) {
  auto const intent = txn.get(kIntents, serial_hex);
  if (!intent) return no_intent(serial_hex);
  return check_open(records::read(serial_hex, records::record_of_intent(*intent)));
}

Result<> give_up_intent(store::WriteTxn& txn, std::string_view serial_hex, CertificateStatus as, Time now) {
  if (as != CertificateStatus::possibly_issued && as != CertificateStatus::not_issued)
    bug("an intent that is given up as something else");
  auto const intent = txn.get(kIntents, serial_hex);
  if (!intent) return no_intent(serial_hex);
  auto record = records::read(serial_hex, records::record_of_intent(*intent));
  CHECK_OK(check_not_given_up(record));
  record.status = as;
  record.given_up_at = now;
  txn.put(kIntents, serial_hex, records::intent(record, records::tbs_of_intent(*intent)));
  return {};
}

Result<> record_issued(store::WriteTxn& txn, x509::Certificate const& certificate, Time now) {
  std::string const serial = certificate.serial_hex();
  if (auto const known = txn.get(kCertificates, serial)) {
    if (*known == as_text(certificate.der())) return {};
    return Error(Errc::internal, "another certificate with the serial number " + serial + " is recorded already");
  }
  auto const intent = txn.get(kIntents, serial);
  if (!intent) return Error(Errc::internal, "the certificate " + serial + " was signed without a recorded intent");
  if (records::tbs_of_intent(*intent) != as_text(certificate.tbs()))
    return Error(Errc::internal, "the certificate " + serial + " is not what its intent said");

  auto record = records::read(serial, records::record_of_intent(*intent));
  CHECK_OK(check_open(record));
  record.status = CertificateStatus::issued;
  record.issued_at = now;
  record.fingerprint = to_hex(certificate.fingerprint());
  txn.erase(kIntents, serial);
  txn.put(kRecords, serial, records::to_json(record));
  txn.put(kCertificates, serial, as_text(certificate.der()));
  for (x509::DnsName const& name : record.names.dns) txn.put(kNames, records::name_prefix(name) + serial, "");
  for (x509::IpAddress const& address : record.names.ip) txn.put(kNames, records::name_prefix(address) + serial, "");
  txn.put(kEnds, records::time_key(record.not_after) + "|" + serial, "");
  if (!record.subscriber.empty()) txn.put(kSubscribers, record.subscriber + "|" + serial, "");
  append_audit(txn, {.at = now,
                     .event = AuditEvent::certificate_issued,
                     .actor = record.subscriber.empty() ? "server" : "account " + record.subscriber,
                     .subject = serial,
                     .rule = "profile " + record.profile,
                     .detail = record.names.text()});
  return {};
}

namespace {

std::string revocations_key(std::string_view issuer) { return "revocations|" + std::string(issuer); }
std::string changed_reasons_key(std::string_view issuer) { return "changed_reasons|" + std::string(issuer); }

std::uint64_t count_at(store::ReadTxn& txn, std::string const& key) {
  auto const text = txn.get(kState, key);
  std::uint64_t count = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), count);
  return count;
}

void count_one_more(store::WriteTxn& txn, std::string const& key) {
  txn.put(kState, key, std::to_string(count_at(txn, key) + 1));
}

}  // namespace

std::uint64_t count_changed_reasons(store::ReadTxn& txn, std::string_view issuer) {
  return count_at(txn, changed_reasons_key(issuer));
}

std::uint64_t count_revocations(store::ReadTxn& txn, std::string_view issuer) {
  return count_at(txn, revocations_key(issuer)) + count_changed_reasons(txn, issuer);
}

namespace {

// For who reads the audit trail.
std::string what_was_revoked(CertificateRecord const& record) {
  switch (record.status) {
    case CertificateStatus::unknown:
      return "not on record";
    case CertificateStatus::issued:
      return record.names.text();
    case CertificateStatus::possibly_issued:
    case CertificateStatus::not_issued:
      return std::string(to_string(record.status)) + ": " + record.names.text();
  }
  bug("unknown CertificateStatus");
}

// All that a revocation is beside the record itself. `counter`: what it is one more of.
void write_revoked(store::WriteTxn& txn, CertificateRecord const& record, std::string const& counter) {
  auto const& revocation = record.revocation.value();
  txn.put(kRevoked, records::revoked_key(record), records::revoked_value(revocation));
  count_one_more(txn, counter);
  bool const is_of_key = revocation.reason == x509::RevocationReason::key_compromise;
  if (is_of_key && !record.spki_hash.empty()) txn.put(kCompromised, record.spki_hash, record.serial_hex);
  append_audit(txn, {.at = revocation.at,
                     .event = AuditEvent::certificate_revoked,
                     .actor = revocation.by,
                     .subject = record.serial_hex,
                     .rule = revocation.reason ? "reason " + std::string(x509::to_string(*revocation.reason)) : "",
                     .detail = what_was_revoked(record)});
}

// What is found out about a key afterwards is worth a second word; nothing else is.
Result<> check_is_worse(Revocation const& before, std::optional<x509::RevocationReason> now) {
  constexpr auto kWorst = x509::RevocationReason::key_compromise;
  if (now == kWorst && before.reason != kWorst) return {};
  return Error(Errc::already_revoked, "this certificate was revoked at " + to_rfc3339(before.at));
}

}  // namespace

Result<CertificateRecord> find_revocable(store::ReadTxn& txn, std::string_view serial_hex,
                                         std::optional<x509::RevocationReason> reason) {
  auto found = find_by_serial(txn, serial_hex);
  if (!found) return Error(Errc::not_found, "there is no certificate with serial " + std::string(serial_hex));
  if (found->revocation) CHECK_OK(check_is_worse(*found->revocation, reason));
  return *std::move(found);
}

Result<> record_revoked(store::WriteTxn& txn, std::string_view serial_hex, Revocation const& revocation) {
  TRY(auto record, find_revocable(txn, serial_hex, revocation.reason));
  bool const is_again = record.revocation.has_value();
  if (is_again) {
    record.revocation->reason = revocation.reason;  // since when stays
    record.revocation->by = revocation.by;
  } else {
    record.revocation = revocation;
  }
  auto const& serial = record.serial_hex;
  if (record.status == CertificateStatus::unknown)
    txn.put(kUnknown, serial, records::to_json(record));
  else if (auto const intent = txn.get(kIntents, serial))
    txn.put(kIntents, serial, records::intent(record, records::tbs_of_intent(*intent)));
  else
    txn.put(kRecords, serial, records::to_json(record));
  write_revoked(txn, record, is_again ? changed_reasons_key(record.issuer) : revocations_key(record.issuer));
  return {};
}

Result<> record_unknown_revoked(store::WriteTxn& txn, std::string_view serial_hex, std::string_view issuer, Time until,
                                Revocation const& revocation) {
  if (!records::is_key(serial_hex)) return Error(Errc::not_found, std::string(serial_hex) + " is no serial number");
  if (auto const found = find_by_serial(txn, serial_hex)) {
    if (found->revocation)
      return Error(Errc::already_revoked, "this certificate was revoked at " + to_rfc3339(found->revocation->at));
    return Error(Errc::conflict,
                 "the certificate " + std::string(serial_hex) + " is on record: revoke it as one that is known");
  }
  CertificateRecord record;
  record.serial_hex = serial_hex;
  record.status = CertificateStatus::unknown;
  record.issuer = issuer;
  record.not_before = record.recorded_at = revocation.at;
  record.not_after = until;
  record.revocation = revocation;
  txn.put(kUnknown, serial_hex, records::to_json(record));
  write_revoked(txn, record, revocations_key(record.issuer));
  return {};
}

// --- reading ---

Result<> check_form(store::ReadTxn& txn) {
  auto const tables = txn.tables();
  if (std::ranges::find_first_of(tables, kFormerTables) == tables.end()) return {};
  return Error(Errc::settings,
               "the store was written by a lenscap of before the first release, and its certificates and revocations "
               "cannot be read; make a new state folder with lenscap-ca init, and enrol again");
}

std::optional<CertificateRecord> find_by_serial(store::ReadTxn& txn, std::string_view serial_hex) {
  if (!records::is_key(serial_hex)) return std::nullopt;
  if (auto const record = txn.get(kRecords, serial_hex)) return records::read(serial_hex, *record);
  if (auto const intent = txn.get(kIntents, serial_hex))
    return records::read(serial_hex, records::record_of_intent(*intent));
  if (auto const unknown = txn.get(kUnknown, serial_hex)) return records::read(serial_hex, *unknown);
  return std::nullopt;
}

std::optional<x509::Certificate> find_certificate(store::ReadTxn& txn, std::string_view serial_hex) {
  if (!records::is_key(serial_hex)) return std::nullopt;
  auto const der = txn.get(kCertificates, serial_hex);
  if (!der) return std::nullopt;
  auto certificate = x509::Certificate::of_ours(to_bytes(*der));
  if (!certificate.ok()) throw store::Broken("the ledger's certificate " + std::string(serial_hex) + " cannot be read");
  return *std::move(certificate);
}

std::optional<Bytes> find_intent_tbs(store::ReadTxn& txn, std::string_view serial_hex) {
  if (!records::is_key(serial_hex)) return std::nullopt;
  auto const intent = txn.get(kIntents, serial_hex);
  if (!intent) return std::nullopt;
  return to_bytes(records::tbs_of_intent(*intent));
}

std::optional<Revocation> find_revocation(store::ReadTxn& txn, std::string_view serial_hex) {
  auto record = find_by_serial(txn, serial_hex);
  return record ? std::move(record->revocation) : std::nullopt;
}

bool is_compromised(store::ReadTxn& txn, x509::PublicKey const& key) {
  return txn.get(kCompromised, to_hex(key.spki_hash())).has_value();
}

bool is_certified(store::ReadTxn& txn, x509::PublicKey const& key) {
  return is_certified(txn, to_hex(key.spki_hash()));
}

bool is_certified(store::ReadTxn& txn, std::string_view spki_hash) {
  bool found = false;
  store::scan_prefix(txn, kKeys, std::string(spki_hash) + "|", [&](std::string_view, std::string_view) {
    found = true;
    return false;
  });
  return found;
}

bool has_certificate(store::ReadTxn& txn, std::string_view subscriber) {
  bool found = false;
  store::scan_prefix(txn, kSubscribers, std::string(subscriber) + "|", [&](std::string_view, std::string_view) {
    found = true;
    return false;
  });
  return found;
}

}  // namespace lenscap::ca
