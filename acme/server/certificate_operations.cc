#include "acme/server/certificate_operations.h"

#include <algorithm>

#include "acme/flow/revocation_rules.h"
#include "acme/server/db.h"
#include "acme/server/records.h"
#include "acme/server/revocation.h"
#include "ca/installed_issuers.h"
#include "ca/ledger_visits.h"

namespace lenscap::acme {

using json::Object;
using json::Value;

namespace {

constexpr std::int64_t kListDefault = 100;
constexpr std::int64_t kListMost = 100'000;

Error usage(std::string text) { return Error(Errc::usage, std::move(text)); }

std::string_view status_of(ca::CertificateRecord const& record, Time now) {
  auto const expired = record.status == ca::CertificateStatus::issued && record.not_after < now;
  return record.revocation ? "revoked" : expired ? "expired" : to_string(record.status);
}

Object certificate_to_json(ca::CertificateRecord const& record, Time now) {
  Object object;
  object.set("serial", record.serial_hex);
  object.set("status", status_of(record, now));
  std::vector<std::string> names;
  for (auto const& identifier : to_identifiers(record.names)) names.push_back(identifier.value());
  object.set("names", Value::strings(names));
  object.set("profile", record.profile);
  object.set("not_before", to_rfc3339(record.not_before));
  object.set("not_after", to_rfc3339(record.not_after));
  object.set("reference", record.reference);
  if (!record.subscriber.empty()) object.set("account", record.subscriber);
  if (record.revocation) {
    object.set("revoked_at", to_rfc3339(record.revocation->at));
    object.set("reason", x509::to_string(record.revocation->reason.value_or(x509::RevocationReason::unspecified)));
    object.set("revoked_by", record.revocation->by);
  }
  return object;
}

// A serial number, or its beginning, as people have it: our own text, or openssl's with capital letters and colons.
Result<std::string> read_serial(std::string_view text) {
  std::string serial;
  for (char const c : text) {
    if (c == ':') continue;
    bool const is_capital = c >= 'A' && c <= 'F';
    if (!is_capital && !(c >= 'a' && c <= 'f') && !(c >= '0' && c <= '9'))
      return usage("\"" + std::string(text) + "\" is no serial number: those are hex digits");
    serial += is_capital ? static_cast<char>(c - 'A' + 'a') : c;
  }
  constexpr std::size_t kDigitsMax = 40;  // RFC 5280 4.1.2.2
  if (serial.empty() || serial.size() > kDigitsMax) return usage("a serial number has 1 to 40 hex digits");
  return serial;
}

// The whole number in the one form that the ledger has: octets, none of them a leading zero. Many programs print
// numbers without the zero that half an octet begins with, or with "0x" before them.
Result<std::string> need_serial(Object const& arguments) {
  TRY(auto const text, json::need_text(arguments, "serial"));
  bool const has_prefix = text.starts_with("0x") || text.starts_with("0X");
  TRY(auto serial, read_serial(std::string_view(text).substr(has_prefix ? 2 : 0)));
  auto const zeros = serial.find_first_not_of('0');
  if (zeros == std::string::npos) return usage("0 is no serial number of a certificate (RFC 5280 4.1.2.2)");
  serial.erase(0, zeros);
  if (serial.size() % 2 != 0) serial.insert(0, 1, '0');
  return serial;
}

// What `cert.list` is asked for: one of the first four, or the newest; and of those, the ones of a status.
struct CertificateFilter {
  std::optional<Identifier> name;
  std::optional<std::string> account;
  std::optional<Seconds> expiring;
  std::optional<std::string> serial;  // or how it begins
  std::optional<std::string> status;
  int places() const { return name.has_value() + account.has_value() + expiring.has_value() + serial.has_value(); }
};

Result<CertificateFilter> read_filter(OperationContext const& context, Object const& arguments) {
  CertificateFilter filter;
  TRY(auto const name, json::get_string(arguments, "name"));
  if (name) {
    auto const is_address = x509::IpAddress::parse(*name).ok();
    auto parsed = Identifier::parse(is_address ? "ip" : "dns", *name);
    if (!parsed) return usage("--name \"" + *name + "\": " + parsed.error().detail());
    filter.name = *std::move(parsed);
  }
  TRY(filter.account, json::get_string(arguments, "account"));
  if (filter.account) {
    if (auto by_url = context.settings.urls.parse_account(*filter.account)) filter.account = *std::move(by_url);
    if (!is_id(*filter.account)) return usage("--account takes the id of an account or its URL");
  }
  TRY(auto const expiring, json::get_int(arguments, "expiring_seconds"));
  if (expiring) filter.expiring = Seconds(*expiring);
  TRY(auto const serial, json::get_string(arguments, "serial"));
  if (serial) {
    TRY(filter.serial, read_serial(*serial));
  }
  TRY(filter.status, json::get_string(arguments, "status"));
  if (filter.status == "possibly-issued") filter.status = to_string(ca::CertificateStatus::possibly_issued);
  auto const statuses = {std::string_view("issued"), std::string_view("revoked"),
                         to_string(ca::CertificateStatus::possibly_issued)};
  if (filter.status && std::ranges::find(statuses, *filter.status) == statuses.end())
    return usage("--status takes issued, revoked or possibly-issued");
  if (filter.places() > 1) return usage("give one of --name, --account, --expiring and --serial");
  return filter;
}

void visit_certificates(OperationContext const& context, store::ReadTxn& txn, CertificateFilter const& filter,
                        std::string const& after, ca::RecordVisitor const& visit) {
  if (filter.account) return ca::visit_by_subscriber(txn, *filter.account, after, visit);
  if (filter.expiring) return ca::visit_expiring(txn, context.now, context.now + *filter.expiring, after, visit);
  if (filter.serial) return ca::visit_by_serial(txn, *filter.serial, after, visit);
  if (filter.status == "revoked" && !filter.name) return ca::visit_revoked_records(txn, after, visit);
  if (!filter.name) return ca::visit_newest(txn, after, visit);
  if (filter.name->dns() != nullptr) return ca::visit_by_name(txn, *filter.name->dns(), after, visit);
  return ca::visit_by_name(txn, *filter.name->ip(), after, visit);
}

}  // namespace

Result<Object> list_certificates(OperationContext const& context, Object const& arguments) {
  TRY(auto const asked, json::get_int(arguments, "limit"));
  TRY(auto const filter, read_filter(context, arguments));
  TRY(auto const given, json::get_string(arguments, "after"));
  std::string after;
  if (given && !given->empty()) {
    TRY(after, read_serial(*given));
  }
  auto const limit = static_cast<std::size_t>(std::clamp<std::int64_t>(asked.value_or(kListDefault), 1, kListMost));
  json::Array certificates;
  std::optional<std::string> last, next;
  bool known = true;
  context.store.read([&](store::ReadTxn& txn) {
    certificates.clear();
    next.reset();
    std::size_t looked_at = 0;
    known = after.empty() || ca::find_by_serial(txn, after).has_value();
    if (!known) return;
    visit_certificates(context, txn, filter, after, [&](ca::CertificateRecord const& record) {
      if (certificates.size() == limit || looked_at == context.looked_at_most) {
        next = last;
        return false;
      }
      ++looked_at;
      last = record.serial_hex;
      if (!filter.status || *filter.status == status_of(record, context.now))
        certificates.emplace_back(certificate_to_json(record, context.now));
      return true;
    });
  });
  if (!known) return usage("--after takes the serial number that the page before gave as \"next\"");
  Object result{{"certificates", std::move(certificates)}};
  if (next) result.set("next", *next);
  return result;
}

Result<Object> show_certificate(OperationContext const& context, Object const& arguments) {
  TRY(auto const serial, need_serial(arguments));
  std::optional<ca::CertificateRecord> record;
  std::optional<x509::Certificate> certificate;
  context.store.read([&](store::ReadTxn& txn) {
    record = ca::find_by_serial(txn, serial);
    if (!record) return;
    certificate = ca::find_certificate(txn, serial);
  });
  if (!record) return Error(Errc::not_found, "there is no certificate with serial " + serial);
  auto object = certificate_to_json(*record, context.now);
  object.set("common_name", record->common_name);
  object.set("recorded_at", to_rfc3339(record->recorded_at));
  if (record->issued_at) object.set("issued_at", to_rfc3339(*record->issued_at));
  if (record->given_up_at) object.set("given_up_at", to_rfc3339(*record->given_up_at));
  object.set("profile_sha256", record->profile_hash);
  object.set("key_sha256", record->spki_hash);
  if (!record->fingerprint.empty()) object.set("sha256", record->fingerprint);
  if (certificate) object.set("pem", certificate->pem());
  return object;
}

namespace {

Result<std::optional<x509::RevocationReason>> read_reason(Object const& arguments) {
  TRY(auto const asked, json::get_string(arguments, "reason"));
  std::optional<std::int64_t> code;
  if (asked) {
    TRY(auto const reason, x509::parse_revocation_reason(*asked));
    code = static_cast<std::int64_t>(reason);
  }
  return check_reason(code, Revoker::administrator);
}

// A day begins at midnight, UTC.
Result<Time> parse_day_or_time(std::string_view text) {
  constexpr std::size_t kDayCharacters = 10;  // 2026-06-01
  return parse_rfc3339(std::string(text) + (text.size() == kDayCharacters ? "T00:00:00Z" : ""));
}

}  // namespace

// The service and the commands know the same folder.
Result<x509::Certificate> find_issuing(OperationContext const& context, std::string const& name) {
  TRY(auto const installed, ca::load_issuers(context.settings.state_dir));
  std::string names;
  for (auto const& each : installed) {
    if (each.name == name) return each.chain.issuing;
    names += (names.empty() ? "" : ", ") + each.name;
  }
  return usage("there is no issuer \"" + name + "\"; there are: " + names);
}

Result<Object> revoke_unknown(OperationContext const& context, Object const& arguments) {
  TRY(auto const serial, need_serial(arguments));
  TRY(auto const reason, read_reason(arguments));
  TRY(auto const named, json::get_string(arguments, "issuer"));
  TRY(auto const asked, json::get_string(arguments, "until"));
  TRY(auto const issuing, find_issuing(context, named.value_or(ca::kDefaultIssuer)));
  auto until = issuing.not_after();
  if (asked) {
    auto const time = parse_day_or_time(*asked);
    if (!time) return usage("--until: " + time.error().detail());
    until = std::min(until, *time);
  }
  if (until <= context.now) return usage("--until has to be when the certificate ends: what has ended is in no list");
  auto act = [&](store::WriteTxn& txn) -> Result<ca::CertificateRecord> {
    CHECK_OK(ca::record_unknown_revoked(txn, serial, to_hex(issuing.subject_key_id()), until,
                                        {.at = context.now, .reason = reason, .by = context.actor}));
    return ca::find_by_serial(txn, serial).value();
  };
  TRY(auto const record, Db(context.store).write_blocking(act));
  if (context.metrics != nullptr) context.metrics->revoked(reason);
  return certificate_to_json(record, context.now);
}

Result<Object> revoke_certificate(OperationContext const& context, Object const& arguments) {
  TRY(auto const serial, need_serial(arguments));
  TRY(auto const reason, read_reason(arguments));
  TRY(auto const dry_run, json::get_bool(arguments, "dry_run"));
  if (dry_run.value_or(false)) {
    auto const look = [&](store::ReadTxn& txn) { return ca::find_revocable(txn, serial, reason); };
    TRY(auto const record, Db(context.store).read_blocking(look));
    return certificate_to_json(record, context.now);
  }
  auto act = [&](store::WriteTxn& txn) {
    return revoke(txn, serial, {.at = context.now, .reason = reason, .by = context.actor});
  };
  TRY(auto const record, Db(context.store).write_blocking(act));
  if (context.metrics != nullptr) context.metrics->revoked(reason);
  return certificate_to_json(record, context.now);
}

}  // namespace lenscap::acme
