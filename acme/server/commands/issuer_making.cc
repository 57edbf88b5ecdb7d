#include "acme/server/commands/issuer_making.h"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "acme/server/commands/installation.h"
#include "acme/server/commands/root_crl.h"
#include "acme/server/commands/root_key.h"
#include "acme/server/server.h"
#include "base/file.h"
#include "base/passphrase.h"
#include "ca/authority.h"
#include "ca/ceremony.h"
#include "ca/further_issuer.h"
#include "ca/key_holder.h"
#include "ca/root_crl_file.h"

namespace lenscap::acme {
namespace {

bool is_in_file(Settings const& settings) { return settings.ca_key.starts_with("file:"); }

}  // namespace

// --- keys ---

void add_key_options(CLI::App& command, IssuerKeyOptions& options) {
  add_root_key_options(command, options.root);
  command.add_option("--issuing-key", options.issuing_key,
                     "Below a parent, where the signer has a user of its own: the file with the issuing key, which "
                     "--passphrase-file is then for");
  command.add_option("--key", options.key,
                     "A pkcs11: URI (RFC 7512) of a key that a token has for the new issuer; where the issuing key is "
                     "in a token, and with the same PIN");
}

Result<> check_kind_of_key(Settings const& settings, IssuerKeyOptions const& options) {
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

Result<NewKey> new_key(CommandLine const& line, IssuerKeyOptions const& options, SecretBytes const& passphrase) {
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

Result<> check_is_new(x509::PublicKey const& key, std::vector<ca::InstalledIssuer> const& issuers) {
  for (auto const& each : issuers)
    if (each.chain.issuing.key() == key)
      return Error(Errc::conflict, "this is the key of the issuer " + each.name + ": each needs one of its own");
  return {};
}

// --- making ---

namespace {

// The key that signs below a parent: that of the issuer in charge.
Result<std::unique_ptr<ca::KeyHolder>> open_own_key(Settings const& settings, IssuerKeyOptions const& options,
                                                    ca::InstalledIssuer const& signer, SecretBytes const& passphrase) {
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

struct Certified {
  ca::InstalledChain chain;             // the new certificate and those above it
  std::optional<ca::NextRootCrl> list;  // of an own root: made by the way, since its key is at hand
};

Result<Certified> certify_below_root(CommandLine const& line, Settings const& settings, IssuerKeyOptions const& options,
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

Result<Certified> certify_below_parent(Settings const& settings, IssuerKeyOptions const& options,
                                       ca::InstalledIssuer const& signer, ca::FurtherIssuer wanted,
                                       SecretBytes const& passphrase, Time now) {
  auto const& own = signer.chain;
  auto const places = authority_settings(settings);
  if (!places.http_url.empty()) wanted.ca_issuers_url = places.http_url + ca::aia_path(own.issuing);
  // Parts of a list are of users' certificates alone (ca/crl.cc): the whole list has this one's place.
  if (!places.http_url.empty() && places.crl_parts == 1) wanted.crl_base = places.http_url + ca::crl_path(own.issuing);
  TRY(auto const key, open_own_key(settings, options, signer, passphrase));
  TRY(auto issuing, ca::certify_issuer(own, *key, wanted, now));
  std::vector<x509::Certificate> above{own.issuing};
  above.insert(above.end(), own.above.begin(), own.above.end());
  return Certified{{std::move(issuing), std::move(above), true}, {}};
}

}  // namespace

ca::InstalledIssuer const& signer_of(std::vector<ca::InstalledIssuer> const& issuers, Time now) {
  return issuers.front().chain.has_parent ? ca::in_charge(issuers, now) : issuers.front();
}

Result<ca::InstalledIssuer> make_issuer(CommandLine const& line, Settings const& settings,
                                        IssuerKeyOptions const& options,
                                        std::vector<ca::InstalledIssuer> const& issuers, WantedIssuer wanted,
                                        Time now) {
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
  TRY(auto made, own.has_parent ? certify_below_parent(settings, options, signer, further, passphrase, now)
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

namespace {

std::vector<std::string> words_of(std::vector<ca::ExtendedKeyUsage> const& usages) {
  std::vector<std::string> words;
  for (auto const usage : usages) words.emplace_back(to_string(usage));
  return words;
}

}  // namespace

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

}  // namespace lenscap::acme
