#include "ca/ledger_check.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/x509/der.h"
#include "ca/clock_mark.h"
#include "ca/gap.h"
#include "ca/ledger_findings.h"
#include "ca/ledger_tables.h"
#include "ca/ledger_visits.h"

namespace lenscap::ca {
namespace {

using namespace tables;
using namespace check;
using store::ReadTxn;
using store::Table;

constexpr char const* kRestore = "stop the service, keep a copy of the store, and restore a back-up";
constexpr char const* kStranger =
    "stop the service: the issuing key signed what nobody recorded; see who had access to the key, and revoke it";

std::string_view tbs_of_intent(std::string_view value) {
  auto const end = value.find('\n');
  return end == value.npos ? std::string_view() : value.substr(end + 1);
}

// The first part of Certificate ::= SEQUENCE { tbs, algorithm, signature }.
Result<Bytes> tbs_of_certificate(std::string_view der) {
  x509::der::Reader reader(as_bytes(der), Errc::malformed, "certificate");
  TRY(auto parts, reader.enter(x509::der::kSequence, "Certificate"));
  TRY(auto const tbs, parts.next(x509::der::kSequence, "TBSCertificate"));
  return to_bytes(as_text(tbs.whole));
}

Result<std::string> serial_of_tbs(ByteView tbs) {
  x509::der::Reader reader(tbs, Errc::malformed, "certificate");
  TRY(auto parts, reader.enter(x509::der::kSequence, "TBSCertificate"));
  if (parts.next_is(x509::der::context_constructed(0))) CHECK_OK(parts.next());
  TRY(auto const serial, parts.unsigned_integer("serialNumber"));
  return to_hex(serial);
}

std::string hash_of(std::string_view octets) { return to_hex(sha256(as_bytes(octets))); }

}  // namespace

namespace {

using Issuers = std::map<std::string, x509::PublicKey const*, std::less<>>;  // by CertificateRecord::issuer

void check_signature(Issuers const& issuers, CertificateRecord const& record, std::string_view der,
                     Findings const& report) {
  auto const issuer = issuers.find(record.issuer);
  if (issuer == issuers.end()) return;
  auto const certificate = x509::Certificate::from_der(as_bytes(der));
  if (certificate.ok() && certificate->is_signed_by(*issuer->second)) return;
  report({at(kCertificates, record.serial_hex), "its signature is not its issuer's", kRestore});
}

}  // namespace

void check_intents(ReadTxn& txn, std::vector<x509::Certificate> const& issuers, Findings const& report) {
  std::vector<x509::PublicKey> keys;
  keys.reserve(issuers.size());
  Issuers by_id;
  for (auto const& issuer : issuers) by_id[to_hex(issuer.subject_key_id())] = &keys.emplace_back(issuer.key());

  txn.scan(kIntents, "", [&](std::string_view serial, std::string_view value) {
    auto const record = record_of(txn, serial);
    if (record && hash_of(tbs_of_intent(value)) != record->tbs_hash)
      report({at(kIntents, serial), "the octets that were to be signed are not those that were recorded", kLook});
    return true;
  });
  txn.scan(kCertificates, "", [&](std::string_view serial, std::string_view der) {
    auto const record = record_of(txn, serial);
    auto const tbs = tbs_of_certificate(der);
    if (!record)
      report({at(kCertificates, serial), "a certificate without any record of an intent", kStranger});
    else if (tbs.ok() && to_hex(sha256(*tbs)) != record->tbs_hash)
      report({at(kCertificates, serial), "what was signed is not what its intent said", kStranger});
    else if (record->issued_at && *record->issued_at < record->recorded_at - kClockStepBack)
      report({at(kRecords, serial), "the certificate was recorded before its intent", kLook});
    else
      check_signature(by_id, *record, der, report);
    return true;
  });
}

namespace {

bool belongs_to(Table table, CertificateRecord const& record) {
  switch (record.status) {
    case CertificateStatus::possibly_issued:
      return table == kIntents;
    case CertificateStatus::not_issued:
      return table == kIntents && record.given_up_at.has_value();
    case CertificateStatus::issued:
      return table == kRecords && !record.given_up_at;
    case CertificateStatus::unknown:
      return table == kUnknown;
  }
  bug("unknown CertificateStatus");
}

// What a serial's record says of itself, in the table that it stands in.
void check_own_serial(ReadTxn& txn, Table table, std::string_view serial, Findings const& report) {
  try {
    auto const record = find_by_serial(txn, serial);
    if (!record || record->serial_hex != serial)
      report({at(table, serial), "the record is that of another serial number", kLook});
    else if (!belongs_to(table, *record))
      report({at(table, serial), "the record says that it is " + std::string(to_string(record->status)), kLook});
  } catch (store::Broken const& broken) {
    report({at(table, serial), broken.what(), kRestore});
  }
}

void check_signed_serial(Table table, std::string_view serial, Result<Bytes> const& tbs, Findings const& report) {
  auto const own = tbs.ok() ? serial_of_tbs(*tbs) : Result<std::string>(tbs.error());
  if (!own.ok())
    report({at(table, serial), "it cannot be read: " + own.error().detail(), kRestore});
  else if (*own != serial)
    report({at(table, serial), "it bears the serial number " + *own, kStranger});
}

}  // namespace

void check_serials(ReadTxn& txn, Findings const& report) {
  txn.scan(kIntents, "", [&](std::string_view serial, std::string_view value) {
    if (txn.get(kRecords, serial) || txn.get(kCertificates, serial) || txn.get(kUnknown, serial)) {
      report({at(kIntents, serial), "the serial number of an intent is that of a certificate too", kStranger});
      return true;
    }
    check_own_serial(txn, kIntents, serial, report);
    check_signed_serial(kIntents, serial, to_bytes(tbs_of_intent(value)), report);
    return true;
  });
  txn.scan(kRecords, "", [&](std::string_view serial, std::string_view) {
    check_own_serial(txn, kRecords, serial, report);
    return true;
  });
  txn.scan(kUnknown, "", [&](std::string_view serial, std::string_view) {
    if (txn.get(kRecords, serial) || txn.get(kCertificates, serial))
      report({at(kUnknown, serial), "a certificate that was revoked as unknown is on record as well", kLook});
    else if (!txn.get(kIntents, serial))
      check_own_serial(txn, kUnknown, serial, report);
    return true;
  });
  txn.scan(kCertificates, "", [&](std::string_view serial, std::string_view der) {
    check_signed_serial(kCertificates, serial, tbs_of_certificate(der), report);
    return true;
  });
}

void check_certificates(ReadTxn& txn, Findings const& report) {
  txn.scan(kRecords, "", [&](std::string_view serial, std::string_view) {
    auto const record = record_of(txn, serial);
    if (!record) return true;
    auto const der = txn.get(kCertificates, serial);
    if (!der)
      report({at(kRecords, serial), "it is issued, and the certificate is not there", kRestore});
    else if (hash_of(*der) != record->fingerprint)
      report({at(kCertificates, serial), "the certificate is not the one that was recorded", kRestore});
    return true;
  });
}

// --- revocation lists ---

namespace {

std::string_view issuer_of(std::string_view key) { return key.substr(0, key.find('|')); }

// The lists of each issuer that are in force, by what the last of them that was signed knew.
struct Lists {
  bool in_force = false;
  std::uint64_t revocations = 0;
  bool is_first = true;  // none was signed yet
  Time begun{};          // the last one, signed or not
};

// `living`: the issuers with certificates that have not ended. Lists of the others are of no use to anybody.
void check_lists(ReadTxn& txn, CrlPlan const& plan, std::set<std::string> const& living, Time now,
                 Findings const& report) {
  std::map<std::string, Lists> issuers;  // as many as the CA has issuers
  txn.scan(kCrls, "", [&](std::string_view key, std::string_view) {
    auto const issuer = std::string(issuer_of(key));
    auto& lists = issuers[issuer];
    auto const state = find_signed_crl(txn, issuer, key.substr(issuer.size() + 1));
    auto const begun = find_begun_crl(txn, issuer, key.substr(issuer.size() + 1));
    if (begun) lists.begun = std::max(lists.begun, begun->this_update);
    lists.is_first = lists.is_first && !state;
    if (!state || state->next_update <= now) return true;
    lists.revocations = lists.in_force ? std::min(lists.revocations, state->revocations) : state->revocations;
    lists.in_force = true;
    return true;
  });
  for (auto const& [issuer, lists] : issuers) {
    auto const what = at(kCrls, issuer);
    if (!lists.in_force && !living.contains(issuer)) continue;
    // A service that has just begun, or was stopped by a cut of power at that moment.
    if (lists.is_first && now < lists.begun + 2 * kMinute) continue;
    if (!lists.in_force) {
      report({what, "no revocation list of this issuer is in force",
              "start the service: it makes one at once, or its log says why it cannot"});
      continue;
    }
    if (count_revocations(txn, issuer) <= lists.revocations) continue;
    // Something was revoked since. That is right for as long as the next list may wait, and as long again; a minute,
    // where none is to wait, since a list that could not be made is tried again after that.
    auto const patience = 2 * std::max(plan.after_revocation, kMinute);
    std::uint64_t ought = 0;
    visit_revoked(txn, issuer, Time{}, [&](RevokedCertificate const& revoked) {
      ought += revoked.revoked_at + patience < now ? 1 : 0;
      return true;
    });
    if (ought > lists.revocations)
      report({what, std::to_string(ought - lists.revocations) + " certificates are revoked and in no list yet",
              "start the service, or look in its log for why it makes none"});
  }
}

}  // namespace

void check_revocations(ReadTxn& txn, CrlPlan const& plan, Time now, Findings const& report) {
  std::set<std::string> living;
  for (auto const home : {kIntents, kRecords, kUnknown})
    txn.scan(home, "", [&](std::string_view serial, std::string_view) {
      auto const record = record_of(txn, serial);
      if (!record || record->not_after < now) return true;
      living.insert(record->issuer);
      if (!record->revocation) return true;
      if (!txn.get(kRevoked, revoked_key(*record)))
        report({at(home, serial), "it is revoked, and stands not among what revocation lists are made of", kLook});
      return true;
    });
  check_lists(txn, plan, living, now, report);
}

void check_given_up(ReadTxn& txn, Time now, Findings const& report) {
  auto const restored = restored_at(txn);
  txn.scan(kIntents, "", [&](std::string_view serial, std::string_view) {
    auto const record = record_of(txn, serial);
    if (!record || !record->given_up_at || record->revocation || record->not_after < now) return true;
    bool const is_of_a_restore = restored && record->recorded_at <= *restored;
    if (record->status == CertificateStatus::possibly_issued && !is_of_a_restore)
      report({at(kIntents, serial), "it was possibly issued, nobody has it, and it is in no list",
              "reload the service, or start it: it revokes it"});
    return true;
  });
}

}  // namespace lenscap::ca
