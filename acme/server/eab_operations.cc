#include "acme/server/eab_operations.h"

#include <algorithm>

#include "acme/server/account_records.h"
#include "acme/server/db.h"
#include "acme/server/records.h"
#include "acme/server/scope_check.h"
#include "acme/wire/join.h"
#include "base/random.h"

namespace lenscap::acme {

using json::Object;
using json::Value;

namespace {

constexpr std::size_t kKidBytes = 16;
constexpr std::size_t kMacKeyBytes = 32;     // HS256 wants a key as long as its hash (RFC 7518 3.2)
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
  TRY(auto issuer, json::get_string(arguments, "issuer"));
  scope.issuer = issuer.value_or("");
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
  if (scope.issuer.empty()) return check_names(scope, context.limits);
  std::vector<ca::Profile> offered;
  for (auto const& name : context.settings.profiles) {
    TRY(auto profile, ca::load_profile(context.settings.profile_file(name)));
    offered.push_back(std::move(profile));
  }
  if (!context.issuers) bug("an operation that may name an issuer, and nobody knows any");
  TRY(auto const issuers, context.issuers());
  return check_issuer(scope, issuers, offered, context.now);
}

// Clients take both as arguments, and an argument that begins with '-' for an option of theirs (certbot's parser for
// one).
Bytes random_for_a_command_line(std::size_t count) {
  for (;;) {
    auto octets = random_bytes(count);
    if (!to_base64url(octets).starts_with('-')) return octets;
  }
}

}  // namespace

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
    note_operation(txn, context, ca::AuditEvent::eab_created, record.key.kid, json::write(arguments));
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

namespace {

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

}  // namespace

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
    note_operation(txn, context, ca::AuditEvent::eab_revoked, kid, "");
    return record->key;
  };
  TRY(auto const key, Db(context.store).write_blocking(revoke));
  std::vector<std::string> accounts;
  context.store.read([&](store::ReadTxn& txn) { accounts = list_eab_accounts(txn, kid, kAccountsShown); });
  return eab_to_json(key, accounts, context.now);
}

}  // namespace lenscap::acme
