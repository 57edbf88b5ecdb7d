#include "ca/ledger_records.h"

#include <algorithm>
#include <charconv>

#include "base/json.h"

namespace lenscap::ca::records {

// --- as JSON ---

namespace {

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

std::string_view word_of(CertificateStatus status) {
  switch (status) {
    case CertificateStatus::possibly_issued:
      return "possibly_issued";
    case CertificateStatus::not_issued:
      return "not_issued";
    case CertificateStatus::issued:
      return "issued";
    case CertificateStatus::unknown:
      return "unknown";
  }
  bug("unknown CertificateStatus");
}

}  // namespace

std::string to_json(CertificateRecord const& record) {
  json::Array dns;
  for (x509::DnsName const& name : record.names.dns) dns.emplace_back(name.text());
  json::Array ip;
  for (x509::IpAddress const& address : record.names.ip) ip.emplace_back(address.text());
  json::Object object{{"v", kVersion},
                      {"serial", record.serial_hex},
                      {"status", word_of(record.status)},
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
  if (record.by_signer) object.set("by_signer", true);
  if (record.given_up_at) object.set("given_up_at", to_unix(*record.given_up_at));
  if (record.issued_at) {
    object.set("issued_at", to_unix(*record.issued_at));
    object.set("fingerprint", record.fingerprint);
  }
  if (record.revocation) object.set("revocation", to_json(*record.revocation));
  return json::write(object);
}

namespace {

Result<CertificateRecord> parse_record(std::string_view text) {
  constexpr std::size_t kRecordBytesMax = 256 * 1024;  // a hundred names of 253 characters are far below
  TRY(auto object, json::parse_object(text, {.bytes = kRecordBytesMax, .depth = 4, .members = 512}));
  TRY(auto version, json::need_int(object, "v"));
  if (version != kVersion) return Error(Errc::malformed, "version " + std::to_string(version));
  CertificateRecord record;
  TRY(record.serial_hex, json::need_string(object, "serial"));
  TRY(auto status, json::need_string(object, "status"));
  record.status = status == "issued"       ? CertificateStatus::issued
                  : status == "unknown"    ? CertificateStatus::unknown
                  : status == "not_issued" ? CertificateStatus::not_issued
                                           : CertificateStatus::possibly_issued;
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
  TRY(auto const by_signer, json::get_bool(object, "by_signer"));
  record.by_signer = by_signer.value_or(false);
  TRY(auto const given_up_at, json::get_int(object, "given_up_at"));
  if (given_up_at) record.given_up_at = from_unix(*given_up_at);
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

}  // namespace

CertificateRecord read(std::string_view serial, std::string_view text) {
  auto record = parse_record(text);
  if (!record.ok())
    throw store::Broken("the ledger's record " + std::string(serial) + " cannot be read: " + record.error().detail());
  return *std::move(record);
}

// No JSON text has a line end in it.
std::string intent(CertificateRecord const& record, std::string_view tbs) {
  return to_json(record) + '\n' + std::string(tbs);
}
std::string_view record_of_intent(std::string_view value) { return value.substr(0, value.find('\n')); }
std::string_view tbs_of_intent(std::string_view value) {
  auto const end = value.find('\n');
  if (end == value.npos) throw store::Broken("an intent of the ledger cannot be read");
  return value.substr(end + 1);
}

bool is_key(std::string_view serial_hex) {
  constexpr std::size_t kDigitsMax = 40;  // RFC 5280 4.1.2.2
  return !serial_hex.empty() && serial_hex.size() <= kDigitsMax && serial_hex.size() % 2 == 0 &&
         !serial_hex.starts_with("00") && serial_hex.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// --- keys ---

namespace {

constexpr std::size_t kTimeCharacters = 10;

constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

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

std::string name_prefix(x509::DnsName const& name) { return "d:" + name.text() + "|"; }
std::string name_prefix(x509::IpAddress const& address) { return "i:" + address.text() + "|"; }

std::string revoked_key(CertificateRecord const& record) {
  return record.issuer + "|" + time_key(record.not_after) + "|" + record.serial_hex;
}

std::string revoked_value(Revocation const& revocation) {
  auto value = time_key(revocation.at);
  if (revocation.reason) value += kDigits.at(static_cast<std::size_t>(*revocation.reason));
  return value;
}

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

}  // namespace lenscap::ca::records
