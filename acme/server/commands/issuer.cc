// lenscap-ca issuer csr|install|import: this CA below somebody else's root.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <optional>

#include "acme/server/commands/commands.h"
#include "acme/server/scope_check.h"
#include "base/file.h"
#include "base/passphrase.h"
#include "base/x509/bundle.h"
#include "ca/ceremony.h"
#include "ca/installed_chain.h"
#include "ca/issuer_import.h"
#include "ca/issuer_request.h"
#include "ca/parent_rules.h"

namespace lenscap::acme {
namespace {

Result<> need_intermediate(CommandLine const& line) {
  if (ca::is_intermediate(line.state)) return {};
  if (file_exists(line.state + "/keys/root.pem"))
    return Error(Errc::conflict,
                 "this CA has a root of its own, which agents and browsers trust already; for a parent, make another "
                 "one with lenscap-ca init --intermediate");
  return Error(Errc::file, "there is no CA in " + line.state +
                               "; make one first (lenscap-ca init --intermediate), or give its "
                               "directory with --state");
}

// --- csr ---

Result<ExitCode> csr(CommandLine const& line, std::string const& out) {
  CHECK_OK(need_intermediate(line));
  TRY(auto const request, read_file(ca::request_file(line.state)));
  if (out != "-") {
    CHECK_OK(write_file(out, request, 0644));
    return ExitCode::done;
  }
  if (line.wants_json())
    print_json({{"request", request}});
  else
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

// The server's own certificate comes from this CA: without its name nothing could be served.
Result<> check_own_name(Settings const& settings, std::vector<ca::NameLimit> const& limits) {
  auto const host = settings.urls.host();
  std::vector<ca::Forbidden> forbidden;
  if (settings.urls.host_is_ip()) {
    TRY(auto const address, x509::IpAddress::parse(host));
    forbidden = ca::who_forbids(limits, address);
  } else {
    TRY(auto const name, x509::DnsName::parse(host));
    forbidden = ca::who_forbids(limits, name);
  }
  if (forbidden.empty()) return {};
  return Error(Errc::settings,
               "the name of this server itself could not be certified, and so it could not be served: "
               "by " +
                   forbidden.front().whose + ", " + forbidden.front().why +
                   ". Ask the parent for constraints that permit it, or change server.url");
}

// What the settings permit and the chain does not.
std::vector<std::string> never_issued(Settings const& settings, std::vector<ca::NameLimit> const& of_chain) {
  std::vector<std::string> found;
  auto const note = [&](std::string const& text, Scope const& scope) {
    if (auto const fits = check_names(scope, of_chain); !fits)
      found.push_back(
          text + " is permitted by the settings, but not by the chain, and so never issued: " + fits.error().detail());
  };
  for (auto const& text : settings.permit_dns) {
    Scope scope;
    if (auto name = x509::DnsName::parse(text); name.ok()) scope.grant_dns.push_back(*std::move(name));
    note(text, scope);
  }
  for (auto const& text : settings.permit_ip) {
    Scope scope;
    if (auto block = x509::IpBlock::parse(text); block.ok()) scope.grant_ip.push_back(*std::move(block));
    note(text, scope);
  }
  return found;
}

struct Installation {
  ca::ParentVerdict verdict;
  std::vector<ca::NameLimit> limits;
  std::vector<std::string> warnings;
};

// What this server asks of a chain beyond the rules for parents.
Result<Installation> judge(ca::ParentVerdict verdict, Settings const& settings) {
  ca::InstalledChain const chain{verdict.issuing, verdict.above, true};
  TRY(auto limits, ca::name_limits(chain, settings.permit_dns, settings.permit_ip));
  CHECK_OK(check_own_name(settings, limits));
  auto warnings = verdict.warnings;
  for (auto& each : never_issued(settings, ca::limits_of(verdict.issuing, verdict.above)))
    warnings.push_back(std::move(each));
  return Installation{std::move(verdict), std::move(limits), std::move(warnings)};
}

void report(CommandLine const& line, Installation const& made) {
  auto const& root = made.verdict.above.back();
  std::vector<std::string> permits;
  permits.reserve(made.limits.size());
  for (auto const& limit : made.limits) permits.push_back(limit.whose + ": " + limit.constraints.text());
  if (line.wants_json()) {
    print_json({{"issuing", made.verdict.issuing.subject()},
                {"issuing_sha256", to_hex(made.verdict.issuing.fingerprint())},
                {"root", root.subject()},
                {"root_sha256", to_hex(root.fingerprint())},
                {"certificates_between", made.verdict.above.size() - 1},
                {"ends", to_rfc3339(made.verdict.ends)},
                {"permits", json::Value::strings(permits)},
                {"warnings", json::Value::strings(made.warnings)}});
    return;
  }
  for (auto const& warning : made.warnings) fmt::print(stderr, "warning: {}\n", warning);
  fmt::print("Installed   {}\nRoot        {}\n            {}\n            SHA-256 {}\nEnds        {}\n",
             made.verdict.issuing.subject(), root.subject(), ca::fingerprint_text(root), to_hex(root.fingerprint()),
             to_rfc3339(made.verdict.ends));
  for (auto const& permit : permits) fmt::print("Limited by  {}\n", permit);
  fmt::print(
      "\nCompare the SHA-256 with what the parent publishes. A server that runs takes the chain at its next start.\n");
}

Result<ExitCode> install(CommandLine const& line, std::vector<std::string> const& files) {
  CHECK_OK(need_intermediate(line));
  TRY(auto const settings, load_settings(line));
  TRY(auto const given, read_certificates(files));
  TRY(auto const request, read_file(ca::request_file(line.state)));
  TRY(auto const key, ca::requested_key(request));  // known without the passphrase
  TRY(auto verdict, ca::judge_parent_chain(given, key, SystemClock().now()));
  TRY(auto const made, judge(std::move(verdict), settings));
  CHECK_OK(ca::install_chain(line.state, made.verdict.issuing, made.verdict.above));
  report(line, made);
  return ExitCode::done;
}

// --- import ---

struct ImportOptions {
  std::vector<std::string> files;
  std::string passphrase_file;  // of these files; "-" is standard input
};

Result<x509::Bundle> read_all(ImportOptions const& options) {
  auto const& words = options.passphrase_file;
  auto const source = words.empty() ? "prompt" : words == "-" ? "file:/dev/stdin" : "file:" + words;
  std::optional<SecretBytes> known;
  auto const ask = [&]() -> Result<SecretBytes> {
    if (!known) {
      TRY(auto const given, read_passphrase(source, "passphrase of the files to import"));
      known = ca::first_line(given);
    }
    return known->clone();
  };
  x509::Bundle all;
  for (auto const& file : options.files) {
    TRY(auto content, read_file(file));
    SecretBytes const held{std::string_view(content)};
    OPENSSL_cleanse(content.data(), content.size());
    auto bundle = x509::read_bundle(held.text(), ask);
    if (!bundle.ok()) return std::move(bundle).error().with_context(file + ": ");
    all.certificates.insert(all.certificates.end(), bundle->certificates.begin(), bundle->certificates.end());
    for (auto& key : bundle->keys) all.keys.push_back(std::move(key));
  }
  return all;
}

// What the request for the next certificate of the key will ask for.
Result<x509::NameConstraints> permitted(Settings const& settings) {
  ca::CeremonySettings ceremony;
  ceremony.permit_dns = settings.permit_dns;
  ceremony.permit_ip = settings.permit_ip;
  return ca::constraints_of(ceremony);
}

Result<ExitCode> import(CommandLine const& line, ImportOptions const& options) {
  CHECK_OK(need_intermediate(line));
  TRY(auto const settings, load_settings(line));
  if (settings.ca_key != "file:keys/issuing.key")
    return Error(Errc::settings,
                 "ca.key of ca.toml names another place than file:keys/issuing.key, which is where an "
                 "imported key goes");
  TRY(auto bundle, read_all(options));
  TRY(auto const made, ca::judge_import(std::move(bundle), SystemClock().now()));
  TRY(auto const judged, judge(made.verdict, settings));
  TRY(auto const own, permitted(settings));
  TRY(auto const passphrase, read_issuing_passphrase(settings));
  auto const request = ca::make_issuer_request(made.key, settings.ca_name, own);
  CHECK_OK(ca::install_import(line.state, made, request, passphrase));
  report(line, judged);
  return ExitCode::done;
}

}  // namespace

void add_issuer(CLI::App& app, CommandLine& line) {
  auto* issuer = app.add_subcommand("issuer", "Put this CA below a parent's root");
  issuer->require_subcommand(1);

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
