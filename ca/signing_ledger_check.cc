#include "ca/signing_ledger_check.h"

#include "ca/ledger_visits.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "ca/clock_mark.h"
#include "ca/gap.h"

namespace lenscap::ca {

bool is_known(store::ReadTxn& txn, SignedEntry const& entry) {
  if (entry.kind != SignedEntry::Kind::certificate) return true;
  auto const record = find_by_serial(txn, entry.serial_hex);
  if (!record || (record->status == CertificateStatus::not_issued && !record->revocation)) return false;
  return record->status == CertificateStatus::unknown || record->tbs_hash == entry.tbs_hash;
}

Result<std::vector<SignedEntry>> find_unknown(store::Store& store, std::string const& path) {
  std::vector<SignedEntry> unknown;
  Result<> read;
  store.read([&](store::ReadTxn& txn) {
    read = visit_signing_ledger(path, [&](SignedEntry const& entry) {
      if (!is_known(txn, entry)) unknown.push_back(entry);
    });
  });
  CHECK_OK(std::move(read));
  // The ledger may have gone on since that moment of the store.
  store.read([&](store::ReadTxn& txn) {
    std::erase_if(unknown, [&](SignedEntry const& entry) { return is_known(txn, entry); });
  });
  return unknown;
}

// --- lines that are missing

namespace {

// Enough to tell hashes apart that nobody chooses.
std::uint64_t short_of(std::string_view tbs_hash) {
  constexpr std::size_t kDigits = 16;
  std::uint64_t value = 0;
  std::from_chars(tbs_hash.data(), tbs_hash.data() + std::min(tbs_hash.size(), kDigits), value, 16);
  return value;
}

// `is_there` tells whether the ledger has such a line; at most `looked_at` certificates are asked for.
MissingLines find_missing(store::ReadTxn& txn, std::function<bool(std::string const& tbs_hash)> const& is_there,
                          Time now, std::size_t looked_at, std::size_t kept) {
  MissingLines missing;
  auto const restored = restored_at(txn);
  visit_newest(txn, "", [&](CertificateRecord const& record) {
    bool const ought = record.status == CertificateStatus::issued && record.by_signer && record.not_after >= now &&
                       (!restored || record.recorded_at > *restored);
    if (!ought) return true;
    if (!is_there(record.tbs_hash) && missing.count++ < kept) missing.first.push_back(record);
    return --looked_at > 0;
  });
  return missing;
}

}  // namespace

Result<MissingLines> find_missing(store::Store& store, std::string const& path, Time now, std::size_t kept) {
  MissingLines missing;
  Result<> read;
  // The ledger is read after the moment of the store: what was issued by then stands in it.
  store.read([&](store::ReadTxn& txn) {
    std::vector<std::uint64_t> lines;
    read = visit_signing_ledger(path, [&](SignedEntry const& entry) {
      if (entry.kind == SignedEntry::Kind::certificate) lines.push_back(short_of(entry.tbs_hash));
    });
    if (!read) return;
    std::ranges::sort(lines);
    auto const is_there = [&](std::string const& hash) { return std::ranges::binary_search(lines, short_of(hash)); };
    missing = find_missing(txn, is_there, now, ~std::size_t{0}, kept);
  });
  CHECK_OK(std::move(read));
  return missing;
}

namespace {

std::set<std::string> hashes_of(RecentlySigned const& recent) {
  std::set<std::string> hashes;
  for (auto const& entry : recent.certificates) hashes.insert(entry.tbs_hash);
  return hashes;
}

}  // namespace

MissingLines find_missing_of_late(store::ReadTxn& txn, RecentlySigned const& recent, Time now) {
  // The signer tells of 2,000; some of them may have been signed and not recorded.
  constexpr std::size_t kLookedAt = 100;
  auto const hashes = hashes_of(recent);
  auto const is_there = [&](std::string const& hash) { return hashes.contains(hash); };
  return find_missing(txn, is_there, now, kLookedAt, kLookedAt);
}

// --- intents

Result<std::vector<OpenIntent>> find_open_intents(store::Store& store, std::string const& path) {
  std::vector<CertificateRecord> intents;
  store.read([&](store::ReadTxn& txn) {
    visit_possibly_issued(txn, Time::max(), [&](CertificateRecord const& record) {
      if (!record.revocation) intents.push_back(record);
      return true;
    });
  });
  std::set<std::string> wanted, hashes;
  for (auto const& intent : intents) wanted.insert(intent.tbs_hash);
  CHECK_OK(visit_signing_ledger(path, [&](SignedEntry const& entry) {
    if (wanted.contains(entry.tbs_hash)) hashes.insert(entry.tbs_hash);
  }));
  std::vector<OpenIntent> all;
  for (auto const& intent : intents) all.push_back({intent.serial_hex, hashes.contains(intent.tbs_hash)});
  return all;
}

std::string_view to_string(WasSigned was_signed) {
  switch (was_signed) {
    case WasSigned::yes:
      return "yes";
    case WasSigned::no:
      return "no";
    case WasSigned::unknown:
      return "unknown";
  }
  bug("unknown WasSigned");
}

SignedOfLate::SignedOfLate(store::ReadTxn& txn, RecentlySigned const& recent, Time now)
    : hashes_(hashes_of(recent)),
      restored_(restored_at(txn)),
      is_whole_(find_missing_of_late(txn, recent, now).count == 0) {
  if (recent.certificates.size() >= kRecent) reaches_back_to_ = recent.certificates.front().at;
}

WasSigned SignedOfLate::tell(CertificateRecord const& intent) const {
  if (hashes_.contains(intent.tbs_hash)) return WasSigned::yes;
  // A clock may step back so far without being disbelieved.
  bool const is_reached = !reaches_back_to_ || *reaches_back_to_ + kClockStepBack < intent.recorded_at;
  bool const is_of_here = !restored_ || intent.recorded_at > *restored_;
  return intent.by_signer && is_whole_ && is_reached && is_of_here ? WasSigned::no : WasSigned::unknown;
}

}  // namespace lenscap::ca
