#include "acme/server/audit_changes.h"

#include <vector>

#include "acme/server/backup_note.h"
#include "acme/server/records/meta.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "ca/audit.h"
#include "ca/installed_issuers.h"

namespace lenscap::acme {
namespace {

std::string joined(std::vector<std::string> const& all) {
  std::string text;
  for (auto const& each : all) text += (text.empty() ? "" : ", ") + each;
  return text.empty() ? "none" : text;
}

template <class Item>
std::string texts_of(std::vector<Item> const& all) {
  std::vector<std::string> texts;
  texts.reserve(all.size());
  for (auto const& each : all) texts.push_back(each.text());
  return joined(texts);
}

// By the issuer's name: a file, or the URI of a token.
std::map<std::string, std::string> places_of_keys(Settings const& settings) {
  std::map<std::string, std::string> places{{ca::kDefaultIssuer, settings.ca_key}};
  if (auto const issuers = ca::load_issuers(settings.state_dir); issuers.ok())
    for (auto const& each : *issuers)
      if (each.name != ca::kDefaultIssuer) places[each.name] = each.key;
  return places;
}

std::string yes_or_no(bool is_so) { return is_so ? "yes" : "no"; }

}  // namespace

// --- what is installed ---

Inventory what_is_installed(Settings const& settings, ca::Authority const& authority) {
  Inventory all;
  auto const keys = places_of_keys(settings);
  for (auto const& each : authority.issuers()) {
    auto const& certificate = each.issuer->certificate();
    all["issuer " + each.rule.name] = "certificate " + certificate.serial_hex() + " of \"" + certificate.subject() +
                                      "\", SHA-256 " + to_hex(certificate.fingerprint());
    auto const key = keys.find(each.rule.name);
    auto const place = key == keys.end() ? std::string("unknown") : key->second;
    all["key of issuer " + each.rule.name] =
        settings.signer.socket.empty() ? place : "with the signer at " + settings.signer.socket;
  }
  auto roots = authority.roots().roots;
  if (roots.empty()) roots.push_back(authority.root_certificate());
  for (std::size_t i = 0; i < roots.size(); ++i) {
    auto const name = to_hex(roots[i].fingerprint());
    all["root " + name] = "\"" + roots[i].subject() + "\"";
    auto const key = ca::root_directory(settings.state_dir, i) + "/root.key";
    if (file_exists(key)) all["key of root " + name] = "on this machine";
  }
  all["root of chains"] = to_hex(authority.root_certificate().fingerprint());
  if (auto const last = last_backup(settings.state_dir); last.ok() && *last) all["back-up"] = to_rfc3339(**last);
  return all;
}

// --- what binds issuing ---

namespace {

std::string text_of(Scope const& scope) {
  return "granted " + texts_of(scope.grant_dns) + ", " + texts_of(scope.grant_ip) + "; to be proved " +
         texts_of(scope.prove_dns) + ", " + texts_of(scope.prove_ip) + "; profiles " + joined(scope.profiles) +
         (scope.issuer.empty() ? std::string() : "; by the issuer " + scope.issuer);
}

std::string text_of(CaaMode mode) {
  switch (mode) {
    case CaaMode::off:
      return "off";
    case CaaMode::lenient:
      return "lenient";
    case CaaMode::strict:
      return "strict";
  }
  bug("unknown CaaMode");
}

std::string text_of(Dnssec dnssec) {
  switch (dnssec) {
    case Dnssec::off:
      return "off";
    case Dnssec::if_signed:
      return "if-signed";
    case Dnssec::require:
      return "require";
  }
  bug("unknown Dnssec");
}

void add_names(Settings const& settings, Inventory& all) {
  auto const& rules = settings.name_rules;
  std::pair<char const*, std::vector<std::string> const&> const lists[] = {
      {"permit_dns", settings.permit_dns},
      {"permit_ip", settings.permit_ip},
      {"permit_email", rules.permit_email},
      {"permit_uri", rules.permit_uri},
      {"permit_directory", rules.permit_directory},
      {"exclude_dns", rules.exclude_dns},
      {"exclude_ip", rules.exclude_ip},
      {"exclude_email", rules.exclude_email},
      {"exclude_uri", rules.exclude_uri},
      {"exclude_directory", rules.exclude_directory},
  };
  for (auto const& [name, list] : lists) all["ca." + std::string(name)] = joined(list);
}

void add_issuers(ca::Authority const& authority, Inventory& all) {
  for (auto const& profile : authority.profiles()) all["profile " + profile.name] = to_hex(profile.hash());
  for (auto const& each : authority.issuers()) {
    auto const& rule = each.rule;
    auto text = "profiles " + (rule.profiles.empty() ? "all" : joined(rule.profiles));
    if (rule.constraints) text += "; names " + rule.constraints->text();
    if (rule.active_from != Time::min()) text += "; from " + to_rfc3339(rule.active_from);
    if (rule.retired_from != Time::max()) text += "; until " + to_rfc3339(rule.retired_from);
    all["issuer " + rule.name] = text;
  }
}

void add_proofs(Settings const& settings, Inventory& all) {
  all["acme.challenges"] = joined(settings.challenges);
  all["acme.allow_wildcards"] = yes_or_no(settings.allow_wildcards);
  all["acme.http_port"] = std::to_string(settings.http_port);
  all["acme.tls_port"] = std::to_string(settings.tls_port);
  all["acme.redirects"] = yes_or_no(settings.redirects);
  all["acme.may_reach"] = texts_of(settings.may_reach);
  all["acme.resolver"] = joined(settings.resolver.servers);
  all["acme.dnssec"] = text_of(settings.resolver.dnssec);
  all["acme.caa"] = text_of(settings.caa);
  all["acme.caa_identities"] = joined(settings.caa_identities);
}

void add_limits(Settings const& settings, Inventory& all) {
  all["signer.per_minute"] = std::to_string(settings.signer.caps.per_minute);
  all["signer.per_day"] = std::to_string(settings.signer.caps.per_day);
  all["signer.process"] = yes_or_no(settings.signer.process);
  all["acme.pending_orders"] = std::to_string(settings.pending_orders);
  auto const& limits = settings.limits;
  all["acme.limits.new_accounts"] = to_string(limits.new_accounts);
  all["acme.limits.eab_failures"] = to_string(limits.eab_failures);
  all["acme.limits.account_changes"] = to_string(limits.account_changes);
  all["acme.limits.new_orders"] = to_string(limits.new_orders);
  all["acme.limits.orders_for_name"] = to_string(limits.orders_for_name);
  all["acme.limits.failed_validations"] = to_string(limits.failed_validations);
  all["acme.limits.validations_of_network"] = to_string(limits.validations_of_network);
  all["acme.limits.validations_at_host"] = std::to_string(limits.validations_at_host);
}

}  // namespace

Inventory what_binds_issuing(Settings const& settings, ca::Authority const& authority) {
  Inventory all;
  add_names(settings, all);
  add_issuers(authority, all);
  add_proofs(settings, all);
  add_limits(settings, all);
  all["ca.profiles"] = joined(settings.profiles);
  all["acme.eab_required"] = yes_or_no(settings.eab_required);
  if (!settings.eab_required) all["acme.open"] = text_of(settings.open_scope);
  all["acme.terms_of_service"] = settings.terms_of_service.empty() ? "none" : settings.terms_of_service;
  return all;
}

// --- what differs ---

namespace {

constexpr std::string_view kInstalled = "audit_installed";
constexpr std::string_view kBinding = "audit_binding";

// Of a thing that begins so.
struct Kind {
  std::string_view begin;
  ca::AuditEvent event;
};
constexpr Kind kKinds[] = {
    {"issuer ", ca::AuditEvent::issuer_changed},
    {"key of ", ca::AuditEvent::key_moved},
    {"root ", ca::AuditEvent::root_changed},
    {"back-up", ca::AuditEvent::backup_made},
};
ca::AuditEvent event_of(std::string_view thing) {
  for (auto const& kind : kKinds)
    if (thing.starts_with(kind.begin)) return kind.event;
  bug("an audited thing without event");
}

std::string to_text(Inventory const& all) {
  json::Object object;
  for (auto const& [thing, is] : all) object.add(thing, is);
  return json::write(object);
}

// What stands in the store. One that cannot be read counts as none: then everything is told anew.
Inventory load(store::ReadTxn& txn, std::string_view name) {
  Inventory all;
  auto const text = load_meta(txn, name);
  if (!text) return all;
  auto const object = json::parse_object(*text, {.bytes = std::size_t{16} << 20, .depth = 1, .members = 100'000});
  if (!object) return all;
  for (auto const& member : object->members())
    if (auto const* is = member.second.as_string()) all[member.first] = *is;
  return all;
}

struct Difference {
  std::string thing;
  std::string text;
};
std::vector<Difference> differences(Inventory const& was, Inventory const& is) {
  std::vector<Difference> found;
  for (auto const& [thing, text] : was)
    if (!is.contains(thing)) found.push_back({thing, "gone; it was " + text});
  for (auto const& [thing, text] : is) {
    auto const former = was.find(thing);
    if (former == was.end())
      found.push_back({thing, "new: " + text});
    else if (former->second != text)
      found.push_back({thing, text + "; it was " + former->second});
  }
  return found;
}

struct Compared {
  std::vector<Difference> installed, binding;
  bool is_same() const { return installed.empty() && binding.empty(); }
};
Compared compare(store::ReadTxn& txn, Inventory const& installed, Inventory const& binding) {
  return {differences(load(txn, kInstalled), installed), differences(load(txn, kBinding), binding)};
}

void write(store::WriteTxn& txn, Compared const& found, Inventory const& installed, Inventory const& binding,
           Time now) {
  for (auto const& each : found.installed)
    ca::append_audit(txn, {.at = now,
                           .event = event_of(each.thing),
                           .actor = "server",
                           .subject = each.thing,
                           .rule = "",
                           .detail = each.text});
  std::string rules;
  for (auto const& each : found.binding) rules += (rules.empty() ? "" : "\n") + each.thing + ": " + each.text;
  if (!rules.empty())
    ca::append_audit(txn, {.at = now,
                           .event = ca::AuditEvent::policy_changed,
                           .actor = "server",
                           .subject = to_hex(sha256(to_bytes(to_text(binding)))),
                           .rule = "",
                           .detail = rules});
  save_meta(txn, kInstalled, to_text(installed));
  save_meta(txn, kBinding, to_text(binding));
}

}  // namespace

void note_changes(store::Store& store, Settings const& settings, ca::Authority const& authority, Time now) {
  auto const installed = what_is_installed(settings, authority);
  auto const binding = what_binds_issuing(settings, authority);
  bool is_same = false;
  store.read([&](store::ReadTxn& txn) { is_same = compare(txn, installed, binding).is_same(); });
  if (is_same) return;
  store.write([&](store::WriteTxn& txn) {
    write(txn, compare(txn, installed, binding), installed, binding, now);
    return true;
  });
}

}  // namespace lenscap::acme
