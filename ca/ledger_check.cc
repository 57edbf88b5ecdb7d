#include "ca/ledger_check.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/x509/der.h"
#include "ca/certified_moduli.h"
#include "ca/clock_mark.h"
#include "ca/gap.h"
#include "ca/ledger_tables.h"
#include "ca/ledger_visits.h"

namespace lenscap::ca {
namespace {

using namespace tables;
using store::ReadTxn;
using store::Table;

constexpr char const* kRestore = "stop the service, keep a copy of the store, and restore a back-up";
constexpr char const* kLook =
    "stop the service, keep a copy of the store and of the log, and report it: this is a fault of lenscap";
constexpr char const* kStranger =
    "stop the service: the issuing key signed what nobody recorded; see who had access to the key, and revoke it";

std::string at(Table table, std::string_view key) { return std::string(table.name) + "/" + std::string(key); }

// Nothing where there is none, and where it cannot be read: check_serials tells of that.
std::optional<CertificateRecord> record_of(ReadTxn& txn, std::string_view serial) {
  try {
    return find_by_serial(txn, serial);
  } catch (store::Broken const&) {
    return std::nullopt;
  }
}

bool is_issued(std::optional<CertificateRecord> const& record) {
  return record && record->status == CertificateStatus::issued;
}

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

// --- indexes ---

namespace {

// Fixed width, as the ledger writes it.
std::string time_key(Time time) {
  std::string text(10, '0');
  auto seconds = static_cast<unsigned long long>(std::max(0LL, to_unix(time)));
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, seconds >>= 4)
    *digit = "0123456789abcdef"[seconds & 15];
  return text;
}

std::vector<std::string> name_keys(CertificateRecord const& record) {
  std::vector<std::string> keys;
  for (auto const& name : record.names.dns) keys.push_back("d:" + name.text() + "|" + record.serial_hex);
  for (auto const& address : record.names.ip) keys.push_back("i:" + address.text() + "|" + record.serial_hex);
  return keys;
}

std::string key_key(CertificateRecord const& record) { return record.spki_hash + "|" + record.serial_hex; }
std::string end_key(CertificateRecord const& record) { return time_key(record.not_after) + "|" + record.serial_hex; }
std::string subscriber_key(CertificateRecord const& record) { return record.subscriber + "|" + record.serial_hex; }
std::string revoked_key(CertificateRecord const& record) {
  return record.issuer + "|" + time_key(record.not_after) + "|" + record.serial_hex;
}

bool has_compromised_key(CertificateRecord const& record) {
  return record.revocation && record.revocation->reason == x509::RevocationReason::key_compromise;
}

// What the records want of each index. Where every wanted row is there, and there are no more rows than those, none is
// out of place, and nobody has to look at them one by one.
class Wanted {
 public:
  Wanted(ReadTxn& txn, Findings const& report) : txn_(txn), report_(report) {}

  void row(Table home, std::string_view serial, Table index, std::string const& key) {
    ++rows_[index.name];
    if (txn_.get(index, key)) return;
    missing_ = true;
    report_({at(home, serial), "its row in the index " + std::string(index.name) + " is missing", kLook});
  }
  bool is_all_of(Table index) const {
    std::size_t there = 0;
    txn_.scan(index, "", [&](std::string_view, std::string_view) { return ++there > 0; });
    auto const wanted = rows_.find(index.name);
    return !missing_ && there == (wanted == rows_.end() ? 0 : wanted->second);
  }

 private:
  ReadTxn& txn_;
  Findings const& report_;
  std::map<std::string_view, std::size_t> rows_;  // one for each index
  bool missing_ = false;
};

// The rows that a record must have.
void check_rows_of(Table home, CertificateRecord const& record, Wanted& wanted) {
  auto const need = [&](Table index, std::string const& key) { wanted.row(home, record.serial_hex, index, key); };
  need(kKeys, key_key(record));
  if (has_compromised_key(record)) need(kCompromised, record.spki_hash);
  if (home == kIntents) return;
  for (auto const& key : name_keys(record)) need(kNames, key);
  need(kEnds, end_key(record));
  if (!record.subscriber.empty()) need(kSubscribers, subscriber_key(record));
}

// What stands in an index and not in the record that it names. `is_of` tells whether the record has this row.
void check_index(ReadTxn& txn, Table index, bool of_intents,
                 std::function<bool(CertificateRecord const&, std::string_view key)> const& is_of,
                 Findings const& report) {
  txn.scan(index, "", [&](std::string_view key, std::string_view) {
    auto const record = record_of(txn, key.substr(key.rfind('|') + 1));
    if (!record || (!of_intents && !is_issued(record)) || !is_of(*record, key))
      report({at(index, key), "the index names a certificate that is not there or does not belong here", kLook});
    return true;
  });
}

void check_against_certificate(CertificateRecord const& record, std::string_view der, Findings const& report) {
  auto const certificate = x509::Certificate::from_der(as_bytes(der));
  auto const say = [&](std::string_view what) {
    report({at(kRecords, record.serial_hex), "the record and the certificate differ: " + std::string(what), kLook});
  };
  if (!certificate.ok()) return say("the certificate cannot be read");
  if (certificate->names() != record.names) say("the names");
  if (to_hex(certificate->key().spki_hash()) != record.spki_hash) say("the key");
  if (certificate->not_before() != record.not_before || certificate->not_after() != record.not_after) say("the time");
  if (to_hex(certificate->authority_key_id()) != record.issuer) say("the issuer");
}

// Every RSA key of a certificate has its modulus on record, and every modulus is one of a key that is to be certified.
void check_modulus_of(ReadTxn& txn, CertificateRecord const& record, std::string_view der, Findings const& report) {
  auto const certificate = x509::Certificate::from_der(as_bytes(der));
  if (!certificate.ok() || certificate->key().type() != x509::KeyType::rsa) return;
  if (txn.get(kModuli, record.spki_hash) != std::string(as_text(certificate->key().rsa_numbers().modulus)))
    report({at(kRecords, record.serial_hex),
            "the modulus of its key is missing in " + std::string(kModuli.name) + ", or another's stands there",
            kLook});
}

void check_moduli(ReadTxn& txn, Findings const& report) {
  std::uint64_t moduli = 0, numbers = 0;
  txn.scan(kModuli, "", [&](std::string_view hash, std::string_view) {
    ++moduli;
    if (!is_certified(txn, hash)) report({at(kModuli, hash), "nothing was to be certified for this key", kLook});
    return true;
  });
  txn.scan(kModuliOrder, "", [&](std::string_view number, std::string_view hash) {
    ++numbers;
    if (!txn.get(kModuli, hash)) report({at(kModuliOrder, number), "the modulus of this key is missing", kLook});
    return true;
  });
  if (moduli != numbers || numbers != count_moduli(txn))
    report({std::string(kModuliOrder.name),
            "it numbers " + std::to_string(numbers) + " keys, and there are the moduli of " + std::to_string(moduli),
            kLook});
}

// What a list says of a certificate is what its record says: a list is made of these rows alone.
void check_revocation_values(ReadTxn& txn, Findings const& report) {
  txn.scan(kRevoked, "", [&](std::string_view key, std::string_view value) {
    auto const record = record_of(txn, key.substr(key.rfind('|') + 1));
    if (!record || !record->revocation || revoked_key(*record) != key) return true;  // another check tells of it
    auto expected = time_key(record->revocation->at);
    if (auto const reason = record->revocation->reason)
      expected += "0123456789abcdef"[static_cast<std::size_t>(*reason)];
    if (value != expected)
      report({at(kRevoked, key), "lists would tell another time or reason of this revocation than its record", kLook});
    return true;
  });
}

// The number of revocations that lists go by, against the rows that there are.
void check_counts(ReadTxn& txn, Findings const& report) {
  std::map<std::string, std::uint64_t> rows;  // one for each issuer
  txn.scan(kRevoked, "", [&](std::string_view key, std::string_view) {
    ++rows[std::string(key.substr(0, key.find('|')))];
    return true;
  });
  constexpr std::string_view kPrefix = "revocations|";
  store::scan_prefix(txn, kState, kPrefix, [&](std::string_view key, std::string_view) {
    rows.try_emplace(std::string(key.substr(kPrefix.size())), 0);
    return true;
  });
  for (auto const& [issuer, count] : rows)
    if (auto const counted = count_revocations(txn, issuer) - count_changed_reasons(txn, issuer); counted != count)
      report({at(kState, std::string(kPrefix) + issuer),
              "the revocations of this issuer are " + std::to_string(count) + ", and counted as " +
                  std::to_string(counted),
              kLook});
}

}  // namespace

void check_ledger_indexes(ReadTxn& txn, Findings const& report) {
  Wanted wanted(txn, report);
  for (auto const home : {kIntents, kRecords})
    txn.scan(home, "", [&](std::string_view serial, std::string_view) {
      auto record = record_of(txn, serial);
      if (!record) return true;
      record->serial_hex = serial;  // its place counts here, whatever it says
      check_rows_of(home, *record, wanted);
      if (home == kIntents) return true;
      if (auto const der = txn.get(kCertificates, serial)) {
        check_against_certificate(*record, *der, report);
        check_modulus_of(txn, *record, *der, report);
      }
      return true;
    });
  auto const check = [&](Table index, bool of_intents, auto const& is_of) {
    if (!wanted.is_all_of(index)) check_index(txn, index, of_intents, is_of, report);
  };
  check(kNames, false, [](CertificateRecord const& record, std::string_view key) {
    auto const keys = name_keys(record);
    return std::ranges::find(keys, key) != keys.end();
  });
  check(kKeys, true, [](CertificateRecord const& record, std::string_view key) { return key_key(record) == key; });
  check(kEnds, false, [](CertificateRecord const& record, std::string_view key) { return end_key(record) == key; });
  check(kSubscribers, false,
        [](CertificateRecord const& record, std::string_view key) { return subscriber_key(record) == key; });
  check(kRevoked, true, [](CertificateRecord const& record, std::string_view key) {
    return record.revocation && revoked_key(record) == key;
  });
  txn.scan(kCompromised, "", [&](std::string_view spki_hash, std::string_view serial) {
    auto const record = record_of(txn, serial);
    if (!record || record->spki_hash != spki_hash || !has_compromised_key(*record))
      report({at(kCompromised, spki_hash), "no certificate of this key was revoked because of the key", kLook});
    return true;
  });
  check_revocation_values(txn, report);
  check_counts(txn, report);
  check_moduli(txn, report);
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
