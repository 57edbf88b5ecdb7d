#include "acme/server/audit_changes.h"

#include <vector>

#include "acme/server/records/meta.h"
#include "base/digest.h"
#include "base/json.h"
#include "ca/audit.h"

namespace lenscap::acme {

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
