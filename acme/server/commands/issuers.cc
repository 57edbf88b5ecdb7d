// lenscap-ca issuer create|list|roll-over: several issuers below the own root, or, under a parent, below the issuing
// certificate of this CA. All of it is done beside the server, which takes what was made at its next start or reload;
// the root's key is used and not kept.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>

#include "acme/server/commands/installation.h"
#include "acme/server/commands/issuers.h"
#include "acme/server/commands/on_record.h"
#include "acme/server/commands/root_crl.h"
#include "acme/server/commands/root_key.h"
#include "acme/server/server.h"
#include "base/file.h"
#include "base/passphrase.h"
#include "base/text_table.h"
#include "ca/authority.h"
#include "ca/ceremony.h"
#include "ca/further_issuer.h"
#include "ca/installed_issuers.h"
#include "ca/issuer_request.h"
#include "ca/key_holder.h"
#include "ca/pending_issuer.h"
#include "ca/root_crl_file.h"

namespace lenscap::acme {
namespace {

// --- keys ---

struct KeyOptions {
  RootKeyOptions root;      // below an own root
  std::string issuing_key;  // below a parent, where the signer has a user of its own: a file of his
  std::string key;          // of the new issuer, in a token
};

void add_key_options(CLI::App& command, KeyOptions& options) {
  add_root_key_options(command, options.root);
  command.add_option("--issuing-key", options.issuing_key,
                     "Below a parent, where the signer has a user of its own: the file with the issuing key, which "
                     "--passphrase-file is then for");
  command.add_option("--key", options.key,
                     "A pkcs11: URI (RFC 7512) of a key that a token has for the new issuer; where the issuing key is "
                     "in a token, and with the same PIN");
}

bool is_in_file(Settings const& settings) { return settings.ca_key.starts_with("file:"); }

// Whoever signs opens every issuer's key with one passphrase.
Result<> check_kind_of_key(Settings const& settings, KeyOptions const& options) {
  if (!options.key.empty() && !options.key.starts_with("pkcs11:"))
    return Error(Errc::usage, "--key takes a pkcs11: URI; without it a key is made, and lies in a file");
  if (is_in_file(settings) && !options.key.empty())
    return Error(Errc::usage,
                 "the issuing key of this CA is in a file, and so the key of another issuer cannot be in a token: one "
                 "passphrase opens all, and no module of a token comes into a process that has a key in its memory. "
                 "Make one more CA with lenscap-ca init --key instead");
  if (!is_in_file(settings) && options.key.empty())
    return Error(Errc::usage,
                 "the issuing key of this CA is in a token, and so has to be the key of another issuer: in a file it "
                 "would lie under the PIN, which is no passphrase. Make a key in the token, and give its pkcs11: URI "
                 "with --key");
  return {};
}

struct NewKey {
  x509::PublicKey public_key;
  std::optional<x509::PrivateKey> in_memory;  // none: a token has it
};

Result<NewKey> new_key(CommandLine const& line, KeyOptions const& options, SecretBytes const& passphrase) {
  if (options.key.empty()) {
    auto made = x509::PrivateKey::generate(x509::KeyType::ec_p256);
    auto const key = made.public_key();
    return NewKey{key, std::move(made)};
  }
  TRY(auto const holder, ca::open_key_holder(options.key, line.state, passphrase));
  if (auto const good = x509::check_key(holder->public_key(), false); !good)
    return Error(Errc::usage, "the key of " + options.key + ": " + good.error().detail());
  return NewKey{holder->public_key(), {}};
}

// The key that signs below a parent: that of the issuer in charge.
Result<std::unique_ptr<ca::KeyHolder>> open_own_key(CommandLine const&, Settings const& settings,
                                                    KeyOptions const& options, ca::InstalledIssuer const& signer,
                                                    SecretBytes const& passphrase) {
  if (!options.root.file.empty() || !options.root.shares.empty())
    return Error(Errc::usage,
                 std::string(options.root.file.empty() ? "--share" : "--root-key") +
                     " is for a CA with a root of its own: below a parent the issuing key of this CA signs");
  if (!options.issuing_key.empty()) {
    auto const& words = options.root.passphrase_file;
    TRY(auto const own, read_passphrase(words.empty() ? "prompt" : "file:" + words, "passphrase of the issuing key"));
    return ca::open_key_holder("file:" + options.issuing_key, ".", ca::first_line(own));
  }
  if (is_in_file(settings) && !settings.signer.socket.empty())
    return Error(Errc::usage,
                 "the issuing key is the signer's, and it has to sign: give its file with --issuing-key, as a user who "
                 "may read it, such as --issuing-key /var/lib/lenscap-signer/" +
                     (signer.name == ca::kDefaultIssuer ? "keys" : "issuers/" + signer.name) + "/issuing.key");
  return ca::open_issuer_key(authority_settings(settings), signer, passphrase);
}

// --- making ---

struct Wanted {
  std::string name;         // of the folder
  std::string common_name;  // of the certificate
  x509::NameConstraints constraints;
  std::vector<ca::ExtendedKeyUsage> usages;
  ca::IssuerNote note;
};

struct Certified {
  ca::InstalledChain chain;             // the new certificate and those above it
  std::optional<ca::NextRootCrl> list;  // of an own root: made by the way, since its key is at hand
};

Result<Certified> certify_below_root(CommandLine const& line, Settings const& settings, KeyOptions const& options,
                                     ca::InstalledChain const& own, ca::FurtherIssuer wanted,
                                     SecretBytes const& passphrase, Time now) {
  if (!options.issuing_key.empty())
    return Error(Errc::usage, "--issuing-key is for a CA below a parent: here the root's key signs, see --root-key");
  TRY(auto const roots, ca::load_known_roots(line.state, own.root()));
  TRY(auto const root_key, open_root_key(line, roots, options.root));
  // Where the signer has a user of its own, its keys are not here; signer split moves the new one to them, and looks at
  // the passphrase then.
  if (settings.signer.socket.empty()) CHECK_OK(ca::open_key_holder(settings.ca_key, line.state, passphrase));
  auto above = roots.above_newest();
  if (auto const lists = lists_url(settings); !lists.empty()) wanted.crl_base = lists + ca::crl_path(roots.newest());
  TRY(auto issuing, ca::certify_issuer(roots.newest(), root_key, wanted, now));
  CHECK_OK(ca::check_chain_names(issuing, above));
  TRY(auto list, ca::NextRootCrl::make(line.state, roots, roots.roots.size() - 1, root_key, {}, {}, now));
  return Certified{{std::move(issuing), std::move(above), false}, std::move(list)};
}

Result<Certified> certify_below_parent(CommandLine const& line, Settings const& settings, KeyOptions const& options,
                                       ca::InstalledIssuer const& signer, ca::FurtherIssuer wanted,
                                       SecretBytes const& passphrase, Time now) {
  auto const& own = signer.chain;
  auto const places = authority_settings(settings);
  if (!places.http_url.empty()) wanted.ca_issuers_url = places.http_url + ca::aia_path(own.issuing);
  // Parts of a list are of users' certificates alone (ca/crl.cc): the whole list has this one's place.
  if (!places.http_url.empty() && places.crl_parts == 1) wanted.crl_base = places.http_url + ca::crl_path(own.issuing);
  TRY(auto const key, open_own_key(line, settings, options, signer, passphrase));
  TRY(auto issuing, ca::certify_issuer(own, *key, wanted, now));
  std::vector<x509::Certificate> above{own.issuing};
  above.insert(above.end(), own.above.begin(), own.above.end());
  return Certified{{std::move(issuing), std::move(above), true}, {}};
}

// What a further issuer stands beside or, below a parent, below.
ca::InstalledIssuer const& signer_of(std::vector<ca::InstalledIssuer> const& issuers, Time now) {
  return issuers.front().chain.has_parent ? ca::in_charge(issuers, now) : issuers.front();
}

Result<> check_is_new(x509::PublicKey const& key, std::vector<ca::InstalledIssuer> const& issuers) {
  for (auto const& each : issuers)
    if (each.chain.issuing.key() == key)
      return Error(Errc::conflict, "this is the key of the issuer " + each.name + ": each needs one of its own");
  return {};
}

// Everything that may refuse comes before the folder appears.
Result<ca::InstalledIssuer> make(CommandLine const& line, Settings const& settings, KeyOptions const& options,
                                 std::vector<ca::InstalledIssuer> const& issuers, Wanted wanted, Time now) {
  if (file_exists(line.state + "/issuers/" + wanted.name + "/issuing.pem"))
    return Error(Errc::conflict, "there is an issuer " + wanted.name + " already, and nothing was changed");
  CHECK_OK(check_kind_of_key(settings, options));
  TRY(auto const passphrase, read_issuing_passphrase(settings));
  TRY(auto const key, new_key(line, options, passphrase));
  CHECK_OK(check_is_new(key.public_key, issuers));
  wanted.note.key = options.key;
  auto const& signer = signer_of(issuers, now);
  auto const& own = signer.chain;
  ca::FurtherIssuer const further{settings.ca_name, wanted.common_name, key.public_key, wanted.constraints,
                                  wanted.usages};
  TRY(auto made, own.has_parent ? certify_below_parent(line, settings, options, signer, further, passphrase, now)
                                : certify_below_root(line, settings, options, own, further, passphrase, now));
  auto& chain = made.chain;
  for (auto const& each : issuers)
    if (each.chain.issuing.subject() == chain.issuing.subject())
      return Error(Errc::conflict, "the issuer " + each.name + " is called " + chain.issuing.subject() + ", too");
  if (auto const ends = ca::rules_of({{ca::kDefaultIssuer, chain, "", {}}}, {}).front().ends;
      wanted.note.active_from && *wanted.note.active_from >= ends)
    return Error(Errc::usage, "--after: the new issuer itself would end at " + to_rfc3339(ends) +
                                  ", before it signs anything: give a shorter time");
  CHECK_OK(ca::install_issuer(line.state, wanted.name, chain.issuing, chain.above,
                              key.in_memory ? &*key.in_memory : nullptr, passphrase, wanted.note,
                              [&] { return made.list ? made.list->put_in_place() : Result<>(); }));
  return ca::InstalledIssuer{wanted.name, std::move(chain), options.key, wanted.note};
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
                      {"serial", issuer.chain.issuing.serial_hex()},
                      {"not_after", to_rfc3339(issuer.chain.issuing.not_after())},
                      {"sha256", to_hex(issuer.chain.issuing.fingerprint())},
                      {"permits", rule.constraints ? rule.constraints->text() : "everything"},
                      {"usages", json::Value::strings(words_of(rule.usages))},
                      {"profiles", json::Value::strings(rule.profiles)},
                      {"valid_until", to_rfc3339(rule.ends)}};
  if (issuer.note.active_from) object.set("active_from", to_rfc3339(*issuer.note.active_from));
  if (!issuer.note.replaces.empty()) object.set("replaces", issuer.note.replaces);
  if (rule.retired_from != Time::max()) object.set("retired_from", to_rfc3339(rule.retired_from));
  if (rule.revoked_at) object.set("revoked_at", to_rfc3339(*rule.revoked_at));
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
  bool const has_file = made.note.key.empty();
  fmt::print("\nA server that runs takes it at its next start or reload. Make a back-up{}.\n",
             has_file ? ": it holds the new key, too" : "; the key is in the token alone");
  if (has_signer_of_its_own && !has_file)
    fmt::print("lenscap-ca signer split takes it over to the signer: do that before the start.\n");
  if (has_signer_of_its_own && has_file)
    fmt::print("The key lies here until lenscap-ca signer split moves it to the signer: do that before the start.\n");
}

// --- create ---

struct CreateOptions {
  std::string site;
  std::vector<std::string> permit_dns, permit_ip, profiles;
  std::vector<std::string> usages;  // empty: all that the chain allows
  KeyOptions keys;
};

std::vector<ca::ExtendedKeyUsage> usages_of(std::vector<std::string> const& asked, ca::InstalledChain const& own) {
  std::vector<ca::ExtendedKeyUsage> usages;
  for (auto const usage : {ca::ExtendedKeyUsage::server_auth, ca::ExtendedKeyUsage::client_auth}) {
    bool const is_asked = std::ranges::find(asked, to_string(usage)) != asked.end();
    // Of an own root the issuing certificate is a sister, and says nothing of this one.
    bool const is_left = !own.has_parent || ca::who_forbids(own.issuing, own.above, usage) == nullptr;
    if (asked.empty() ? is_left : is_asked) usages.push_back(usage);
  }
  return usages;
}

// What the new issuer may name, by what it stands below.
Result<x509::NameConstraints> constraints_for(Settings const& settings, ca::InstalledChain const& own,
                                              CreateOptions const& options) {
  if (!own.has_parent) return ca::constraints_below(own.root(), options.permit_dns, options.permit_ip);
  TRY(auto const limits, ca::own_limits(own, settings.permit_dns, settings.permit_ip, settings.name_rules));
  return ca::constraints_below(own, limits.front(), options.permit_dns, options.permit_ip, settings.name_rules);
}

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
  TRY(auto const issuers, ca::load_issuers(line.state));
  auto const now = SystemClock().now();
  auto const& own = signer_of(issuers, now).chain;
  Wanted wanted{.name = options.site,
                .common_name = ca::issuer_common_name(settings.ca_name, options.site, 1),
                .constraints = {},
                .usages = usages_of(options.usages, own),
                .note = {.profiles = options.profiles}};
  CHECK_OK(check_profiles(settings, options.profiles, wanted.usages));
  TRY(wanted.constraints, constraints_for(settings, own, options));
  TRY(auto const made, make(line, settings, options.keys, issuers, std::move(wanted), now));
  ca::CeremonySettings permitted;
  permitted.permit_dns = options.permit_dns;
  permitted.permit_ip = options.permit_ip;
  print_made(line, made, ca::ceremony_warnings(permitted), !settings.signer.socket.empty(), now);
  return ExitCode::done;
}

// --- list ---

constexpr char const* kSendRequest =
    "have the parent sign what lenscap-ca issuer csr prints, and give what comes back to lenscap-ca issuer install";

Result<ExitCode> list(CommandLine const& line) {
  TRY(auto installed, ca::load_issuers(line.state));
  TRY(auto const known, ca::load_known_roots(line.state, installed.front().chain.root()));
  auto const issuers = ca::as_chains_lead(std::move(installed), known);
  auto const rules = ca::rules_of(issuers, {});
  auto const now = SystemClock().now();
  json::Array rows;
  for (std::size_t i = 0; i < issuers.size(); ++i) rows.emplace_back(to_json(issuers[i], rules[i], now));
  TRY(auto const pending, ca::load_pending(line.state));
  json::Object object{{"issuers", std::move(rows)}};
  if (pending) object.set("requested", json::Object{{"name", pending->name}, {"replaces", pending->replaces}});
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
                 {"Retired from", "retired_from"},
                 {"Revoked", "revoked_at"}});
  if (pending && !line.wants_json()) fmt::print("\n{} waits for its certificate: {}\n", pending->name, kSendRequest);
  return ExitCode::done;
}

// --- roll-over ---

struct RollOverOptions {
  std::string of = ca::kDefaultIssuer;
  std::string after;  // empty: kPublished, and of one that is revoked at once
  KeyOptions keys;
};

constexpr Seconds kPublished = 7 * kDay;

// Clients of one that is revoked have nothing to wait for.
Result<Seconds> published_for(RollOverOptions const& options, ca::InstalledIssuer const& old) {
  if (options.after.empty()) return old.revoked_at ? Seconds(0) : kPublished;
  auto after = parse_duration(options.after);
  if (!after.ok()) return Error(Errc::usage, "--after: " + after.error().detail());
  return after;
}

// The old issuer signs until the new one begins. One that has ended is replaced at once.
Result<> check_begin(Time from, Time now, std::string const& name, Time ends) {
  if (from < ends || from == now) return {};
  if (now >= ends)
    return Error(Errc::usage, "--after: the issuer " + name + " ended at " + to_rfc3339(ends) +
                                  ", and nothing can be issued until another one signs: give 0s");
  return Error(Errc::usage, "--after: the issuer " + name + " ends at " + to_rfc3339(ends) +
                                ", and the new one would sign only after that: give a shorter time");
}

// --- roll-over of what the parent has certified: a key, and a request for it ---

Result<> check_no_key_signs(KeyOptions const& options) {
  if (options.root.file.empty() && options.root.shares.empty() && options.issuing_key.empty()) return {};
  return Error(
      Errc::usage,
      "the parent of this CA signs the next issuing certificate, and no key of ours: leave --root-key, --share "
      "and --issuing-key out");
}

void print_pending(CommandLine const& line, ca::PendingIssuer const& pending, bool is_new) {
  if (line.wants_json()) {
    print_json({{"name", pending.name},
                {"replaces", pending.replaces},
                {"after", static_cast<std::int64_t>(pending.after.count())},
                {"is_new", is_new},
                {"request", pending.request}});
    return;
  }
  fmt::print("{}", pending.request);
  fmt::print(stderr,
             "{} {}, which waits for its certificate and signs nothing yet. It is to take the place of {}, {} days "
             "after it was installed.\n\n"
             "What to do next:\n"
             "  1. Make a back-up{}.\n"
             "  2. Have the parent sign this request (lenscap-ca issuer csr prints it again).\n"
             "  3. lenscap-ca issuer install CHAIN...    (what comes back, and all above it up to the same root)\n"
             "Until then all goes on as before. To give it up, move issuers/{}{} away.\n",
             is_new ? "Made the request of" : "There is a request already, and nothing was changed: that of",
             pending.name, pending.replaces, static_cast<double>(pending.after.count()) / kDay.count(),
             pending.token_key.empty() ? ": it holds the new key, too" : "; the key is in the token alone",
             pending.name, ca::kPendingSuffix);
}

Result<ExitCode> show_pending(CommandLine const& line, KeyOptions const& options, ca::PendingIssuer const& pending) {
  if (!options.key.empty() && options.key != pending.token_key)
    return Error(Errc::conflict, "the issuer " + pending.name + " waits for its certificate, with another key: move " +
                                     ca::issuer_directory(line.state, pending.name) + std::string(ca::kPendingSuffix) +
                                     " away to begin anew");
  print_pending(line, pending, false);
  return ExitCode::done;
}

// It asks for what the first one asked for, under a name of its own.
Result<std::string> next_request(CommandLine const& line, Settings const& settings, KeyOptions const& options,
                                 NewKey const& key, int generation, SecretBytes const& passphrase) {
  TRY(auto const first, read_file(ca::request_file(line.state)));
  TRY(auto const usages, ca::requested_usages(first));
  TRY(auto const path_length, ca::requested_path_length(first));
  TRY(auto const constraints, permitted_by(settings));
  auto const name = ca::issuer_common_name(settings.ca_name, "", generation);
  CHECK_OK(ca::check_common_name(name));
  if (key.in_memory)
    return ca::make_issuer_request(*key.in_memory, settings.ca_name, constraints, usages, path_length, name);
  TRY(auto const holder, ca::open_key_holder(options.key, line.state, passphrase));
  auto const sign = [&](HashAlgorithm hash, ByteView data) { return holder->sign(hash, data); };
  return ca::make_issuer_request(key.public_key, sign, settings.ca_name, constraints, usages, path_length, name);
}

Result<ExitCode> ask_parent(CommandLine const& line, Settings const& settings, KeyOptions const& options,
                            std::vector<ca::InstalledIssuer> const& issuers, ca::PendingIssuer wanted, int generation) {
  CHECK_OK(check_kind_of_key(settings, options));
  TRY(auto const passphrase, read_issuing_passphrase(settings));
  // Where the signer has a user of its own, its keys are not here; signer split moves the new one to them, and looks at
  // the passphrase then.
  if (settings.signer.socket.empty()) CHECK_OK(ca::open_key_holder(settings.ca_key, line.state, passphrase));
  TRY(auto const key, new_key(line, options, passphrase));
  CHECK_OK(check_is_new(key.public_key, issuers));
  wanted.token_key = options.key;
  TRY(wanted.request, next_request(line, settings, options, key, generation, passphrase));
  CHECK_OK(ca::keep_pending(line.state, wanted, key.in_memory ? &*key.in_memory : nullptr, passphrase));
  print_pending(line, wanted, true);
  return ExitCode::done;
}

// --- roll-over ---

Result<ExitCode> roll_over(CommandLine const& line, RollOverOptions const& options) {
  TRY(auto const settings, load_settings(line));
  TRY(auto const issuers, ca::load_issuers(line.state));
  auto const of_line = ca::line_of(issuers, options.of);
  if (of_line.empty())
    return Error(Errc::usage, "there is no issuer " + options.of + "; lenscap-ca issuer list shows those that are");
  auto const now = SystemClock().now();
  auto const& old = *of_line.back();
  auto const& first = of_line.front()->name;
  auto const generation = static_cast<int>(of_line.size()) + 1;
  auto const name = first + "-" + std::to_string(generation);
  if (old.is_of_parent()) {
    CHECK_OK(check_no_key_signs(options.keys));
    TRY(auto const pending, ca::load_pending(line.state));
    if (pending) return show_pending(line, options.keys, *pending);
  }
  if (old.note.active_from && now < *old.note.active_from)
    return Error(Errc::conflict, "a roll-over is on its way: " + old.name + " signs from " +
                                     to_rfc3339(*old.note.active_from) + " on; roll over again after that");
  TRY(auto const after, published_for(options, old));
  if (old.is_of_parent()) return ask_parent(line, settings, options.keys, issuers, {name, old.name, after}, generation);
  auto const from = now + after;
  TRY(auto const known, ca::load_known_roots(line.state, issuers.front().chain.root()));
  auto const rules = ca::rules_of(ca::as_chains_lead(issuers, known), {});
  auto const& rule = rules[static_cast<std::size_t>(&old - issuers.data())];
  CHECK_OK(check_begin(from, now, old.name, rule.ends));
  auto const constraints = old.chain.issuing.name_constraints();
  if (!constraints) return Error(Errc::conflict, "the issuer " + old.name + " has no name constraints to go on with");
  Wanted wanted{
      .name = name,
      .common_name = ca::issuer_common_name(settings.ca_name, first == ca::kDefaultIssuer ? "" : first, generation),
      .constraints = *constraints,
      .usages = rule.usages,
      .note = {.profiles = old.note.profiles, .active_from = from, .replaces = old.name}};
  TRY(auto const made, make(line, settings, options.keys, issuers, std::move(wanted), now));
  print_made(line, made, {}, !settings.signer.socket.empty(), now);
  return ExitCode::done;
}

}  // namespace

void add_issuers(CLI::App& issuer, CommandLine& line) {
  auto made = std::make_shared<CreateOptions>();
  auto* created = issuer.add_subcommand("create", "Make a further issuer, for a site or for profiles");
  created->add_option("--site", made->site, "Its name: lower-case letters, digits and hyphens")->required();
  created->add_option("--permit-dns", made->permit_dns,
                      "DNS suffixes that it may name; inside what root or parents permit");
  created->add_option("--permit-ip", made->permit_ip,
                      "Networks (CIDR) that it may name; inside what root or parents permit");
  created->add_option("--profile", made->profiles, "Profiles that it serves; without it all");
  created
      ->add_option("--usage", made->usages,
                   "What its certificates may be good for; without it both, where the chain does")
      ->check(CLI::IsMember({"serverAuth", "clientAuth"}));
  add_key_options(*created, made->keys);
  created->footer(
      "Examples:\n"
      "  lenscap-ca issuer create --site plant4 --permit-ip 10.20.4.0/24\n"
      "  lenscap-ca issuer create --site dot1x --profile dot1x --usage clientAuth --root-key /media/usb/root.key\n"
      "  lenscap-ca issuer create --site cams --key 'pkcs11:token=ca;object=cams'");
  created->callback([&line, made] {
    line.run = [&line, made] { return on_record(line, "issuer create", [&] { return create(line, *made); }); };
  });

  auto* listed = issuer.add_subcommand("list", "The issuers, and which of them sign");
  listed->footer("Examples:\n  lenscap-ca issuer list\n  lenscap-ca issuer list --output json");
  listed->callback([&line] { line.run = [&line] { return list(line); }; });

  auto rolled = std::make_shared<RollOverOptions>();
  auto* roll = issuer.add_subcommand("roll-over", "Make an issuer that takes the place of another one at a later time");
  roll->add_option("--of", rolled->of, "The issuer that is replaced")->capture_default_str();
  roll->add_option(
      "--after", rolled->after,
      "How long the new one is published before it signs; default: 7d, and 0s where the old one is revoked");
  add_key_options(*roll, rolled->keys);
  roll->footer("Examples:\n  lenscap-ca issuer roll-over\n  lenscap-ca issuer roll-over --of plant4 --after 14d");
  roll->callback([&line, rolled] {
    line.run = [&line, rolled] {
      return on_record(line, "issuer roll-over", [&] { return roll_over(line, *rolled); });
    };
  });
}

}  // namespace lenscap::acme
