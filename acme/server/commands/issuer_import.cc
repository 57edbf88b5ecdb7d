// lenscap-ca issuer import: work with a certificate that the parent made for a key of its own making, which comes in a
// file, or for one that a token has.
#include "acme/server/commands/issuer_import.h"

#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <sys/stat.h>

#include "acme/server/commands/installation.h"
#include "acme/server/commands/on_record.h"
#include "acme/server/commands/restore_guard.h"
#include "acme/server/new_settings.h"
#include "acme/server/store_sealer.h"
#include "base/file.h"
#include "ca/installed_chain.h"
#include "ca/issuer_import.h"
#include "ca/issuer_request.h"
#include "ca/pending_issuer.h"

namespace lenscap::acme {
namespace {

struct ImportOptions {
  std::vector<std::string> files;
  std::string passphrase_file;  // of these files; "-" is standard input
  std::string key;              // in a token; empty: as ca.toml says
};

constexpr std::string_view kToken = "pkcs11:";
constexpr char const* kKeyFile = "file:keys/issuing.key";
// What the certificate is asked for with when it is asked for anew.
std::vector<ca::ExtendedKeyUsage> const kUsages{ca::ExtendedKeyUsage::server_auth, ca::ExtendedKeyUsage::client_auth};

// The issuers below it need the room that they have now.
int path_length_of(ca::ParentVerdict const& verdict) { return verdict.path_length == 0 ? 0 : 1; }

// --- from files ---

Result<ExitCode> import_files(CommandLine const& line, Settings const& settings, ImportOptions const& options) {
  if (settings.ca_key != kKeyFile)
    return Error(Errc::settings,
                 "ca.key of ca.toml names another place than file:keys/issuing.key, which is where an "
                 "imported key goes: write that there first; or, where the key is in a token, give its pkcs11: URI "
                 "with --key");
  TRY(auto bundle, read_bundles(options.files, options.passphrase_file));
  TRY(auto const made, ca::judge_import(std::move(bundle), SystemClock().now()));
  TRY(auto const judged, judge_installation(made.verdict, settings));
  TRY(auto const own, permitted_by(settings));
  TRY(auto const passphrase, read_issuing_passphrase(settings));
  auto const request = ca::make_issuer_request(made.key, settings.ca_name, own, kUsages, path_length_of(made.verdict));
  CHECK_OK(ca::install_import(line.state, made, request, passphrase));
  print_installation(line, judged);
  return ExitCode::done;
}

// --- from a token ---

// One passphrase opens the keys of all issuers, and no module of a token comes into a process that has one in its
// memory.
Result<> check_others(CommandLine const& line) {
  std::optional<std::string> in_a_file;
  // Before a chain is installed there is the first alone.
  if (auto const issuers = ca::load_issuers(line.state))
    for (auto const& each : *issuers)
      if (each.key.starts_with("file:")) in_a_file = each.name;
  TRY(auto const pending, ca::load_pending(line.state));
  if (pending && pending->token_key.empty()) in_a_file = pending->name;
  if (!in_a_file) return {};
  return Error(Errc::settings, "the key of the issuer " + *in_a_file +
                                   " is in a file, and so the first one's cannot be in a token: the keys of all "
                                   "issuers have to be in files, or all in tokens; nothing was changed");
}

// The passphrase of the issuing key opens the secrets of a store that has served, too.
Result<> check_store_opens(CommandLine const& line, Settings const& settings, SecretBytes const& pin) {
  TRY(bool const is_there, has_store(line, settings));
  if (!is_there) return {};
  TRY(auto const store, store::open_read_only(settings.store_url, line.state, settings.store_size_max));
  if (check_sealer(*store, pin)) return {};
  return Error(Errc::settings,
               "this CA has been in service under another passphrase than this PIN, and the secrets of its store are "
               "sealed under that: give the token that passphrase for its PIN, or make a new CA with init "
               "--intermediate --key; nothing was changed");
}

Result<std::unique_ptr<ca::KeyHolder>> open_token(CommandLine const& line, Settings const& settings,
                                                  std::string const& uri) {
  auto of_token = settings;
  of_token.ca_key = uri;
  TRY(auto const pin, read_issuing_passphrase(of_token));
  CHECK_OK(check_store_opens(line, settings, pin));
  auto holder = ca::open_key_holder(uri, line.state, pin);
  if (!holder.ok() && holder.error().code() == Errc::wrong_passphrase)
    return Error(holder.error())
        .with_context("ca.passphrase of ca.toml (" + settings.ca_passphrase +
                      ") has to give the PIN of the token from now on, and does not: ");
  return holder;
}

// What the parent is sent for the next certificate; as it is, where it is for this key already.
Result<std::string> request_for(CommandLine const& line, Settings const& settings, ca::KeyHolder& key,
                                ca::ParentVerdict const& verdict) {
  TRY(auto present, read_file(ca::request_file(line.state)));
  if (auto const asked = ca::requested_key(present); asked.ok() && *asked == key.public_key()) return present;
  TRY(auto const own, permitted_by(settings));
  auto const sign = [&](HashAlgorithm hash, ByteView data) { return key.sign(hash, data); };
  return ca::make_issuer_request(key.public_key(), sign, settings.ca_name, own, kUsages, path_length_of(verdict));
}

// Nothing where they name the key already.
Result<std::optional<ReplacedFile>> new_settings(CommandLine const& line, Settings const& settings,
                                                 std::string const& uri) {
  if (settings.ca_key == uri) return std::optional<ReplacedFile>();
  auto const place = line.state + "/ca.toml";
  if (line.config_file() != place)
    return Error(Errc::settings, "the settings are not in " + place +
                                     ", which alone is changed together with the "
                                     "certificates: write ca.key = \"" +
                                     uri + "\" into " + line.config_file() +
                                     ", and give the command again without --key");
  TRY(auto const before, read_file(place));
  auto after = settings_with_key(before, uri);
  if (!after.ok()) return std::move(after).error().with_context(place + ": ");
  struct stat status {};
  if (::stat(place.c_str(), &status) != 0) return Error(Errc::file, "cannot read " + place);
  return std::optional(ReplacedFile{place, *std::move(after), static_cast<mode_t>(status.st_mode & 0777U)});
}

Result<ExitCode> import_of_token(CommandLine const& line, Settings const& settings, std::string const& uri,
                                 std::vector<std::string> const& files) {
  if (!uri.starts_with(kToken))
    return Error(Errc::usage, "--key takes a pkcs11: URI; a key that comes in a file is given among the files");
  if (!settings.signer.socket.empty())
    return Error(Errc::settings,
                 "the issuing key is with the signer's own user ([signer] socket of ca.toml), where this command does "
                 "not reach: import before lenscap-ca signer split; a renewed certificate for the same key is taken "
                 "by issuer install");
  TRY(auto const given, read_certificates(files, "give the certificates alone, for a key that the token has"));
  CHECK_OK(check_others(line));
  TRY(auto replaced, new_settings(line, settings, uri));
  bool const is_moved = replaced.has_value();
  TRY(auto const key, open_token(line, settings, uri));
  TRY(auto verdict, ca::judge_token_import(given, *key, SystemClock().now()));
  TRY(auto judged, judge_installation(std::move(verdict), settings));
  TRY(auto const request, request_for(line, settings, *key, judged.verdict));
  CHECK_OK(ca::install_token_import(line.state, judged.verdict, request, std::move(replaced)));
  if (is_moved && file_exists(ca::key_file(line.state)))
    judged.warnings.push_back(
        ca::key_file(line.state) +
        " holds the key that was used before, or was to be: nothing reads it any more; remove it");
  print_installation(line, judged, {{"key", uri}});
  if (!line.wants_json()) fmt::print("The key is the token's, as ca.key of ca.toml says: {}\n", uri);
  return ExitCode::done;
}

Result<ExitCode> import(CommandLine const& line, ImportOptions const& options) {
  CHECK_OK(check_restore_confirmed(line));
  CHECK_OK(need_intermediate(line));
  CHECK_OK(settle_keys(line));
  TRY(auto const settings, load_settings(line));
  if (!options.key.empty()) return import_of_token(line, settings, options.key, options.files);
  if (settings.ca_key.starts_with(kToken)) return import_of_token(line, settings, settings.ca_key, options.files);
  return import_files(line, settings, options);
}

}  // namespace

void add_issuer_import(CLI::App& issuer, CommandLine& line) {
  auto options = std::make_shared<ImportOptions>();
  auto* imported = issuer.add_subcommand("import", "Work with a certificate and key that the parent made");
  imported
      ->add_option("FILE", options->files,
                   "Key, certificate and all above it up to the root: PEM in any order, or PKCS#12; of a key in a "
                   "token the certificates alone")
      ->required();
  auto* words = imported->add_option(
      "--passphrase-file", options->passphrase_file,
      "File with the passphrase of these files, or - for standard input; without it you are asked");
  imported
      ->add_option("--key", options->key,
                   "A pkcs11: URI (RFC 7512) of a key that a token has, which the certificate was made for; its PIN is "
                   "what ca.passphrase gives, and ca.key then names it")
      ->excludes(words);
  imported->footer(
      "Examples:\n  lenscap-ca issuer import issuing.pfx corporate-root.pem\n"
      "  lenscap-ca issuer import issuing.key issuing.pem policy.pem root.pem --passphrase-file words\n"
      "  lenscap-ca issuer import --key \"pkcs11:token=ca;object=issuing\" issuing.pem corporate-root.pem");
  imported->callback([&line, options] {
    line.run = [&line, options] { return on_record(line, "issuer import", [&] { return import(line, *options); }); };
  });
}

}  // namespace lenscap::acme
