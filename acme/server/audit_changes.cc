#include "acme/server/audit_changes.h"

#include <vector>

#include "acme/server/backup_note.h"
#include "acme/server/records/meta.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "ca/audit.h"
#include "ca/installed_issuers.h"
#include "ca/root_crl_file.h"

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

std::string yes_or_no(bool is_so) { return is_so ? "yes" : "no"; }

}  // namespace

// --- what is installed ---

namespace {

// Issuers and roots: as a server has taken them, or as they lie in the state directory.
struct Installed {
  struct Issuer {
    ca::IssuerRule rule;
    x509::Certificate certificate;
    std::string key;  // where it is: a file, or the URI of a token
  };
  std::vector<Issuer> issuers;
  std::vector<x509::Certificate> roots;
  std::vector<std::optional<ca::RootCrl>> lists;  // of the roots; empty where they are a parent's
  x509::Certificate leader;                       // the root that chains lead to
};

std::map<std::string, std::string> places_of_keys(Settings const& settings) {
  std::map<std::string, std::string> places{{ca::kDefaultIssuer, settings.ca_key}};
  if (auto const issuers = ca::load_issuers(settings.state_dir); issuers.ok())
    for (auto const& each : *issuers)
      if (each.name != ca::kDefaultIssuer) places[each.name] = each.key;
  return places;
}

Installed taken_by(ca::Authority const& authority, Settings const& settings) {
  Installed all{{}, authority.roots().roots, authority.root_crls(), authority.root_certificate()};
  auto keys = places_of_keys(settings);
  for (auto const& each : authority.issuers()) {
    auto const& key = keys[each.rule.name];
    all.issuers.push_back({each.rule, each.issuer->certificate(), key.empty() ? "unknown" : key});
  }
  if (all.roots.empty()) all.roots.push_back(all.leader);
  return all;
}

Result<Installed> lying_in(Settings const& settings) {
  TRY(auto installed, ca::load_issuers(settings.state_dir));
  TRY(auto const roots, ca::load_known_roots(settings.state_dir, installed.front().chain.root()));
  std::vector<std::optional<ca::RootCrl>> lists;
  if (!installed.front().chain.has_parent) {
    TRY(lists, ca::load_root_crls(settings.state_dir, roots));
  }
  installed = ca::as_chains_lead(std::move(installed), roots);
  Installed all{{}, roots.roots, std::move(lists), installed.front().chain.root()};
  auto rules = ca::rules_of(installed, {});
  for (std::size_t i = 0; i < rules.size(); ++i)
    all.issuers.push_back({std::move(rules[i]), installed[i].chain.issuing,
                           installed[i].name == ca::kDefaultIssuer ? settings.ca_key : installed[i].key});
  return all;
}

std::string text_of_place(Settings const& settings, std::string const& place) {
  if (settings.signer.socket.empty()) return place;
  auto text = "with the signer at " + settings.signer.socket;
  constexpr std::string_view kFile = "file:";
  if (!place.starts_with(kFile)) return text;
  auto const file = place.substr(kFile.size());
  auto const path = file.starts_with("/") ? file : settings.state_dir + "/" + file;
  return file_exists(path) ? text + ", and still here: " + place : text;
}

Inventory inventory_of(Settings const& settings, Installed const& installed) {
  Inventory all;
  for (auto const& [rule, certificate, key] : installed.issuers) {
    auto& text = all["issuer " + rule.name];
    text = "certificate " + certificate.serial_hex() + " of \"" + certificate.subject() + "\", SHA-256 " +
           to_hex(certificate.fingerprint());
    if (rule.revoked_at) text += ", revoked since " + to_rfc3339(*rule.revoked_at);
    all["key of issuer " + rule.name] = text_of_place(settings, key);
  }
  for (std::size_t i = 0; i < installed.roots.size(); ++i) {
    auto const name = to_hex(installed.roots[i].fingerprint());
    all["root " + name] = "\"" + installed.roots[i].subject() + "\"";
    if (file_exists(ca::root_directory(settings.state_dir, i) + "/root.key"))
      all["key of root " + name] = "on this machine";
    if (i >= installed.lists.size() || !installed.lists[i]) continue;
    auto const& list = *installed.lists[i];
    all["list of root " + name] = "number " + std::to_string(list.number) + ", good until " +
                                  to_rfc3339(list.next_update) + ", " + std::to_string(list.revoked.size()) +
                                  " revoked";
  }
  all["root of chains"] = to_hex(installed.leader.fingerprint());
  return all;
}

}  // namespace

Inventory what_is_installed(Settings const& settings, ca::Authority const& authority) {
  auto all = inventory_of(settings, taken_by(authority, settings));
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

std::string text_of(ca::IssuerRule const& rule) {
  auto text = "profiles " + (rule.profiles.empty() ? "all" : joined(rule.profiles));
  if (rule.constraints) text += "; names " + rule.constraints->text();
  if (rule.active_from != Time::min()) text += "; from " + to_rfc3339(rule.active_from);
  if (rule.retired_from != Time::max()) text += "; until " + to_rfc3339(rule.retired_from);
  return text;
}

void add_issuers(ca::Authority const& authority, Inventory& all) {
  for (auto const& profile : authority.profiles()) all["profile " + profile.name] = to_hex(profile.hash());
  for (auto const& each : authority.issuers()) all["issuer " + each.rule.name] = text_of(each.rule);
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

Result<OnDisk> what_lies_on_disk(Settings const& settings) {
  TRY(auto const installed, lying_in(settings));
  OnDisk all{inventory_of(settings, installed), {}};
  for (auto const& each : installed.issuers) all.rules["issuer " + each.rule.name] = text_of(each.rule);
  return all;
}

// --- what differs ---

namespace {

constexpr std::string_view kInstalled = "audit_installed";
constexpr std::string_view kBinding = "audit_binding";
constexpr std::string_view kExplained = "audit_explained";  // what commands said of themselves, until it is seen

// Of a thing that begins so.
struct Kind {
  std::string_view begin;
  ca::AuditEvent event;
};
constexpr Kind kKinds[] = {
    {"issuer ", ca::AuditEvent::issuer_changed}, {"key of ", ca::AuditEvent::key_moved},
    {"root ", ca::AuditEvent::root_changed},     {"list of root ", ca::AuditEvent::root_changed},
    {"back-up", ca::AuditEvent::backup_made},
};
std::optional<ca::AuditEvent> find_event(std::string_view thing) {
  for (auto const& kind : kKinds)
    if (thing.starts_with(kind.begin)) return kind.event;
  return std::nullopt;
}
ca::AuditEvent event_of(std::string_view thing) {
  if (auto const event = find_event(thing)) return *event;
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
  std::string is;  // empty: it is gone
  std::string was;

  std::string text() const {
    if (is.empty()) return "gone; it was " + was;
    return was.empty() ? "new: " + is : is + "; it was " + was;
  }
};
std::vector<Difference> differences(Inventory const& was, Inventory const& is) {
  std::vector<Difference> found;
  for (auto const& [thing, text] : was)
    if (!is.contains(thing)) found.push_back({thing, "", text});
  for (auto const& [thing, text] : is) {
    auto const former = was.find(thing);
    if (former == was.end())
      found.push_back({thing, text, ""});
    else if (former->second != text)
      found.push_back({thing, text, former->second});
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

// --- who did it, where a command has said so ---

// Who makes a difference, as the audit trail tells it.
struct Doer {
  std::string actor = "server";  // it sees it, and cannot know
  std::string command = {};
  std::string at = {};

  std::string told() const { return command.empty() ? "" : "; by " + command + " at " + at; }
  bool operator==(Doer const&) const = default;
};

constexpr std::string_view kOfInstalled = "installed ";
constexpr std::string_view kOfRules = "rules ";

// What the thing is by now goes with it, so that no other change of the same thing is laid to anybody.
std::string to_text(Doer const& doer, std::string const& is) {
  return json::write(json::Object{{"is", is}, {"actor", doer.actor}, {"command", doer.command}, {"at", doer.at}});
}

// Takes it out: it explains one difference.
Doer take_doer(Inventory& explained, std::string_view kind, Difference const& difference) {
  auto const found = explained.find(std::string(kind) + difference.thing);
  if (found == explained.end()) return {};
  auto const object = json::parse_object(found->second);
  auto const word = [&](std::string_view name) {
    auto const* value = object.ok() ? object->find(name) : nullptr;
    auto const* text = value == nullptr ? nullptr : value->as_string();
    return text == nullptr ? std::string() : *text;
  };
  if (word("command").empty() || word("is") != difference.is) return {};
  explained.erase(found);
  return {word("actor"), word("command"), word("at")};
}

// One entry tells of all rules: it is somebody's when all of it is.
Doer take_doer_of_all(Inventory& explained, std::vector<Difference> const& rules) {
  std::optional<Doer> all;
  for (auto const& each : rules) {
    auto doer = take_doer(explained, kOfRules, each);
    if (all && *all != doer) doer = {};
    all = std::move(doer);
  }
  return all.value_or(Doer{});
}

void write(store::WriteTxn& txn, Compared const& found, Inventory const& installed, Inventory const& binding,
           Time now) {
  auto explained = load(txn, kExplained);
  for (auto const& each : found.installed) {
    auto const doer = take_doer(explained, kOfInstalled, each);
    ca::append_audit(txn, {.at = now,
                           .event = event_of(each.thing),
                           .actor = doer.actor,
                           .subject = each.thing,
                           .rule = doer.command,
                           .detail = each.text() + doer.told()});
  }
  std::string rules;
  for (auto const& each : found.binding) rules += (rules.empty() ? "" : "\n") + each.thing + ": " + each.text();
  if (!rules.empty()) {
    auto const doer = take_doer_of_all(explained, found.binding);
    ca::append_audit(txn, {.at = now,
                           .event = ca::AuditEvent::policy_changed,
                           .actor = doer.actor,
                           .subject = to_hex(sha256(to_bytes(to_text(binding)))),
                           .rule = doer.command,
                           .detail = rules + doer.told()});
  }
  save_meta(txn, kInstalled, to_text(installed));
  save_meta(txn, kBinding, to_text(binding));
  save_meta(txn, kExplained, to_text(explained));
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

// --- what a command says of itself ---

Changed changed_between(OnDisk const& before, OnDisk const& after) {
  Changed changed;
  for (auto const& each : differences(before.installed, after.installed)) changed.installed[each.thing] = each.is;
  for (auto const& each : differences(before.rules, after.rules)) changed.rules[each.thing] = each.is;
  return changed;
}

namespace {

json::Object object_of(Inventory const& all) {
  json::Object object;
  for (auto const& [thing, is] : all) object.add(thing, is);
  return object;
}

// That of what matters most: with an issuer or a root comes its key.
ca::AuditEvent event_of(Changed const& changed) {
  auto event = ca::AuditEvent::policy_changed;
  for (auto const& each : changed.installed) {
    event = event_of(each.first);
    if (event != ca::AuditEvent::key_moved) break;
  }
  return event;
}

Result<Inventory> read_inventory(json::Object const& arguments, std::string_view name) {
  Inventory all;
  TRY(auto const object, json::need_object(arguments, name));
  for (auto const& member : object.members()) {
    auto const* is = member.second.as_string();
    if (is == nullptr) return Error(Errc::malformed, std::string(name) + ": " + member.first + " is no text");
    all[member.first] = *is;
  }
  return all;
}

}  // namespace

json::Object to_json(Changed const& changed) {
  return {{"installed", object_of(changed.installed)}, {"rules", object_of(changed.rules)}};
}

Result<Changed> read_changed(json::Object const& arguments) {
  Changed changed;
  TRY(changed.installed, read_inventory(arguments, "installed"));
  TRY(changed.rules, read_inventory(arguments, "rules"));
  for (auto const& each : changed.installed)
    if (!find_event(each.first)) return Error(Errc::malformed, "nothing that is audited is called " + each.first);
  return changed;
}

void note_changed(store::WriteTxn& txn, Changed const& changed, std::string const& actor, std::string const& command,
                  Time now) {
  if (changed.is_nothing()) return;
  auto explained = load(txn, kExplained);
  Doer const doer{actor, command, to_rfc3339(now)};
  std::string things, texts;
  auto const add = [&](std::string_view kind, std::string const& thing, std::string const& is) {
    explained[std::string(kind) + thing] = to_text(doer, is);
    auto const name = kind == kOfRules ? "rules of " + thing : thing;
    things += (things.empty() ? "" : ", ") + name;
    texts += (texts.empty() ? "" : "\n") + name + ": " + (is.empty() ? "gone" : is);
  };
  for (auto const& [thing, is] : changed.installed) add(kOfInstalled, thing, is);
  for (auto const& [thing, is] : changed.rules) add(kOfRules, thing, is);
  ca::append_audit(
      txn,
      {.at = now, .event = event_of(changed), .actor = actor, .subject = things, .rule = command, .detail = texts});
  save_meta(txn, kExplained, to_text(explained));
}

}  // namespace lenscap::acme
