// lenscap-ca issuer csr|install|import: this CA below somebody else's root. Those for several issuers: issuers.cc.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "acme/server/commands/commands.h"
#include "acme/server/commands/installation.h"
#include "acme/server/commands/issuer_revoke.h"
#include "acme/server/commands/issuers.h"
#include "base/file.h"
#include "base/x509/bundle.h"
#include "ca/installed_chain.h"
#include "ca/issuer_import.h"
#include "ca/issuer_request.h"
#include "ca/parent_rules.h"

namespace lenscap::acme {
namespace {

// --- csr ---

Result<ExitCode> csr(CommandLine const& line, std::string const& out) {
  CHECK_OK(need_intermediate(line));
  CHECK_OK(settle_keys(line));
  TRY(auto const request, read_file(ca::request_file(line.state)));
  if (out != "-") CHECK_OK(write_file(out, request, 0644));
  json::Object made{{"request", request}};
  if (out != "-") made.set("file", out);
  if (line.wants_json())
    print_json(made);
  else if (out == "-")
    fmt::print("{}", request);
  return ExitCode::done;
}

// --- install ---

Result<std::vector<x509::Certificate>> read_certificates(std::vector<std::string> const& files) {
  std::vector<x509::Certificate> all;
  for (auto const& file : files) {
    TRY(auto const content, read_file(file));
    auto bundle = x509::read_bundle(content, []() -> Result<SecretBytes> {
      return Error(Errc::usage, "it is encrypted: for a key that comes with its certificate use issuer import");
    });
    if (!bundle.ok()) return std::move(bundle).error().with_context(file + ": ");
    if (!bundle->keys.empty())
      return Error(Errc::usage, file +
                                    " holds a private key: for a key that comes with its certificate use issuer "
                                    "import; a parent that signed our request has no key to give");
    all.insert(all.end(), bundle->certificates.begin(), bundle->certificates.end());
  }
  return all;
}

Result<ExitCode> install(CommandLine const& line, std::vector<std::string> const& files) {
  CHECK_OK(need_intermediate(line));
  TRY(auto const settings, load_settings(line));
  TRY(auto const given, read_certificates(files));
  CHECK_OK(settle_keys(line));
  TRY(auto const request, read_file(ca::request_file(line.state)));
  TRY(auto const key, ca::requested_key(request));
  TRY(auto verdict, ca::judge_parent_chain(given, key, SystemClock().now()));
  TRY(auto made, judge_installation(std::move(verdict), settings));
  TRY(auto warning, check_key_is_here(settings, key));
  if (!warning.empty()) made.warnings.push_back(std::move(warning));
  CHECK_OK(ca::install_chain(line.state, made.verdict.issuing, made.verdict.above));
  print_installation(line, made);
  return ExitCode::done;
}

// --- import ---

struct ImportOptions {
  std::vector<std::string> files;
  std::string passphrase_file;  // of these files; "-" is standard input
};

Result<ExitCode> import(CommandLine const& line, ImportOptions const& options) {
  CHECK_OK(need_intermediate(line));
  TRY(auto const settings, load_settings(line));
  if (settings.ca_key != "file:keys/issuing.key")
    return Error(Errc::settings,
                 "ca.key of ca.toml names another place than file:keys/issuing.key, which is where an "
                 "imported key goes");
  TRY(auto bundle, read_bundles(options.files, options.passphrase_file));
  TRY(auto const made, ca::judge_import(std::move(bundle), SystemClock().now()));
  TRY(auto const judged, judge_installation(made.verdict, settings));
  TRY(auto const own, permitted_by(settings));
  TRY(auto const passphrase, read_issuing_passphrase(settings));
  // When it is asked for anew, the issuers below it need the room that they have now.
  int const path_length = made.verdict.path_length == 0 ? 0 : 1;
  auto const request =
      ca::make_issuer_request(made.key, settings.ca_name, own,
                              {ca::ExtendedKeyUsage::server_auth, ca::ExtendedKeyUsage::client_auth}, path_length);
  CHECK_OK(settle_keys(line));
  CHECK_OK(ca::install_import(line.state, made, request, passphrase));
  print_installation(line, judged);
  return ExitCode::done;
}

}  // namespace

void add_issuer(CLI::App& app, CommandLine& line) {
  auto* issuer = app.add_subcommand("issuer", "Put this CA below a parent's root; several issuers, roll-over");
  issuer->require_subcommand(1);
  add_issuers(*issuer, line);
  add_issuer_revoke(*issuer, line);

  auto out = std::make_shared<std::string>("-");
  auto* asked = issuer->add_subcommand("csr", "The request for the parent (PKCS#10)");
  asked->add_option("--out", *out, "File, or - for standard output")->capture_default_str();
  asked->footer("Examples:\n  lenscap-ca issuer csr --out issuing.csr");
  asked->callback([&line, out] { line.run = [&line, out] { return csr(line, *out); }; });

  auto files = std::make_shared<std::vector<std::string>>();
  auto* installed = issuer->add_subcommand("install", "Install what the parent made of the request");
  installed->add_option("CHAIN", *files, "Files with our certificate and all above it up to the root; PEM, DER, PKCS#7")
      ->required();
  installed->footer(
      "Examples:\n  lenscap-ca issuer install issuing.pem corporate-root.pem\n  lenscap-ca issuer install certnew.p7b");
  installed->callback([&line, files] { line.run = [&line, files] { return install(line, *files); }; });

  auto options = std::make_shared<ImportOptions>();
  auto* imported = issuer->add_subcommand("import", "Work with a certificate and key that the parent made");
  imported
      ->add_option("FILE", options->files,
                   "Key, certificate and all above it up to the root: PEM in any order, or PKCS#12")
      ->required();
  imported->add_option("--passphrase-file", options->passphrase_file,
                       "File with the passphrase of these files, or - for standard input; without it you are asked");
  imported->footer(
      "Examples:\n  lenscap-ca issuer import issuing.pfx corporate-root.pem\n"
      "  lenscap-ca issuer import issuing.key issuing.pem policy.pem root.pem --passphrase-file words");
  imported->callback([&line, options] { line.run = [&line, options] { return import(line, *options); }; });
}

}  // namespace lenscap::acme
