#include "ca/ledger.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include "base/json.h"
#include "ca/audit.h"
#include "ca/gap.h"
#include "ca/ledger_tables.h"

namespace lenscap::ca {
namespace {

using namespace tables;

// Ledgers had them while serials did not rise with time, and while the index of revocations held JSON.
constexpr std::string_view kFormerTables[] = {"ca_serials", "ca_revoked"};

constexpr std::size_t kTimeCharacters = 10;

constexpr std::string_view kDigits = "0123456789abcdef";

// Fixed width, so that byte order is the order of time.
std::string time_key(Time time) {
  auto seconds = static_cast<unsigned long long>(std::max(0LL, to_unix(time)));
  std::string text(kTimeCharacters, '0');
  for (std::size_t i = kTimeCharacters; i > 0; --i, seconds >>= 4) text[i - 1] = kDigits[seconds & 15];
  return text;
}

Time time_of_key(std::string_view key) {
  long long seconds = 0;
  std::from_chars(key.data(), key.data() + std::min(key.size(), kTimeCharacters), seconds, 16);
  return from_unix(seconds);
}

// --- records as JSON ---

constexpr int kVersion = 1;

json::Object to_json(Revocation const& revocation) {
  json::Object object{{"at", to_unix(revocation.at)}, {"by", revocation.by}};
  if (revocation.reason) object.set("reason", static_cast<int>(*revocation.reason));
  return object;
}

Result<Revocation> read_revocation(json::Object const& object) {
  Revocation revocation;
  TRY(auto at, json::need_int(object, "at"));
  revocation.at = from_unix(at);
  TRY(auto by, json::get_string(object, "by"));
  revocation.by = std::move(by).value_or("");
  TRY(auto reason, json::get_int(object, "reason"));
  if (!reason) return revocation;
  revocation.reason = x509::revocation_reason_of(*reason);
  if (!revocation.reason) return Error(Errc::malformed, "reason " + std::to_string(*reason));
  return revocation;
}

std::string to_json(CertificateRecord const& record) {
  json::Array dns;
  for (x509::DnsName const& name : record.names.dns) dns.emplace_back(name.text());
  json::Array ip;
  for (x509::IpAddress const& address : record.names.ip) ip.emplace_back(address.text());
  json::Object object{{"v", kVersion},
                      {"serial", record.serial_hex},
                      {"status", record.status == CertificateStatus::issued ? "issued" : "possibly_issued"},
                      {"reference", record.reference},
                      {"subscriber", record.subscriber},
                      {"profile", record.profile},
                      {"profile_hash", record.profile_hash},
                      {"issuer", record.issuer},
                      {"common_name", record.common_name},
                      {"dns", dns},
                      {"ip", ip},
                      {"spki_hash", record.spki_hash},
                      {"tbs_hash", record.tbs_hash},
                      {"not_before", to_unix(record.not_before)},
                      {"not_after", to_unix(record.not_after)},
                      {"recorded_at", to_unix(record.recorded_at)}};
  if (record.issued_at) {
    object.set("issued_at", to_unix(*record.issued_at));
    object.set("fingerprint", record.fingerprint);
  }
  if (record.revocation) object.set("revocation", to_json(*record.revocation));
  return json::write(object);
}

Result<CertificateRecord> parse_record(std::string_view text) {
  constexpr std::size_t kRecordBytesMax = 256 * 1024;  // a hundred names of 253 characters are far below
  TRY(auto object, json::parse_object(text, {.bytes = kRecordBytesMax, .depth = 4, .members = 512}));
  TRY(auto version, json::need_int(object, "v"));
  if (version != kVersion) return Error(Errc::malformed, "version " + std::to_string(version));
  CertificateRecord record;
  TRY(record.serial_hex, json::need_string(object, "serial"));
  TRY(auto status, json::need_string(object, "status"));
  record.status = status == "issued" ? CertificateStatus::issued : CertificateStatus::possibly_issued;
  TRY(record.reference, json::need_string(object, "reference"));
  TRY(auto subscriber, json::get_string(object, "subscriber"));
  record.subscriber = std::move(subscriber).value_or("");
  TRY(record.profile, json::need_string(object, "profile"));
  TRY(record.profile_hash, json::need_string(object, "profile_hash"));
  TRY(record.issuer, json::need_string(object, "issuer"));
  TRY(record.common_name, json::need_string(object, "common_name"));
  TRY(auto dns, json::need_strings(object, "dns"));
  for (std::string const& each : dns) {
    TRY(auto name, x509::DnsName::parse(each));
    record.names.dns.insert(std::move(name));
  }
  TRY(auto ip, json::need_strings(object, "ip"));
  for (std::string const& each : ip) {
    TRY(auto address, x509::IpAddress::parse(each));
    record.names.ip.insert(std::move(address));
  }
  TRY(record.spki_hash, json::need_string(object, "spki_hash"));
  TRY(record.tbs_hash, json::need_string(object, "tbs_hash"));
  TRY(auto not_before, json::need_int(object, "not_before"));
  record.not_before = from_unix(not_before);
  TRY(auto not_after, json::need_int(object, "not_after"));
  record.not_after = from_unix(not_after);
  TRY(auto recorded_at, json::need_int(object, "recorded_at"));
  record.recorded_at = from_unix(recorded_at);
  TRY(auto issued_at, json::get_int(object, "issued_at"));
  if (issued_at) {
    record.issued_at = from_unix(*issued_at);
    TRY(record.fingerprint, json::need_string(object, "fingerprint"));
  }
  TRY(auto const revocation, json::get_object(object, "revocation"));
  if (revocation) {
    TRY(record.revocation, read_revocation(*revocation));
  }
  return record;
}

// Our own record that does not read is a broken store, not a refusal.
CertificateRecord read_record(std::string_view serial, std::string_view text) {
  auto record = parse_record(text);
  if (!record.ok())
    throw store::Broken("the ledger's record " + std::string(serial) + " cannot be read: " + record.error().detail());
  return *std::move(record);
}

// An intent's value: no JSON text has a line end in it.
std::string_view record_of_intent(std::string_view value) { return value.substr(0, value.find('\n')); }
std::string_view tbs_of_intent(std::string_view value) {
  auto const end = value.find('\n');
  if (end == value.npos) throw store::Broken("an intent of the ledger cannot be read");
  return value.substr(end + 1);
}

// A serial as a key: what is none could not be one of ours.
bool is_key(std::string_view serial_hex) { return !serial_hex.empty() && serial_hex.size() <= 40; }

CertificateRecord load_record(store::ReadTxn& txn, std::string const& serial) {
  auto record = find_by_serial(txn, serial);
  if (!record) throw store::Broken("the ledger has no record " + serial + " though an index names it");
  return *std::move(record);
}

}  // namespace

std::string_view to_string(CertificateStatus status) {
  switch (status) {
    case CertificateStatus::possibly_issued:
      return "possibly issued";
    case CertificateStatus::issued:
      return "issued";
  }
  bug("unknown CertificateStatus");
}

// --- the clock ---

Result<> check_clock(std::optional<Time> mark, Time now) {
  if (now < from_unix(kProgramBegins))
    return Error(Errc::unavailable, "this machine's clock says " + to_rfc3339(now) +
                                        ", when this program was not there yet; nothing is signed until the clock is "
                                        "right");
  if (!mark || now >= *mark - kClockStepBack) return {};
  return Error(Errc::unavailable, "this machine's clock says " + to_rfc3339(now) + ", but a certificate was made at " +
                                      to_rfc3339(*mark) +
                                      "; nothing is signed until the clock is right. If it is right now and was ahead "
                                      "then: lenscap-ca serve --accept-clock, once");
}

std::optional<Time> clock_mark(store::ReadTxn& txn) {
  auto const text = txn.get(kState, "clock");
  if (!text) return std::nullopt;
  long long seconds = 0;
  auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (error != std::errc{} || end != text->data() + text->size())
    throw store::Broken("the ledger's clock mark cannot be read");
  return from_unix(seconds);
}

std::optional<Time> accept_clock(store::WriteTxn& txn, Time now) {
  auto const mark = clock_mark(txn);
  if (!mark || *mark <= now) return std::nullopt;
  txn.put(kState, "clock", std::to_string(to_unix(now)));
  return mark;
}

// --- writing ---

Result<> record_intent(store::WriteTxn& txn, Draft const& draft, std::string_view reference,
                       std::string_view subscriber) {
  if (draft.tbs().empty()) bug("an intent for a draft that is used up");
  CHECK_OK(check_no_gap(txn));
  auto const mark = clock_mark(txn);
  CHECK_OK(check_clock(mark, draft.prepared_at()));
  std::string const serial = draft.serial_hex();
  if (txn.get(kIntents, serial) || txn.get(kRecords, serial))
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
                           .issued_at = {},
                           .fingerprint = {},
                           .revocation = {}};
  txn.put(kIntents, serial, to_json(record) + '\n' + std::string(as_text(draft.tbs())));
  txn.put(kKeys, record.spki_hash + "|" + serial, "");  // from now on: who takes it for another purpose has to see it
  if (!mark || *mark < draft.prepared_at()) txn.put(kState, "clock", std::to_string(to_unix(draft.prepared_at())));
  return {};
}

namespace {

std::string name_prefix(x509::DnsName const& name) { return "d:" + name.text() + "|"; }
std::string name_prefix(x509::IpAddress const& address) { return "i:" + address.text() + "|"; }

}  // namespace

Result<> record_issued(store::WriteTxn& txn, x509::Certificate const& certificate, Time now) {
  std::string const serial = certificate.serial_hex();
  if (auto const known = txn.get(kCertificates, serial)) {
    if (*known == as_text(certificate.der())) return {};
    return Error(Errc::internal, "another certificate with the serial number " + serial + " is recorded already");
  }
  auto const intent = txn.get(kIntents, serial);
  if (!intent) return Error(Errc::internal, "the certificate " + serial + " was signed without a recorded intent");
  if (tbs_of_intent(*intent) != as_text(certificate.tbs()))
    return Error(Errc::internal, "the certificate " + serial + " is not what its intent said");

  auto record = read_record(serial, record_of_intent(*intent));
  record.status = CertificateStatus::issued;
  record.issued_at = now;
  record.fingerprint = to_hex(certificate.fingerprint());
  txn.erase(kIntents, serial);
  txn.put(kRecords, serial, to_json(record));
  txn.put(kCertificates, serial, as_text(certificate.der()));
  for (x509::DnsName const& name : record.names.dns) txn.put(kNames, name_prefix(name) + serial, "");
  for (x509::IpAddress const& address : record.names.ip) txn.put(kNames, name_prefix(address) + serial, "");
  txn.put(kEnds, time_key(record.not_after) + "|" + serial, "");
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

std::string revoked_key(CertificateRecord const& record) {
  return record.issuer + "|" + time_key(record.not_after) + "|" + record.serial_hex;
}

// The value of the index: an entry of a list is made of it and of the key, without JSON, which for a million entries
// takes seconds.
std::string revoked_value(Revocation const& revocation) {
  auto value = time_key(revocation.at);
  if (revocation.reason) value += kDigits.at(static_cast<std::size_t>(*revocation.reason));
  return value;
}

// `revoked` gets what the value says; false when it cannot be read.
bool read_revoked_value(std::string_view value, RevokedCertificate& revoked) {
  revoked.reason.reset();
  if (value.size() < kTimeCharacters || value.size() > kTimeCharacters + 1 ||
      value.substr(0, kTimeCharacters).find_first_not_of(kDigits) != value.npos)
    return false;
  revoked.revoked_at = time_of_key(value);
  if (value.size() == kTimeCharacters) return true;
  auto const digit = kDigits.find(value.back());
  if (digit != kDigits.npos) revoked.reason = x509::revocation_reason_of(static_cast<long long>(digit));
  return revoked.reason.has_value();
}

std::string revocations_key(std::string_view issuer) { return "revocations|" + std::string(issuer); }

}  // namespace

std::uint64_t count_revocations(store::ReadTxn& txn, std::string_view issuer) {
  auto const text = txn.get(kState, revocations_key(issuer));
  std::uint64_t count = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), count);
  return count;
}

Result<> record_revoked(store::WriteTxn& txn, std::string_view serial_hex, Revocation const& revocation) {
  auto found = find_by_serial(txn, serial_hex);
  if (!found) return Error(Errc::not_found, "there is no certificate with serial " + std::string(serial_hex));
  auto& record = *found;
  if (record.revocation)
    return Error(Errc::already_revoked, "this certificate was revoked at " + to_rfc3339(record.revocation->at));
  record.revocation = revocation;
  auto const& serial = record.serial_hex;
  if (auto const intent = txn.get(kIntents, serial))
    txn.put(kIntents, serial, to_json(record) + '\n' + std::string(tbs_of_intent(*intent)));
  else
    txn.put(kRecords, serial, to_json(record));
  txn.put(kRevoked, revoked_key(record), revoked_value(revocation));
  txn.put(kState, revocations_key(record.issuer), std::to_string(count_revocations(txn, record.issuer) + 1));
  if (revocation.reason == x509::RevocationReason::key_compromise) txn.put(kCompromised, record.spki_hash, serial);
  append_audit(txn, {.at = revocation.at,
                     .event = AuditEvent::certificate_revoked,
                     .actor = revocation.by,
                     .subject = serial,
                     .rule = revocation.reason ? "reason " + std::string(x509::to_string(*revocation.reason)) : "",
                     .detail = record.names.text()});
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
  if (!is_key(serial_hex)) return std::nullopt;
  if (auto const record = txn.get(kRecords, serial_hex)) return read_record(serial_hex, *record);
  if (auto const intent = txn.get(kIntents, serial_hex)) return read_record(serial_hex, record_of_intent(*intent));
  return std::nullopt;
}

std::optional<x509::Certificate> find_certificate(store::ReadTxn& txn, std::string_view serial_hex) {
  if (!is_key(serial_hex)) return std::nullopt;
  auto const der = txn.get(kCertificates, serial_hex);
  if (!der) return std::nullopt;
  auto certificate = x509::Certificate::of_ours(to_bytes(*der));
  if (!certificate.ok()) throw store::Broken("the ledger's certificate " + std::string(serial_hex) + " cannot be read");
  return *std::move(certificate);
}

std::optional<Bytes> find_intent_tbs(store::ReadTxn& txn, std::string_view serial_hex) {
  if (!is_key(serial_hex)) return std::nullopt;
  auto const intent = txn.get(kIntents, serial_hex);
  if (!intent) return std::nullopt;
  return to_bytes(tbs_of_intent(*intent));
}

std::optional<Revocation> find_revocation(store::ReadTxn& txn, std::string_view serial_hex) {
  auto record = find_by_serial(txn, serial_hex);
  return record ? std::move(record->revocation) : std::nullopt;
}

bool is_compromised(store::ReadTxn& txn, x509::PublicKey const& key) {
  return txn.get(kCompromised, to_hex(key.spki_hash())).has_value();
}

bool is_certified(store::ReadTxn& txn, x509::PublicKey const& key) {
  bool found = false;
  store::scan_prefix(txn, kKeys, to_hex(key.spki_hash()) + "|", [&](std::string_view, std::string_view) {
    found = true;
    return false;
  });
  return found;
}

namespace {

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
  // Intents and certificates are two tables with one order. Both are known down to the last serial of the shorter page.
  for (std::string at(before);;) {
    auto page = serials_down(txn, kRecords, at);
    auto intents = serials_down(txn, kIntents, at);
    std::string known_from;
    for (auto const* some : {&page, &intents})
      if (some->size() == kPage) known_from = std::max(known_from, some->back());
    page.insert(page.end(), intents.begin(), intents.end());
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
  if (auto const last = find_by_serial(txn, before)) at = revoked_key(*last);
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

bool has_certificate(store::ReadTxn& txn, std::string_view subscriber) {
  bool found = false;
  store::scan_prefix(txn, kSubscribers, std::string(subscriber) + "|", [&](std::string_view, std::string_view) {
    found = true;
    return false;
  });
  return found;
}

void visit_possibly_issued(store::ReadTxn& txn, Time before, RecordVisitor const& visit) {
  // Those that are being signed, and what crashes have left: never many.
  std::vector<CertificateRecord> records;
  txn.scan(kIntents, "", [&](std::string_view serial, std::string_view value) {
    auto record = read_record(serial, record_of_intent(value));
    if (record.recorded_at < before) records.push_back(std::move(record));
    return true;
  });
  for (auto const& record : records)
    if (!visit(record)) return;
}

void visit_expiring(store::ReadTxn& txn, Time from, Time until, std::string_view after, RecordVisitor const& visit) {
  std::string const end = time_key(until + Seconds(1));
  // The key behind a given one, in byte order, is the same with an octet more.
  std::string at = time_key(from);
  if (auto const last = find_by_serial(txn, after)) at = time_key(last->not_after) + "|" + last->serial_hex + '\x01';
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
  visit_index_down(txn, kNames, name_prefix(name), before, visit);
}

void visit_by_name(store::ReadTxn& txn, x509::IpAddress const& address, std::string_view before,
                   RecordVisitor const& visit) {
  visit_index_down(txn, kNames, name_prefix(address), before, visit);
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
  txn.scan(kRevoked, prefix + time_key(ends_from), [&](std::string_view key, std::string_view value) {
    if (!key.starts_with(prefix)) return false;
    revoked.serial_hex = key.substr(key.rfind('|') + 1);
    revoked.not_after = time_of_key(key.substr(prefix.size()));
    if (!read_revoked_value(value, revoked))
      throw store::Broken("the revocation " + std::string(key) + " cannot be read");
    return visit(revoked);
  });
}

}  // namespace lenscap::ca
