#include "acme/server/records/eab_keys.h"

#include "acme/server/records/fields.h"
#include "acme/server/records/memo.h"

namespace lenscap::acme {
namespace {

using json::Object;
using json::Value;
using store::ReadTxn;
using store::WriteTxn;

using namespace records;

}  // namespace

Object scope_to_json(Scope const& scope) {
  Object object;
  object.set("grant_dns", texts_of(scope.grant_dns)).set("grant_ip", texts_of(scope.grant_ip));
  object.set("prove_dns", texts_of(scope.prove_dns)).set("prove_ip", texts_of(scope.prove_ip));
  object.set("profiles", Value::strings(scope.profiles));
  if (!scope.issuer.empty()) object.set("issuer", scope.issuer);
  set_time(object, "issue_until", scope.issue_until);
  if (scope.live_names_max) object.set("live_names_max", *scope.live_names_max);
  return object;
}

namespace {

Scope read_scope(Fields const& f) {
  Scope scope;
  for (auto const& text : f.texts("grant_dns")) scope.grant_dns.push_back(f.take(x509::DnsName::parse(text)));
  for (auto const& text : f.texts("prove_dns")) scope.prove_dns.push_back(f.take(x509::DnsName::parse(text)));
  for (auto const& text : f.texts("grant_ip")) scope.grant_ip.push_back(f.take(x509::IpBlock::parse(text)));
  for (auto const& text : f.texts("prove_ip")) scope.prove_ip.push_back(f.take(x509::IpBlock::parse(text)));
  scope.profiles = f.texts("profiles");
  scope.issuer = f.text_or_empty("issuer");
  scope.issue_until = f.maybe_time("issue_until");
  if (auto most = f.maybe_time("live_names_max")) scope.live_names_max = static_cast<std::size_t>(to_unix(*most));
  return scope;
}

EabRecord read_eab_record(std::string_view kid, std::string_view record) {
  Fields f(kEabKeys, kid, record);
  EabRecord eab;
  eab.key.kid = std::string(kid);
  eab.key.scope = read_scope(f.inside(*f.object("scope")));
  eab.key.bind_by = f.maybe_time("bind_by");
  eab.key.use = f.text("use") == "single" ? EabUse::single : EabUse::many;
  eab.key.accounts = static_cast<std::size_t>(f.integer("accounts"));
  eab.key.revoked = f.flag("revoked");
  eab.key.created = f.time("created");
  eab.sealed_mac = f.text("mac");
  return eab;
}

constexpr std::size_t kKeysRemembered = 64;  // those at work; each is some hundred octets, more with many names

EabRecord recall_eab_record(std::string_view kid, std::string_view record) {
  static Memo<EabRecord> keys(kKeysRemembered);  // a function's memory, not a state: see memo.h
  return keys.of(kid, record, read_eab_record);
}

}  // namespace

std::optional<EabRecord> load_eab(ReadTxn& txn, std::string_view kid) {
  if (kid.empty() || kid.size() > store::kKeyBytesMax) return std::nullopt;
  auto record = txn.get(kEabKeys, kid);
  if (!record) return std::nullopt;
  return recall_eab_record(kid, *record);
}

void save_eab(WriteTxn& txn, EabRecord const& eab) {
  auto object = new_record();
  object.set("scope", scope_to_json(eab.key.scope));
  set_time(object, "bind_by", eab.key.bind_by);
  object.set("use", eab.key.use == EabUse::single ? "single" : "many");
  object.set("accounts", eab.key.accounts);
  object.set("revoked", eab.key.revoked);
  object.set("created", to_unix(eab.key.created));
  object.set("mac", eab.sealed_mac);
  txn.put(kEabKeys, eab.key.kid, json::write(object));
}

void visit_eab(ReadTxn& txn, std::function<bool(EabRecord const&)> const& visit) {
  txn.scan(kEabKeys, "",
           [&](std::string_view kid, std::string_view record) { return visit(read_eab_record(kid, record)); });
}

void save_eab_account(WriteTxn& txn, std::string_view kid, std::string_view account) {
  txn.put(kEabAccounts, joined(kid, account), "");
}

std::vector<std::string> list_eab_accounts(ReadTxn& txn, std::string_view kid, std::size_t count) {
  std::vector<std::string> ids;
  store::scan_prefix(txn, kEabAccounts, std::string(kid) + "/", [&](std::string_view key, std::string_view) {
    if (ids.size() >= count) return false;
    ids.push_back(after_slash(key));
    return true;
  });
  return ids;
}

Result<Scope> load_scope(ReadTxn& txn, Account const& account, Policy const& policy) {
  auto eab = account.eab_kid.empty() ? std::nullopt : load_eab(txn, account.eab_kid);
  TRY(auto const* scope, scope_for(account.eab_kid, eab ? &eab->key : nullptr, policy));
  return *scope;
}

}  // namespace lenscap::acme
