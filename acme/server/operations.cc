#include "acme/server/operations.h"

#include <algorithm>

#include "acme/flow/revocation_rules.h"
#include "acme/flow/terms_rules.h"
#include "acme/server/account_records.h"
#include "acme/server/audit_key.h"
#include "acme/server/db.h"
#include "acme/server/records.h"
#include "acme/server/revocation.h"
#include "acme/server/revoke_many.h"
#include "acme/server/root_status.h"
#include "acme/server/scope_check.h"
#include "acme/wire/join.h"
#include "base/random.h"
#include "ca/audit.h"
#include "ca/audit_head.h"
#include "ca/ledger_visits.h"

namespace lenscap::acme {
namespace {

using json::Object;
using json::Value;

constexpr std::size_t kKidBytes = 16;
constexpr std::size_t kMacKeyBytes = 32;  // HS256 wants a key as long as its hash (RFC 7518 3.2)
constexpr std::int64_t kListDefault = 100;
constexpr std::int64_t kListMost = 100'000;
constexpr std::size_t kAccountsShown = 100;  // of each EAB key

Error usage(std::string text) { return Error(Errc::usage, std::move(text)); }

template <class T>
Result<std::vector<T>> read_list(Object const& arguments, std::string_view name, Result<T> (*parse)(std::string_view)) {
  std::vector<T> values;
  TRY(auto texts, json::get_strings(arguments, name));
  for (auto const& text : texts.value_or(std::vector<std::string>{})) {
    auto value = parse(text);
    if (!value) return usage("\"" + text + "\": " + value.error().detail());
    values.push_back(*std::move(value));
  }
  return values;
}

Result<std::optional<Time>> read_time(Object const& arguments, std::string_view name) {
  TRY(auto seconds, json::get_int(arguments, name));
  return seconds ? std::optional(from_unix(*seconds)) : std::optional<Time>();
}

Result<Scope> read_scope(Object const& arguments) {
  Scope scope;
  TRY(scope.grant_dns, read_list(arguments, "grant_dns", parse_suffix));
  TRY(scope.grant_ip, read_list(arguments, "grant_ip", x509::IpBlock::parse));
  TRY(scope.prove_dns, read_list(arguments, "prove_dns", parse_suffix));
  TRY(scope.prove_ip, read_list(arguments, "prove_ip", x509::IpBlock::parse));
  TRY(auto profiles, json::get_strings(arguments, "profiles"));
  scope.profiles = profiles.value_or(std::vector<std::string>{});
  TRY(scope.issue_until, read_time(arguments, "issue_until"));
  TRY(auto most, json::get_int(arguments, "live_names"));
  if (most && *most < 1) return usage("--live-names must be at least 1");
  if (most) scope.live_names_max = static_cast<std::size_t>(*most);
  return scope;
}

// A key for names that this CA can never put into a certificate would only disappoint later.
Result<> check_scope(Scope const& scope, OperationContext const& context) {
  if (scope.grant_dns.empty() && scope.grant_ip.empty() && scope.prove_dns.empty() && scope.prove_ip.empty())
    return usage("the key would allow no name at all; give --grant-dns, --grant-ip, --prove-dns or --prove-ip");
  for (auto const& name : scope.profiles)
    if (std::ranges::find(context.settings.profiles, name) == context.settings.profiles.end())
      return usage("\"" + name + "\" is not a profile of the settings (ca.profiles)");
  return check_names(scope, context.limits);
}

// Clients take both as arguments, and an argument that begins with '-' for an option of theirs (certbot's parser for
// one).
Bytes random_for_a_command_line(std::size_t count) {
  for (;;) {
    auto octets = random_bytes(count);
    if (!to_base64url(octets).starts_with('-')) return octets;
  }
}

void note(store::WriteTxn& txn, OperationContext const& context, ca::AuditEvent event, std::string const& subject,
          std::string detail) {
  ca::append_audit(txn, {.at = context.now,
                         .event = event,
                         .actor = "operator",
                         .subject = subject,
                         .rule = "",
                         .detail = std::move(detail)});
}

Result<Object> create_eab(OperationContext const& context, Object const& arguments) {
  EabRecord record;
  TRY(record.key.scope, read_scope(arguments));
  CHECK_OK(check_scope(record.key.scope, context));
  TRY(record.key.bind_by, read_time(arguments, "bind_by"));
  TRY(auto uses, json::get_string(arguments, "uses"));
  if (uses && *uses != "single" && *uses != "many") return usage("--uses must be single or many");
  TRY(auto wants_join, json::get_bool(arguments, "join"));
  if (wants_join.value_or(false) && context.settings.http.empty())
    return usage("a join word needs plain HTTP for the root: set server.http; or give the key id and MAC key by hand");
  record.key.use = uses == "many" ? EabUse::many : EabUse::single;
  record.key.created = context.now;
  record.key.kid = to_base64url(random_for_a_command_line(kKidBytes));
  SecretBytes mac_key(random_for_a_command_line(kMacKeyBytes));
  record.sealed_mac = context.sealer->seal(mac_key, record.key.kid);

  auto save = [&](store::WriteTxn& txn) -> Result<> {
    save_eab(txn, record);
    note(txn, context, ca::AuditEvent::eab_created, record.key.kid, json::write(arguments));
    return {};
  };
  CHECK_OK(Db(context.store).write_blocking(save));

  Object result;
  result.set("kid", record.key.kid).set("mac_key", to_base64url(mac_key.view()));
  result.set("directory", context.settings.urls.directory());
  if (wants_join.value_or(false)) {
    JoinString join;
    join.directory = context.settings.urls.directory();
    join.root_sha256 = context.root.fingerprint();
    join.root_url = context.settings.http_url() + "/roots/" + to_hex(join.root_sha256);
    join.eab_kid = record.key.kid;
    join.eab_mac_key = std::move(mac_key);
    result.set("join", make_join_string(join).text());
  }
  return result;
}

// `accounts` are the oldest of those that it bound; "bound" counts all.
Object eab_to_json(EabKey const& key, std::vector<std::string> const& accounts, Time now) {
  Object object;
  object.set("kid", key.kid);
  auto const bindable =
      !key.revoked && !(key.bind_by && *key.bind_by <= now) && !(key.use == EabUse::single && key.accounts != 0);
  object.set("status", key.revoked ? "revoked" : bindable ? "can bind" : "bound or past");
  object.set("uses", key.use == EabUse::single ? "single" : "many");
  object.set("bound", key.accounts);
  object.set("accounts", Value::strings(accounts));
  object.set("scope", scope_to_json(key.scope));
  if (key.bind_by) object.set("bind_by", to_rfc3339(*key.bind_by));
  object.set("created", to_rfc3339(key.created));
  return object;
}

Result<Object> list_eab(OperationContext const& context, Object const&) {
  json::Array keys;
  context.store.read([&](store::ReadTxn& txn) {
    keys.clear();
    visit_eab(txn, [&](EabRecord const& record) {
      keys.emplace_back(eab_to_json(record.key, list_eab_accounts(txn, record.key.kid, kAccountsShown), context.now));
      return true;
    });
  });
  return Object{{"keys", std::move(keys)}};
}

Result<Object> revoke_eab(OperationContext const& context, Object const& arguments) {
  TRY(auto const kid, json::need_string(arguments, "kid"));
  auto revoke = [&](store::WriteTxn& txn) -> Result<EabKey> {
    auto record = load_eab(txn, kid);
    if (!record) return Error(Errc::not_found, "there is no EAB key " + kid + "; see `lenscap-ca eab list`");
    record->key.revoked = true;
    save_eab(txn, *record);
    note(txn, context, ca::AuditEvent::eab_revoked, kid, "");
    return record->key;
  };
  TRY(auto const key, Db(context.store).write_blocking(revoke));
  std::vector<std::string> accounts;
  context.store.read([&](store::ReadTxn& txn) { accounts = list_eab_accounts(txn, kid, kAccountsShown); });
  return eab_to_json(key, accounts, context.now);
}

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

Result<std::string> need_serial(Object const& arguments) {
  TRY(auto const text, json::need_text(arguments, "serial"));
  return read_serial(text);
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
  if (filter.status && *filter.status != "issued" && *filter.status != "revoked")
    return usage("--status takes issued or revoked");
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

// A page of certificates; "next" is what `after` has to be for the page behind it, and absent on the last one. Where no
// index knows the status, a page ends as well when so many were looked at, however few are on it.
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
  object.set("profile_sha256", record->profile_hash);
  object.set("key_sha256", record->spki_hash);
  if (!record->fingerprint.empty()) object.set("sha256", record->fingerprint);
  if (certificate) object.set("pem", certificate->pem());
  return object;
}

Result<Object> revoke_certificate(OperationContext const& context, Object const& arguments) {
  TRY(auto const serial, need_serial(arguments));
  TRY(auto const asked, json::get_string(arguments, "reason"));
  std::optional<std::int64_t> code;
  if (asked) {
    TRY(auto const reason, x509::parse_revocation_reason(*asked));
    code = static_cast<std::int64_t>(reason);
  }
  TRY(auto const reason, check_reason(code, Revoker::administrator));
  auto act = [&](store::WriteTxn& txn) {
    return revoke(txn, serial, {.at = context.now, .reason = reason, .by = "administrator"});
  };
  TRY(auto const record, Db(context.store).write_blocking(act));
  return certificate_to_json(record, context.now);
}

Object account_to_json(Account const& account) {
  Object object;
  object.set("account", account.id);
  object.set("status", to_string(account.status));
  object.set("key", x509::to_string(account.key.type()));
  object.set("eab", account.eab_kid);
  object.set("contact", Value::strings(account.contact));
  if (account.terms_of_service_agreed) object.set("terms", account.terms_of_service);
  object.set("created", to_rfc3339(account.created));
  return object;
}

Result<Object> list_accounts(OperationContext const& context, Object const&) {
  json::Array accounts;
  context.store.read([&](store::ReadTxn& txn) {
    accounts.clear();
    visit_accounts(txn, [&](Account const& account) {
      accounts.emplace_back(account_to_json(account));
      return accounts.size() < static_cast<std::size_t>(kListMost);
    });
  });
  return Object{{"accounts", std::move(accounts)}};
}

// The account that is meant: by its id, or by its URL as clients and logs of others show it.
Result<Account> find_account(OperationContext const& context, store::ReadTxn& txn, std::string_view named) {
  auto const by_url = context.settings.urls.parse_account(named);
  auto const id = by_url ? *by_url : std::string(named);
  auto account = id.empty() || id.size() > 64 ? std::nullopt : load_account(txn, id);
  if (!account) return Error(Errc::not_found, "there is no account " + id + "; see `lenscap-ca account list`");
  return *std::move(account);
}

Result<Object> deactivate_account(OperationContext const& context, Object const& arguments) {
  TRY(auto const named, json::need_string(arguments, "account"));
  auto end = [&](store::WriteTxn& txn) -> Result<Account> {
    TRY(auto account, find_account(context, txn, named));
    auto ended = revoke_account(std::move(account));
    save_ended_account(txn, ended, Error(Errc::unauthorized, "the operator of the server has ended this account"));
    note(txn, context, ca::AuditEvent::account_changed, ended.id, "deactivated");
    return ended;
  };
  TRY(auto const ended, Db(context.store).write_blocking(end));
  return account_to_json(ended);
}

Result<Object> agree_for_account(OperationContext const& context, Object const& arguments) {
  TRY(auto const named, json::need_string(arguments, "account"));
  if (context.settings.terms_of_service.empty())
    return usage("there are no terms of service to agree to (acme.terms_of_service in ca.toml)");
  Policy policy;
  policy.terms_of_service = context.settings.terms_of_service;
  auto change = [&](store::WriteTxn& txn) -> Result<Account> {
    TRY(auto account, find_account(context, txn, named));
    CHECK_OK(check_valid(account));
    auto agreed = agree(std::move(account), policy);
    save_account(txn, agreed);
    note(txn, context, ca::AuditEvent::account_changed, agreed.id, "agreed to " + agreed.terms_of_service);
    return agreed;
  };
  TRY(auto const agreed, Db(context.store).write_blocking(change));
  return account_to_json(agreed);
}

Result<Object> sign_audit_head(OperationContext const& context, Object const&) {
  TRY(auto const key, open_audit_key(context.store, *context.sealer));
  std::optional<ca::AuditHead> head;
  context.store.read([&](store::ReadTxn& txn) { head = ca::find_audit_head(txn); });
  return ca::to_json(ca::sign_audit_head(key, head.value_or(ca::AuditHead{}), context.now));
}

constexpr Operation kOperations[] = {
    // name         writes sealer
    {"eab.create", true, true, create_eab},
    {"eab.list", false, false, list_eab},
    {"eab.revoke", true, false, revoke_eab},
    {"cert.list", false, false, list_certificates},
    {"cert.show", false, false, show_certificate},
    {"cert.revoke", true, false, revoke_certificate},
    {"audit.head", true, true, sign_audit_head},
    {"cert.revoke_many", true, false, revoke_many},
    {"account.list", false, false, list_accounts},
    {"root.status", false, false, root_status},
    {"account.agree", true, false, agree_for_account},
    {"account.deactivate", true, false, deactivate_account},
};

}  // namespace

Operation const* find_operation(std::string_view name) {
  for (auto const& row : kOperations)
    if (row.name == name) return &row;
  return nullptr;
}

Result<Sealer> open_sealer(store::Store& store, SecretBytes const& passphrase) {
  constexpr std::string_view kSalt = "seal_salt";
  constexpr std::string_view kCheck = "seal_check";  // a known text under the key: tells a wrong passphrase at once
  Db db(store);
  auto load = [&](store::ReadTxn& txn) { return std::pair(load_meta(txn, kSalt), load_meta(txn, kCheck)); };
  auto const [salt, check] = db.read_blocking(load);
  if (salt && check) {
    TRY(auto octets, from_hex(*salt));
    auto sealer = Sealer::from_passphrase(passphrase, octets);
    if (!sealer.open(*check, kCheck))
      return Error(Errc::wrong_passphrase, "the store's secrets are sealed under another passphrase than this one");
    return sealer;
  }
  auto const fresh = random_bytes(16);
  auto sealer = Sealer::from_passphrase(passphrase, fresh);
  auto save = [&](store::WriteTxn& txn) -> Result<> {
    save_meta(txn, kSalt, to_hex(fresh));
    save_meta(txn, kCheck, sealer.seal(SecretBytes(std::string_view("lenscap")), kCheck));
    return {};
  };
  CHECK_OK(db.write_blocking(save));
  return sealer;
}

}  // namespace lenscap::acme
