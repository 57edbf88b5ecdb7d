// Of ledger_check.h: the indexes of the ledger, against the records that they are made of.
#include <algorithm>
#include <map>
#include <set>

#include "ca/certified_moduli.h"
#include "ca/ledger_check.h"
#include "ca/ledger_findings.h"
#include "ca/ledger_tables.h"

namespace lenscap::ca {
namespace {

using namespace tables;
using namespace check;
using store::ReadTxn;
using store::Table;

std::vector<std::string> name_keys(CertificateRecord const& record) {
  std::vector<std::string> keys;
  for (auto const& name : record.names.dns) keys.push_back("d:" + name.text() + "|" + record.serial_hex);
  for (auto const& address : record.names.ip) keys.push_back("i:" + address.text() + "|" + record.serial_hex);
  return keys;
}

std::string key_key(CertificateRecord const& record) { return record.spki_hash + "|" + record.serial_hex; }
std::string end_key(CertificateRecord const& record) { return time_key(record.not_after) + "|" + record.serial_hex; }
std::string subscriber_key(CertificateRecord const& record) { return record.subscriber + "|" + record.serial_hex; }

// Sixteen digits, as the moduli are numbered.
std::string modulus_number(std::uint64_t number) {
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, number >>= 4)
    *digit = "0123456789abcdef"[number & 15];
  return text;
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

// Every RSA key that was certified since moduli are recorded has its own on record.
void check_modulus_of(ReadTxn& txn, CertificateRecord const& record, x509::Certificate const& certificate,
                      Findings const& report) {
  if (certificate.key().type() != x509::KeyType::rsa) return;
  auto const modulus = txn.get(kModuli, record.spki_hash);
  auto const since = moduli_since(txn);
  if (!modulus && (!since || record.recorded_at < *since)) return;
  if (modulus != std::string(as_text(certificate.key().rsa_numbers().modulus)))
    report({at(kRecords, record.serial_hex),
            "the modulus of its key is missing in " + std::string(kModuli.name) + ", or another's stands there",
            kLook});
}

void check_against_certificate(ReadTxn& txn, CertificateRecord const& record, std::string_view der,
                               Findings const& report) {
  auto const certificate = x509::Certificate::from_der(as_bytes(der));
  auto const say = [&](std::string_view what) {
    report({at(kRecords, record.serial_hex), "the record and the certificate differ: " + std::string(what), kLook});
  };
  if (!certificate.ok()) return say("the certificate cannot be read");
  if (certificate->names() != record.names) say("the names");
  if (to_hex(certificate->key().spki_hash()) != record.spki_hash) say("the key");
  if (certificate->not_before() != record.not_before || certificate->not_after() != record.not_after) say("the time");
  if (to_hex(certificate->authority_key_id()) != record.issuer) say("the issuer");
  check_modulus_of(txn, record, *certificate, report);
}

// Every modulus is one of a key that was to be certified, and they are numbered from 0 without a gap, each once.
void check_moduli(ReadTxn& txn, Findings const& report) {
  std::uint64_t moduli = 0, numbers = 0;
  txn.scan(kModuli, "", [&](std::string_view hash, std::string_view) {
    ++moduli;
    if (!is_certified(txn, hash)) report({at(kModuli, hash), "nothing was to be certified for this key", kLook});
    return true;
  });
  std::set<std::string, std::less<>> numbered;  // as many as there are RSA keys
  txn.scan(kModuliOrder, "", [&](std::string_view number, std::string_view hash) {
    if (number != modulus_number(numbers++))
      report({at(kModuliOrder, number), "it should be number " + std::to_string(numbers - 1), kLook});
    if (!txn.get(kModuli, hash)) report({at(kModuliOrder, number), "the modulus of this key is missing", kLook});
    if (!numbered.insert(std::string(hash)).second)
      report({at(kModuliOrder, number), "this key has a number already", kLook});
    return true;
  });
  if (moduli != numbers)
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
        check_against_certificate(txn, *record, *der, report);
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

}  // namespace lenscap::ca
