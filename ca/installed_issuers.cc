#include "ca/installed_issuers.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/acting_as.h"
#include "base/config.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/file_set.h"
#include "base/json.h"
#include "ca/issued_by.h"
#include "ca/parent_rules.h"
#include "ca/root_crl_file.h"

namespace lenscap::ca {
namespace {

std::string folder_of_all(std::string const& state_dir) { return state_dir + "/issuers"; }

}  // namespace

std::string issuer_directory(std::string const& state_dir, std::string const& name) {
  return folder_of_all(state_dir) + "/" + name;
}

// --- names and notes ---

Result<> check_issuer_name(std::string_view name) {
  constexpr std::size_t kNameMax = 32;
  auto const is_allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (name.empty() || name.size() > kNameMax || name.front() == '-' || !std::ranges::all_of(name, is_allowed))
    return Error(Errc::usage, "\"" + std::string(name) +
                                  "\" is no name for an issuer: give up to 32 lower-case letters, digits and hyphens");
  if (name == kDefaultIssuer)
    return Error(Errc::usage, "\"" + std::string(name) + "\" is the issuer that init made; give another name");
  return {};
}

Result<IssuerNote> parse_issuer_note(std::string_view toml, std::string_view file_name) {
  TRY(auto reader, config::Reader::parse(toml, file_name));
  IssuerNote note;
  note.profiles = reader.strings("profiles", {});
  note.replaces = reader.string("replaces", "");
  note.key = reader.string("key", "");
  if (!note.key.empty() && !note.key.starts_with("pkcs11:"))
    reader.refuse("key", "must be a pkcs11: URI; without it the key is the file issuing.key beside this one");
  auto const from = reader.string("active_from", "");
  if (!from.empty()) {
    auto const time = parse_rfc3339(from);
    if (time.ok())
      note.active_from = *time;
    else
      reader.refuse("active_from", "must be a time such as \"2026-07-01T00:00:00Z\"");
  }
  if (!note.replaces.empty() && !note.active_from)
    reader.refuse("replaces", "needs active_from, too: when the other issuer stops, this one begins");
  CHECK_OK(reader.finish());
  return note;
}

std::string to_toml(IssuerNote const& note) {
  std::string text = "profiles = [";
  for (auto const& profile : note.profiles) text += (text.ends_with('[') ? "\"" : ", \"") + profile + "\"";
  text += "]  # that it serves; empty: all\n";
  if (note.active_from) text += "active_from = \"" + to_rfc3339(*note.active_from) + "\"\n";
  if (!note.replaces.empty()) text += "replaces = \"" + note.replaces + "\"  # signs nothing from then on\n";
  if (!note.key.empty()) text += "key = " + json::write(json::Value(note.key)) + "  # in a token\n";
  return text;
}

// --- reading ---

namespace {

// What is above it, as its own file says.
Result<InstalledIssuer> read_folder(std::string const& state_dir, std::string const& name, bool has_parent) {
  auto const folder = issuer_directory(state_dir, name);
  TRY(auto const pem, read_file(folder + "/issuing.pem"));
  auto chain = x509::parse_pem_chain(pem);
  if (!chain.ok()) return std::move(chain).error().with_context(folder + "/issuing.pem: ");
  std::vector<x509::Certificate> above(chain->begin() + 1, chain->end());
  TRY(auto const text, read_file(folder + "/issuer.toml"));
  TRY(auto note, parse_issuer_note(text, folder + "/issuer.toml"));
  auto key = note.key.empty() ? "file:issuers/" + name + "/issuing.key" : note.key;
  return InstalledIssuer{name, {chain->front(), std::move(above), has_parent}, std::move(key), std::move(note)};
}

bool leads_to(InstalledChain const& chain, x509::Certificate const& root) {
  auto const* below = &chain.issuing;
  for (auto const& each : chain.above) {
    if (!is_issued_by(*below, each)) return false;
    below = &each;
  }
  return *below == root;
}

// The parent's chain of whoever signed it may have been renewed since, for the same key.
Result<> put_below(InstalledIssuer& issuer, InstalledIssuer const& signer, std::string const& file) {
  auto const& own = signer.chain;
  if (auto const* full = who_leaves_no_room(own.issuing, own.above))
    return Error(Errc::settings, "the path length of the certificate of " + full->subject() +
                                     " leaves no room for the issuer of " + file +
                                     ": ask the parent for a longer one, or move the folder away");
  issuer.chain.above = {own.issuing};
  issuer.chain.above.insert(issuer.chain.above.end(), own.above.begin(), own.above.end());
  return {};
}

// What stands above each. An issuer that one of ours has signed signs no other.
Result<> look_above(std::string const& state_dir, std::vector<InstalledIssuer>& all) {
  auto const& root = all.front().chain.root();
  for (std::size_t i = 1; i < all.size(); ++i) {
    auto const has_signed_it = [&](InstalledIssuer const& each) {
      return &each != &all[i] && is_issued_by(all[i].chain.issuing, each.chain.issuing);
    };
    auto const signer = all.front().chain.has_parent ? std::ranges::find_if(all, has_signed_it) : all.end();
    if (signer != all.end())
      all[i].signed_by = signer->name;
    else if (!leads_to(all[i].chain, root))
      return Error(
          Errc::settings,
          issuer_directory(state_dir, all[i].name) + "/issuing.pem " +
              (all.front().chain.has_parent
                   ? "was not signed by " + all.front().chain.issuing.subject() +
                         ", the issuing certificate of this CA, and does not lead up to the root of this CA, " +
                         root.subject() +
                         ", by itself: move its folder away, or install a chain for the same key and name"
                   : "does not lead up to the root of this CA, " + root.subject() +
                         ": put the folder back as it was made, or move it away"));
  }
  for (auto& each : all)
    if (!each.signed_by.empty())
      CHECK_OK(put_below(each, *std::ranges::find(all, each.signed_by, &InstalledIssuer::name),
                         issuer_directory(state_dir, each.name) + "/issuing.pem"));
  return {};
}

InstalledIssuer const* find(std::vector<InstalledIssuer> const& all, std::string_view name) {
  auto const found = std::ranges::find(all, name, &InstalledIssuer::name);
  return found == all.end() ? nullptr : &*found;
}

Result<> check_line(std::vector<InstalledIssuer> const& all, InstalledIssuer const& issuer) {
  auto const refuse = [&](std::string const& why) {
    return Error(Errc::settings,
                 "issuers/" + issuer.name + "/issuer.toml: replaces = \"" + issuer.note.replaces + "\": " + why);
  };
  auto const* at = &issuer;
  for (std::size_t steps = 0; !at->note.replaces.empty(); ++steps) {
    at = find(all, at->note.replaces);
    if (at == nullptr) return refuse("there is no such issuer");
    if (steps > all.size()) return refuse("it goes in a circle");
  }
  for (auto const& other : all)
    if (&other != &issuer && !issuer.note.replaces.empty() && other.note.replaces == issuer.note.replaces)
      return refuse(other.name + " replaces it, too");
  return {};
}

Result<> check_all(std::vector<InstalledIssuer> const& all) {
  std::set<Bytes> ids;
  for (auto const& issuer : all) {
    CHECK_OK(check_line(all, issuer));
    if (!ids.insert(issuer.chain.issuing.subject_key_id()).second)
      return Error(Errc::settings, "the issuer " + issuer.name + " has the key of another one: move its folder away");
  }
  return {};
}

Result<> look_into_root_crls(std::string const& state_dir, std::vector<InstalledIssuer>& all) {
  if (all.front().chain.has_parent) return {};  // who lists its issuers elsewhere
  TRY(auto const known, load_known_roots(state_dir, all.front().chain.root()));
  TRY(auto const lists, load_root_crls(state_dir, known));
  for (auto& issuer : all)
    for (std::size_t i = 0; i < lists.size(); ++i) {
      auto const* entry = lists[i] ? lists[i]->find(issuer.chain.issuing.serial_hex()) : nullptr;
      if (entry != nullptr && is_issued_by(issuer.chain.issuing, known.roots[i])) issuer.revoked_at = entry->revoked_at;
    }
  return {};
}

}  // namespace

Result<std::vector<InstalledIssuer>> load_issuers(std::string const& state_dir) {
  TRY(auto own, load_chain(state_dir));
  return load_issuers(state_dir, std::move(own));
}

Result<std::vector<InstalledIssuer>> load_issuers(std::string const& state_dir, InstalledChain own) {
  return load_issuers(state_dir, InstalledIssuer{kDefaultIssuer, std::move(own), "", {}});
}

namespace {

// By name.
Result<std::vector<std::string>> folders(std::string const& state_dir) {
  std::vector<std::string> names;
  TRY(auto const found, names_in(folder_of_all(state_dir)));
  for (auto const& name : found) {
    if (name.starts_with(".")) continue;  // what a create that was broken off has left
    if (name.ends_with(kPendingSuffix)) continue;
    auto const place = issuer_directory(state_dir, name);
    TRY(auto const kind, kind_of(place));
    if (auto const good = check_issuer_name(name); !good || kind != FileKind::directory)
      return Error(Errc::settings, place + " is no folder of an issuer: move it away");
    names.push_back(name);
  }
  return names;
}

}  // namespace

Result<std::vector<InstalledIssuer>> load_issuers(std::string const& state_dir, InstalledIssuer next) {
  auto const name_of_next = next.name;
  std::vector<InstalledIssuer> all;
  if (name_of_next != kDefaultIssuer) {
    TRY(auto own, load_chain(state_dir));
    all.push_back({kDefaultIssuer, std::move(own), "", {}});
  }
  all.push_back(std::move(next));
  TRY(auto const names, folders(state_dir));
  for (auto const& name : names) {
    if (name == name_of_next) continue;
    TRY(auto issuer, read_folder(state_dir, name, all.front().chain.has_parent));
    all.push_back(std::move(issuer));
  }
  std::ranges::sort(all.begin() + 1, all.end(), {}, &InstalledIssuer::name);
  CHECK_OK(look_above(state_dir, all));
  CHECK_OK(check_all(all));
  CHECK_OK(look_into_root_crls(state_dir, all));
  return all;
}

InstalledIssuer const& in_charge(std::vector<InstalledIssuer> const& all, Time now) {
  return all[default_at(rules_of(all, {}), now)];
}

std::vector<InstalledIssuer> as_chains_lead(std::vector<InstalledIssuer> issuers, KnownRoots const& known) {
  for (auto& each : issuers) {
    auto ways = ways_up(each.chain.above, known);
    each.chain.above = std::move(ways.front());
  }
  return issuers;
}

std::vector<InstalledIssuer const*> line_of(std::vector<InstalledIssuer> const& all, std::string_view name) {
  auto const* at = find(all, name);
  if (at == nullptr) return {};
  while (!at->note.replaces.empty()) at = find(all, at->note.replaces);
  std::vector<InstalledIssuer const*> line;
  while (at != nullptr) {
    line.push_back(at);
    auto const next = std::ranges::find(all, at->name, [](InstalledIssuer const& each) { return each.note.replaces; });
    at = next == all.end() ? nullptr : &*next;
  }
  return line;
}

std::vector<IssuerRule> rules_of(std::vector<InstalledIssuer> const& issuers, std::vector<NameLimit> const& further) {
  std::vector<IssuerRule> rules;
  for (auto const& issuer : issuers) {
    auto const& [issuing, above, has_parent] = issuer.chain;
    IssuerRule rule{.name = issuer.name, .profiles = issuer.note.profiles, .replaces = issuer.note.replaces};
    rule.is_default = line_of(issuers, issuer.name).front()->name == kDefaultIssuer;
    for (auto const usage : {ExtendedKeyUsage::server_auth, ExtendedKeyUsage::client_auth})
      if (who_forbids(issuing, above, usage) == nullptr) rule.usages.push_back(usage);
    rule.constraints = issuing.name_constraints();
    rule.limits = limits_of(issuing, above);
    rule.limits.insert(rule.limits.end(), further.begin(), further.end());
    rule.begins = issuing.not_before();
    rule.ends = issuing.not_after();
    for (auto const& each : above) {
      rule.begins = std::max(rule.begins, each.not_before());
      rule.ends = std::min(rule.ends, each.not_after());
    }
    rule.active_from = issuer.note.active_from.value_or(Time::min());
    rule.revoked_at = issuer.revoked_at;
    for (auto const& other : issuers)
      if (other.note.replaces == issuer.name && other.note.active_from)
        rule.retired_from = std::min(rule.retired_from, *other.note.active_from);
    rules.push_back(std::move(rule));
  }
  return rules;
}

std::optional<Forbidden> who_forbids(std::vector<InstalledIssuer> const& issuers, Profile const& profile) {
  std::optional<Forbidden> first;
  for (auto const& issuer : issuers) {
    bool is_forbidden = false;
    for (auto const usage : profile.extended_key_usage) {
      auto const* by = who_forbids(issuer.chain.issuing, issuer.chain.above, usage);
      if (by == nullptr) continue;
      is_forbidden = true;
      if (!first)
        first = {"the certificate of " + by->subject(), "its extended key usage does not allow " +
                                                            std::string(to_string(usage)) + ", which the profile " +
                                                            profile.name + " is for"};
    }
    if (!is_forbidden) return std::nullopt;
  }
  return first;
}

// --- writing ---

Result<> install_issuer(std::string const& state_dir, std::string const& name, x509::Certificate const& issuing,
                        std::vector<x509::Certificate> const& above, x509::PrivateKey const* key,
                        SecretBytes const& passphrase, IssuerNote const& note, std::function<Result<>()> const& then) {
  CHECK_OK(check_issuer_name(name));
  TRY(auto const owner, owner_of(state_dir));
  TRY(auto const its_owner, ActingAs::begin(owner));
  auto const all = folder_of_all(state_dir);
  auto const place = all + "/" + name;
  Error const taken(Errc::conflict, "there is an issuer " + name + " already, and nothing was changed");
  std::error_code failed;
  if (std::filesystem::exists(place, failed)) return taken;
  if (failed)
    return Error(Errc::file, place + ": " + failed.message() +
                                 "; what root has made there is given to the user of the service by chown -R");
  CHECK_OK(make_directory(all));
  std::vector<NewFile> files{{"issuing.pem", issuing.pem() + x509::to_pem(above), 0644},
                             {"issuer.toml", to_toml(note), 0644}};
  if (key != nullptr) files.push_back({"issuing.key", key->to_encrypted_pem(passphrase), 0600});
  auto finished = create_directory(place, files);
  if (!finished.ok() && finished.error().code() == Errc::conflict) return taken;
  if (finished.ok()) finished = make_durable(state_dir);
  if (finished.ok() && then) finished = then();
  if (finished.ok()) return {};
  // Who is told that there is no new issuer must not find one; it may be in its place and not durable.
  std::error_code ignored;
  std::filesystem::remove_all(place, ignored);
  return finished;
}

Result<> renew_issuer(std::string const& state_dir, std::string const& name, x509::Certificate const& issuing,
                      std::vector<x509::Certificate> const& above) {
  TRY(auto const owner, owner_of(state_dir));
  TRY(auto const its_owner, ActingAs::begin(owner));
  return replace_files(
      {{issuer_directory(state_dir, name) + "/issuing.pem", issuing.pem() + x509::to_pem(above), 0644}});
}

}  // namespace lenscap::ca
