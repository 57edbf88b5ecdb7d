// lenscap-ca issuer create|list|roll-over: several issuers below the own root. All of it is done beside the server,
// which takes what was made at its next start or reload; the root's key is used and not kept.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>

#include "acme/server/commands/issuers.h"
#include "acme/server/commands/root_key.h"
#include "acme/server/server.h"
#include "base/file.h"
#include "base/text_table.h"
#include "ca/ceremony.h"
#include "ca/further_issuer.h"
#include "ca/installed_issuers.h"
#include "ca/key_holder.h"

namespace lenscap::acme {
namespace {

Result<std::vector<ca::InstalledIssuer>> load_own(CommandLine const& line, Settings const& settings) {
  TRY(auto issuers, ca::load_issuers(line.state));
  if (issuers.front().chain.has_parent)
    return Error(Errc::conflict,
                 "this CA stands below a parent's root, which alone could sign another issuer: make one more CA with "
                 "lenscap-ca init --intermediate instead");
  if (!settings.ca_key.starts_with("file:"))
    return Error(Errc::settings,
                 "ca.key of ca.toml is in a token, and the key of another issuer would lie in a file: make one more CA "
                 "with a key in the token instead");
  return issuers;
}

// Whoever signs opens every issuer's key with one passphrase: it has to be that of the first. Where the signer has a
// user of its own, its keys are not here; signer split moves the new one to them, and looks at that.
Result<SecretBytes> read_own_passphrase(CommandLine const& line, Settings const& settings) {
  TRY(auto passphrase, read_issuing_passphrase(settings));
  if (!settings.signer.socket.empty()) return passphrase;
  TRY(auto const holder, ca::open_key_holder(settings.ca_key, line.state, passphrase));
  return passphrase;
}

struct Wanted {
  std::string name;         // of the folder
  std::string common_name;  // of the certificate
  x509::NameConstraints constraints;
  std::vector<ca::ExtendedKeyUsage> usages;
  ca::IssuerNote note;
};

// Everything that may refuse comes before the folder appears.
Result<ca::InstalledIssuer> make(CommandLine const& line, Settings const& settings, RootKeyOptions const& options,
                                 std::vector<ca::InstalledIssuer> const& issuers, Wanted const& wanted, Time now) {
  if (file_exists(line.state + "/issuers/" + wanted.name + "/issuing.pem"))
    return Error(Errc::conflict, "there is an issuer " + wanted.name + " already, and nothing was changed");
  TRY(auto const roots, ca::load_known_roots(line.state, issuers.front().chain.root()));
  TRY(auto const root_key, open_root_key(line, roots, options));
  TRY(auto const passphrase, read_own_passphrase(line, settings));
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const above = roots.above_newest();
  TRY(auto issuing,
      ca::certify_issuer(roots.newest(), root_key,
                         {settings.ca_name, wanted.common_name, key.public_key(), wanted.constraints, wanted.usages},
                         now));
  for (auto const& each : issuers)
    if (each.chain.issuing.subject() == issuing.subject())
      return Error(Errc::conflict, "the issuer " + each.name + " is called " + issuing.subject() + ", too");
  CHECK_OK(ca::check_chain_names(issuing, above));
  CHECK_OK(ca::install_issuer(line.state, wanted.name, issuing, above, key, passphrase, wanted.note));
  return ca::InstalledIssuer{wanted.name, {std::move(issuing), above, false}, "", wanted.note};
}

// --- telling ---

std::vector<std::string> words_of(std::vector<ca::ExtendedKeyUsage> const& usages) {
  std::vector<std::string> words;
  for (auto const usage : usages) words.emplace_back(to_string(usage));
  return words;
}

json::Object to_json(ca::InstalledIssuer const& issuer, ca::IssuerRule const& rule, Time now) {
  json::Object object{{"name", issuer.name},
                      {"state", to_string(state_at(rule, now))},
                      {"subject", issuer.chain.issuing.subject()},
                      {"sha256", to_hex(issuer.chain.issuing.fingerprint())},
                      {"permits", rule.constraints ? rule.constraints->text() : "everything"},
                      {"usages", json::Value::strings(words_of(rule.usages))},
                      {"profiles", json::Value::strings(rule.profiles)},
                      {"valid_until", to_rfc3339(rule.ends)}};
  if (issuer.note.active_from) object.set("active_from", to_rfc3339(*issuer.note.active_from));
  if (!issuer.note.replaces.empty()) object.set("replaces", issuer.note.replaces);
  if (rule.retired_from != Time::max()) object.set("retired_from", to_rfc3339(rule.retired_from));
  return object;
}

void print_made(CommandLine const& line, ca::InstalledIssuer const& made, std::vector<std::string> const& warnings,
                bool has_signer_of_its_own, Time now) {
  auto const rule = ca::rules_of({{ca::kDefaultIssuer, made.chain, "", {}}}, {}).front();
  if (line.wants_json()) {
    auto own = rule;
    own.name = made.name;
    own.profiles = made.note.profiles;
    own.active_from = made.note.active_from.value_or(Time::min());
    auto object = to_json(made, own, now);
    object.set("warnings", json::Value::strings(warnings));
    print_json(object);
    return;
  }
  for (auto const& warning : warnings) fmt::print(stderr, "warning: {}\n", warning);
  std::string profiles, usages;
  for (auto const& each : made.note.profiles) profiles += (profiles.empty() ? "" : ", ") + each;
  for (auto const& each : words_of(rule.usages)) usages += (usages.empty() ? "" : ", ") + each;
  fmt::print("Made      {}, {}\n          {}\nPermits   {}\nGood for  {}\nProfiles  {}\nValid to  {}\n", made.name,
             made.chain.issuing.subject(), ca::fingerprint_text(made.chain.issuing),
             rule.constraints ? rule.constraints->text() : "everything", usages, profiles.empty() ? "all" : profiles,
             to_rfc3339(rule.ends));
  if (!made.note.replaces.empty())
    fmt::print("Signs     from {} on, in the place of {}\n", to_rfc3339(*made.note.active_from), made.note.replaces);
  fmt::print("\nA server that runs takes it at its next start or reload. Make a back-up: it holds the new key, too.\n");
  if (has_signer_of_its_own)
    fmt::print("The key lies here until lenscap-ca signer split moves it to the signer: do that before the start.\n");
}

// --- create ---

struct CreateOptions {
  std::string site;
  std::vector<std::string> permit_dns, permit_ip, profiles;
  std::vector<std::string> usages{"serverAuth", "clientAuth"};
  RootKeyOptions root;
};

// Each has to be one that the server offers, and good for no more than the issuer will be.
Result<> check_profiles(Settings const& settings, std::vector<std::string> const& names,
                        std::vector<ca::ExtendedKeyUsage> const& usages) {
  std::vector<ca::Profile> known;
  for (auto const& path : authority_settings(settings).profile_files) {
    TRY(auto profile, ca::load_profile(path));
    known.push_back(std::move(profile));
  }
  for (auto const& name : names) {
    auto const found = std::ranges::find(known, name, &ca::Profile::name);
    if (found == known.end())
      return Error(Errc::usage, "there is no profile \"" + name +
                                    "\" among ca.profiles of ca.toml; name it there first, and its file in profiles/");
    for (auto const usage : found->extended_key_usage)
      if (std::ranges::find(usages, usage) == usages.end())
        return Error(Errc::usage, "profile " + name + " is for " + std::string(to_string(usage)) + ": give --usage " +
                                      std::string(to_string(usage)) + ", too");
  }
  return {};
}

Result<ExitCode> create(CommandLine const& line, CreateOptions const& options) {
  CHECK_OK(ca::check_issuer_name(options.site));
  TRY(auto const settings, load_settings(line));
  TRY(auto const issuers, load_own(line, settings));
  Wanted wanted{.name = options.site,
                .common_name = ca::issuer_common_name(settings.ca_name, options.site, 1),
                .constraints = {},
                .usages = {},
                .note = {.profiles = options.profiles}};
  for (auto const usage : {ca::ExtendedKeyUsage::server_auth, ca::ExtendedKeyUsage::client_auth})
    if (std::ranges::find(options.usages, to_string(usage)) != options.usages.end()) wanted.usages.push_back(usage);
  CHECK_OK(check_profiles(settings, options.profiles, wanted.usages));
  TRY(wanted.constraints, ca::constraints_below(issuers.front().chain.root(), options.permit_dns, options.permit_ip));
  auto const now = SystemClock().now();
  TRY(auto const made, make(line, settings, options.root, issuers, wanted, now));
  ca::CeremonySettings permitted;
  permitted.permit_dns = options.permit_dns;
  permitted.permit_ip = options.permit_ip;
  print_made(line, made, ca::ceremony_warnings(permitted), !settings.signer.socket.empty(), now);
  return ExitCode::done;
}

// --- list ---

Result<ExitCode> list(CommandLine const& line) {
  TRY(auto installed, ca::load_issuers(line.state));
  TRY(auto const known, ca::load_known_roots(line.state, installed.front().chain.root()));
  auto const issuers = ca::as_chains_lead(std::move(installed), known);
  auto const rules = ca::rules_of(issuers, {});
  auto const now = SystemClock().now();
  json::Array rows;
  for (std::size_t i = 0; i < issuers.size(); ++i) rows.emplace_back(to_json(issuers[i], rules[i], now));
  json::Object const object{{"issuers", std::move(rows)}};
  if (line.wants_json())
    print_json(object);
  else
    print_table(object, "issuers",
                {{"Issuer", "name"},
                 {"State", "state"},
                 {"Permits", "permits"},
                 {"Good for", "usages"},
                 {"Profiles", "profiles"},
                 {"Valid until", "valid_until"},
                 {"Signs from", "active_from"},
                 {"Retired from", "retired_from"}});
  return ExitCode::done;
}

// --- roll-over ---

struct RollOverOptions {
  std::string of = ca::kDefaultIssuer;
  std::string after = "7d";
  RootKeyOptions root;
};

Result<ExitCode> roll_over(CommandLine const& line, RollOverOptions const& options) {
  TRY(auto const settings, load_settings(line));
  TRY(auto const issuers, load_own(line, settings));
  auto const after = parse_duration(options.after);
  if (!after.ok()) return Error(Errc::usage, "--after: " + after.error().detail());
  auto const of_line = ca::line_of(issuers, options.of);
  if (of_line.empty())
    return Error(Errc::usage, "there is no issuer " + options.of + "; lenscap-ca issuer list shows those that are");
  auto const now = SystemClock().now();
  auto const& old = *of_line.back();
  if (old.note.active_from && now < *old.note.active_from)
    return Error(Errc::conflict, "a roll-over is on its way: " + old.name + " signs from " +
                                     to_rfc3339(*old.note.active_from) + " on; roll over again after that");
  auto const from = now + *after;
  TRY(auto const known, ca::load_known_roots(line.state, issuers.front().chain.root()));
  auto const rules = ca::rules_of(ca::as_chains_lead(issuers, known), {});
  auto const& rule = rules[static_cast<std::size_t>(&old - issuers.data())];
  std::vector<std::string> warnings;
  if (from >= rule.ends)
    warnings.push_back("the old issuer ends at " + to_rfc3339(rule.ends) +
                       ", before the new one signs: nothing can be issued in between; give a shorter --after");
  auto const constraints = old.chain.issuing.name_constraints();
  if (!constraints) return Error(Errc::conflict, "the issuer " + old.name + " has no name constraints to go on with");
  auto const& first = of_line.front()->name;
  auto const generation = static_cast<int>(of_line.size()) + 1;
  Wanted const wanted{
      .name = first + "-" + std::to_string(generation),
      .common_name = ca::issuer_common_name(settings.ca_name, first == ca::kDefaultIssuer ? "" : first, generation),
      .constraints = *constraints,
      .usages = rule.usages,
      .note = {.profiles = old.note.profiles, .active_from = from, .replaces = old.name}};
  TRY(auto const made, make(line, settings, options.root, issuers, wanted, now));
  print_made(line, made, warnings, !settings.signer.socket.empty(), now);
  return ExitCode::done;
}

}  // namespace

void add_issuers(CLI::App& issuer, CommandLine& line) {
  auto made = std::make_shared<CreateOptions>();
  auto* created = issuer.add_subcommand("create", "Make a further issuer below the root, for a site or for profiles");
  created->add_option("--site", made->site, "Its name: lower-case letters, digits and hyphens")->required();
  created->add_option("--permit-dns", made->permit_dns, "DNS suffixes that it may name; inside what the root permits");
  created->add_option("--permit-ip", made->permit_ip, "Networks (CIDR) that it may name; inside what the root permits");
  created->add_option("--profile", made->profiles, "Profiles that it serves; without it all");
  created->add_option("--usage", made->usages, "What its certificates may be good for")
      ->check(CLI::IsMember({"serverAuth", "clientAuth"}))
      ->capture_default_str();
  add_root_key_options(*created, made->root);
  created->footer(
      "Examples:\n"
      "  lenscap-ca issuer create --site plant4 --permit-ip 10.20.4.0/24\n"
      "  lenscap-ca issuer create --site dot1x --profile dot1x --usage clientAuth --root-key /media/usb/root.key");
  created->callback([&line, made] { line.run = [&line, made] { return create(line, *made); }; });

  auto* listed = issuer.add_subcommand("list", "The issuers, and which of them sign");
  listed->footer("Examples:\n  lenscap-ca issuer list\n  lenscap-ca issuer list --output json");
  listed->callback([&line] { line.run = [&line] { return list(line); }; });

  auto rolled = std::make_shared<RollOverOptions>();
  auto* roll = issuer.add_subcommand("roll-over", "Make an issuer that takes the place of another one at a later time");
  roll->add_option("--of", rolled->of, "The issuer that is replaced")->capture_default_str();
  roll->add_option("--after", rolled->after, "How long the new one is published before it signs")
      ->capture_default_str();
  add_root_key_options(*roll, rolled->root);
  roll->footer("Examples:\n  lenscap-ca issuer roll-over\n  lenscap-ca issuer roll-over --of plant4 --after 14d");
  roll->callback([&line, rolled] { line.run = [&line, rolled] { return roll_over(line, *rolled); }; });
}

}  // namespace lenscap::acme
