// lenscap-ca init: makes the CA, with a root of its own or for a parent's, and the settings of its server; says what to
// do next. Nothing is overwritten.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "acme/server/commands/commands.h"
#include "acme/server/commands/root_crl.h"
#include "acme/server/default_profiles.h"
#include "acme/server/new_settings.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/passphrase.h"
#include "ca/ceremony.h"
#include "ca/installed_chain.h"
#include "ca/key_holder.h"
#include "store/store.h"

namespace lenscap::acme {
namespace {

struct InitOptions {
  ca::CeremonySettings ceremony;
  std::string key;  // empty: one is made, and lies in a file
  std::string passphrase_file, root_passphrase_file;
  bool is_intermediate = false;
  std::vector<std::string> usages{"serverAuth", "clientAuth"};
  std::vector<std::string> listen{"0.0.0.0:443", "[::]:443"};
  std::vector<std::string> http{"0.0.0.0:80", "[::]:80"};
};

std::string settings_file(std::string const& state) { return state + "/ca.toml"; }

std::string absolute(std::string const& path) {
  std::string out = path;
  if (char* real = ::realpath(path.c_str(), nullptr)) {
    out = real;
    ::free(real);
  }
  return out;
}

std::string source_of(std::string const& file) { return file.empty() ? "prompt" : "file:" + file; }

Result<SecretBytes> ask_issuing(InitOptions const& options) {
  auto const source = source_of(options.passphrase_file);
  return options.key.empty() ? new_passphrase(source, "passphrase of the issuing key")
                             : read_passphrase(source, "PIN of the token with the issuing key");
}

Result<ca::CeremonyPassphrases> ask_passphrases(InitOptions const& options) {
  ca::CeremonyPassphrases passphrases;
  if (!options.passphrase_file.empty() && options.root_passphrase_file.empty()) {
    TRY(auto lines, read_passphrase("file:" + options.passphrase_file, "passphrases"));
    return ca::split_passphrases(lines);
  }
  TRY(auto issuing, ask_issuing(options));
  TRY(auto root, new_passphrase(source_of(options.root_passphrase_file), "passphrase of the root key"));
  passphrases.issuing = ca::first_line(issuing);
  passphrases.root = ca::first_line(root);
  return passphrases;
}

// nullptr: the key is to be made, and lies in a file.
Result<std::unique_ptr<ca::KeyHolder>> open_holder(InitOptions const& options, SecretBytes const& passphrase) {
  if (options.key.empty()) return std::unique_ptr<ca::KeyHolder>();
  return ca::open_key_holder(options.key, options.ceremony.state_dir, passphrase);
}

NewSettings settings_of(InitOptions const& options) {
  NewSettings values;
  values.url = options.ceremony.url;
  for (auto const& endpoint : options.http)
    if (!endpoint.empty()) values.http.push_back(endpoint);
  values.name = options.ceremony.name;
  values.listen = options.listen;
  values.permit_dns = options.ceremony.permit_dns;
  values.permit_ip = options.ceremony.permit_ip;
  values.name_rules = options.ceremony.rules;
  if (!options.key.empty()) values.key = options.key;
  // A pipe is gone at the next start.
  bool const lasts = std::filesystem::is_regular_file(options.passphrase_file);
  values.is_intermediate = options.is_intermediate;
  // By the name of our units. By hand it is typed, as at "prompt".
  values.passphrase = lasts ? "file:" + absolute(options.passphrase_file) : "credential:lenscap-ca-key";
  return values;
}

// Everything but the keys, before they appear: the settings under a name that `serve` does not know yet.
Result<> prepare_state(std::string const& state, Settings const& settings, std::string const& text) {
  auto const profiles = state + "/profiles";
  CHECK_OK(make_directory(profiles, 0755));
  for (auto const& profile : default_profiles()) {
    auto const file = profiles + "/" + std::string(profile.name) + ".toml";
    if (!file_exists(file)) CHECK_OK(create_file(file, profile.text, 0644));
  }
  TRY(auto const store, store::open(settings.store_url, state));
  return write_file(settings_file(state) + ".new", text, 0644);
}

// The last step: from now on there is a CA.
Result<> finish_state(std::string const& state) {
  auto const file = settings_file(state);
  if (::rename((file + ".new").c_str(), file.c_str()) != 0)
    return Error(Errc::file, file + ": " + std::strerror(errno));
  return make_durable(state);
}

Result<> refuse_existing(std::string const& state) {
  auto const file = settings_file(state);
  if (file_exists(file)) return Error(Errc::conflict, file + " exists: there is a CA already, and nothing was changed");
  bool const has_keys = file_exists(state + "/keys/issuing.pem") || file_exists(ca::request_file(state));
  if (file_exists(file + ".new") && has_keys)
    return Error(Errc::conflict,
                 "an earlier init ended just before its last step; its CA is whole. Finish it with: mv " + file +
                     ".new " + file);
  return {};
}

void print_warnings(InitOptions const& options) {
  for (auto const& warning : ca::ceremony_warnings(options.ceremony)) fmt::print(stderr, "warning: {}\n", warning);
}

Result<ExitCode> make_intermediate(CommandLine const& line, InitOptions const& options, Settings const& settings,
                                   std::string const& text) {
  if (!options.root_passphrase_file.empty())
    return Error(Errc::usage, "an intermediate has no root key, and so no passphrase of one");
  TRY(auto const words, ask_issuing(options));
  TRY(auto const holder, open_holder(options, ca::first_line(words)));
  auto const prepare = [&] { return prepare_state(line.state, settings, text); };
  CHECK_OK(ca::make_intermediate(options.ceremony, ca::first_line(words), prepare, holder.get()));
  CHECK_OK(finish_state(line.state));
  print_warnings(options);
  auto const request = ca::request_file(line.state);
  if (line.wants_json()) {
    print_json(
        {{"request", request}, {"settings", settings_file(line.state)}, {"directory", settings.urls.directory()}});
    return ExitCode::done;
  }
  fmt::print(
      "The request of \"{}\" is made; its issuing key has no certificate yet, and nothing can be served before it has "
      "one."
      "\n\n"
      "What to do next:\n"
      "  1. Have the parent sign the request: lenscap-ca issuer csr --state {} --out issuing.csr\n"
      "  2. lenscap-ca issuer install --state {} CHAIN...    (what comes back, and all above it up to the root)\n"
      "     Or, where the parent gives certificate and key instead: lenscap-ca issuer import --state {} FILE...\n"
      "  3. lenscap-ca serve --state {}          (settings: {}; as a systemd service: docs/operations.md, Serve)\n",
      options.ceremony.name, line.state, line.state, line.state, line.state, settings_file(line.state));
  return ExitCode::done;
}

std::vector<ca::ExtendedKeyUsage> usages_of(InitOptions const& options) {
  std::vector<ca::ExtendedKeyUsage> usages;
  for (auto const usage : {ca::ExtendedKeyUsage::server_auth, ca::ExtendedKeyUsage::client_auth})
    if (std::ranges::find(options.usages, to_string(usage)) != options.usages.end()) usages.push_back(usage);
  return usages;
}

Result<ExitCode> run_init(CommandLine const& line, InitOptions options) {
  if (options.ceremony.path_length != 0 && !options.is_intermediate)
    return Error(Errc::usage,
                 "--path-length is what a parent is asked for, with --intermediate; below a root of its own a CA can "
                 "have further issuers anyway");
  options.ceremony.state_dir = line.state;
  options.ceremony.extended_key_usage = usages_of(options);
  auto const file = settings_file(line.state);
  CHECK_OK(refuse_existing(line.state));
  // The settings are read back as the server will read them, before anything is made.
  auto const text = settings_text(settings_of(options));
  TRY(auto reader, config::Reader::parse(text, "settings"));
  TRY(auto const settings, read_settings(std::move(reader), line.state));
  if (options.is_intermediate) return make_intermediate(line, options, settings, text);
  options.ceremony.lists_url = lists_url(settings);
  TRY(auto const passphrases, ask_passphrases(options));
  TRY(auto const holder, open_holder(options, passphrases.issuing));
  auto const issuing_key = holder ? std::optional(holder->public_key()) : std::nullopt;
  auto const prepare = [&] { return prepare_state(line.state, settings, text); };
  TRY(auto const made, ca::make_ca(options.ceremony, passphrases, SystemClock().now(), prepare, issuing_key));
  CHECK_OK(finish_state(line.state));

  auto const hash = to_hex(made.root.fingerprint());
  auto const constraints = made.issuing.name_constraints();
  print_warnings(options);
  if (line.wants_json()) {
    print_json({{"root_sha256", hash},
                {"root", made.keys_dir + "/root.pem"},
                {"root_crl", made.keys_dir + "/root.crl"},
                {"root_crl_until", to_rfc3339(made.root_crl.next_update)},
                {"settings", file},
                {"directory", settings.urls.directory()},
                {"permits", constraints ? constraints->text() : ""}});
    return ExitCode::done;
  }
  fmt::print("The CA \"{}\" is made; it can name {} and nothing else.\n\n", options.ceremony.name,
             constraints ? constraints->text() : "everything");
  fmt::print("Root certificate  {}\n", made.keys_dir + "/root.pem");
  fmt::print("  {}\n  SHA-256 {}\n\n", ca::fingerprint_text(made.root), hash);
  fmt::print("Its list of revoked issuers is good until {}; lenscap-ca root crl makes the next.\n\n",
             to_rfc3339(made.root_crl.next_update));
  fmt::print(
      "What to do next:\n"
      "  1. lenscap-ca root seal --state {} --to DIRECTORY      (moves the root's key away; the server never needs "
      "it)\n"
      "  2. lenscap-ca serve --state {}          (settings: {}; as a systemd service: docs/operations.md, Serve)\n"
      "  3. lenscap-ca eab create --state {} --join --grant-dns SUFFIX --grant-ip CIDR\n"
      "     and give the word that it prints to lenscap-agent join.\n"
      "  4. Install the root where people look at the cameras: lenscap-ca root export --state {} --out root.pem\n",
      line.state, line.state, file, line.state, line.state);
  return ExitCode::done;
}

void add_name_rules(CLI::App& init, ca::NameRules& rules) {
  init.add_option("--permit-email", rules.permit_email,
                  "Mail addresses that certificates may name: host, .domain or address; without it none");
  init.add_option("--permit-uri", rules.permit_uri,
                  "Hosts, or .domains, of URIs that certificates may name; without it none");
  init.add_option("--permit-directory", rules.permit_directory,
                  "Directory names below which subjects may be, such as \"O=Example Cameras,C=DE\"; without it all");
  init.add_option("--exclude-dns", rules.exclude_dns, "DNS suffixes that stay out of what is permitted");
  init.add_option("--exclude-ip", rules.exclude_ip, "Networks that stay out of what is permitted");
  init.add_option("--exclude-email", rules.exclude_email, "Likewise for mail addresses");
  init.add_option("--exclude-uri", rules.exclude_uri, "Likewise for the hosts of URIs");
  init.add_option("--exclude-directory", rules.exclude_directory, "Likewise for directory names");
}

}  // namespace

void add_init(CLI::App& app, CommandLine& line) {
  auto options = std::make_shared<InitOptions>();
  auto* init = app.add_subcommand("init", "Make a root and an issuing CA that can name only what you permit");
  init->add_option("--name", options->ceremony.name, "Name of the CA, shown in its certificates")->required();
  init->add_option("--permit-dns", options->ceremony.permit_dns, "DNS suffixes that certificates may name");
  init->add_option("--permit-ip", options->ceremony.permit_ip, "Networks (CIDR) that certificates may name");
  add_name_rules(*init, options->ceremony.rules);
  init->add_option("--usage", options->usages,
                   "What certificates may be good for: clientAuth is for 802.1X (profile dot1x)")
      ->check(CLI::IsMember({"serverAuth", "clientAuth"}))
      ->capture_default_str();
  init->add_option("--url", options->ceremony.url, "https URL under which clients reach the server")->required();
  init->add_option("--key", options->key,
                   "A pkcs11: URI (RFC 7512) of an issuing key that a token has; its PIN is the first passphrase");
  init->add_option("--passphrase-file", options->passphrase_file,
                   "File with the issuing key's passphrase in the first line and the root's in the second");
  init->add_option("--root-passphrase-file", options->root_passphrase_file, "File with the root's passphrase instead");
  init->add_flag("--intermediate", options->is_intermediate,
                 "Make no root: another CA, such as the corporation's, will sign this one");
  init->add_option("--path-length", options->ceremony.path_length,
                   "With --intermediate: 1 asks for room below for further issuers (issuer create), 0 for none")
      ->check(CLI::Range(0, 1))
      ->capture_default_str();
  init->add_option("--listen", options->listen, "Where ACME is served (TLS)")->capture_default_str();
  init->add_option("--http", options->http, "Where root and issuing certificate are served; \"\": nowhere")
      ->capture_default_str();
  init->footer(
      "Examples:\n"
      "  lenscap-ca init --name \"Example Cameras\" --permit-dns cams.example --permit-ip 10.20.0.0/15 \\\n"
      "      --url https://pki.cams.example --state /var/lib/lenscap-ca\n"
      "  lenscap-ca init --name Lab --permit-dns lab.example --url https://ca.lab.example:8443 \\\n"
      "      --listen 0.0.0.0:8443 --state ./state --passphrase-file ./passphrases\n"
      "  lenscap-ca init --intermediate --name \"Example Cameras\" --permit-dns cams.example \\\n"
      "      --url https://pki.cams.example");
  init->callback([&line, options] { line.run = [&line, options] { return run_init(line, *options); }; });
}

}  // namespace lenscap::acme
