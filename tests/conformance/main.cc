// acme-conformance: judges an ACME server from outside. One check for each duty of RFC 8555 and its extensions that can
// be seen there; each verdict is pass, fail or not-applicable, with the request and the answer that show it.
#include <fnmatch.h>

#include <csignal>
#include <cstdio>

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "base/exit_code.h"
#include "base/file.h"
#include "tests/conformance/report.h"

namespace lenscap::conformance {
namespace {

struct Words {
  std::string eab, only, output = "table", divergences;
  bool list = false, one_at_a_time = false;
};

Result<> read_eab_key(std::string const& text, Options& options) {
  auto const colon = text.find(':');
  if (colon == std::string::npos)
    return Error(Errc::usage, "--eab wants KID:FILE, the file with the MAC key as base64url");
  TRY(auto content, read_file(text.substr(colon + 1)));
  while (!content.empty() && (content.back() == '\n' || content.back() == ' ')) content.pop_back();
  TRY(auto octets, from_base64url(content));
  options.eab_kid = text.substr(0, colon);
  options.eab_key = SecretBytes(std::move(octets));
  return {};
}

Result<ExitCode> run(Options options, Words const& words) {
  Divergences divergences;
  if (!words.divergences.empty()) {
    TRY(auto const text, read_file(words.divergences));
    TRY(divergences, read_divergences(text));
  }
  if (!words.eab.empty()) CHECK_OK(read_eab_key(words.eab, options));
  options.races = !words.one_at_a_time;
  Site site(std::move(options));
  std::vector<Verdict> verdicts;
  for (auto const section : sections())
    for (auto const& check : section()) {
      if (!words.only.empty() && ::fnmatch(words.only.c_str(), std::string(check.id).c_str(), 0) != 0) continue;
      verdicts.push_back(judge(check, site));
      if (words.output == "table") fmt::print("{}", to_text(verdicts.back(), divergences));
      std::fflush(stdout);
    }
  auto const tally = count(verdicts, divergences);
  if (words.output == "json") {
    fmt::print("{}\n", json::write_pretty(to_json(verdicts, divergences)));
  } else {
    for (auto const& id : tally.settled)
      fmt::print("{} is listed as a divergence and passes: take it off the list\n", id);
    if (tally.listed != 0) fmt::print("{} of the failed ones are listed as divergences\n", tally.listed);
    fmt::print("{} passed, {} failed, {} skipped\n", tally.passed, tally.failed, tally.skipped);
  }
  return tally.failed == tally.listed ? ExitCode::done : ExitCode::failed;
}

int main_of(int argc, char** argv) {
  CLI::App app("Judges an ACME server from outside, by RFC 8555 and its extensions", "acme-conformance");
  Options options;
  Words words;
  app.add_option("--directory", options.directory, "URL of the server's directory");
  app.add_option("--ca-bundle", options.ca_bundle, "Roots that the server's own certificate chains to (PEM)");
  app.add_option("--eab", words.eab,
                 "KID:FILE: an external account key that binds many accounts; FILE holds it as base64url");
  app.add_option("--domain", options.domain, "Names below this domain are ordered")->capture_default_str();
  app.add_option("--refused-name", options.refused_name,
                 "A name that the server's policy refuses; none: it refuses no names");
  app.add_option("--address", options.address, "Where the responders listen")->capture_default_str();
  app.add_option("--http-port", options.http_port, "Port of the http-01 responder: the one that the server asks");
  app.add_option("--tls-port", options.tls_port, "Port of the tls-alpn-01 responder");
  app.add_option("--dns-port", options.dns_port, "Port of the DNS server that this program is, for the server to ask");
  app.add_option("--dns-control", options.dns_control,
                 "Or: URL of a running DNS server that takes orders as pebble-challtestsrv does");
  app.add_option("--patience", options.patience_seconds, "Seconds that a validation or an issuance may take")
      ->capture_default_str();
  app.add_option("--only", words.only, "Only checks whose id matches, such as '8555-7.4*'");
  app.add_option("--output", words.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  app.add_option("--divergences", words.divergences, "File of known failures: an id and a reason on each line");
  app.add_flag("--one-at-a-time", words.one_at_a_time, "Send no two requests at once");
  app.add_flag("--list", words.list, "Print the ids and titles of all checks");
  app.footer(
      "Exit code 0: nothing failed but what --divergences lists; 1: something did.\n"
      "Example:\n  acme-conformance --directory https://localhost:14000/dir --ca-bundle ca.pem --http-port 5002");
  try {
    app.parse(argc, argv);
    if (!words.list && (options.directory.empty() || options.ca_bundle.empty()))
      throw CLI::ValidationError("--directory and --ca-bundle are needed");
  } catch (CLI::ParseError const& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::usage);
  }
  if (words.list) {
    for (auto const section : sections())
      for (auto const& check : section()) fmt::print("{} {}\n", check.id, check.title);
    return 0;
  }
  ::signal(SIGPIPE, SIG_IGN);
  try {
    auto const code = run(std::move(options), words);
    if (code) return static_cast<int>(*code);
    fmt::print(stderr, "acme-conformance: {}\n", code.error().detail());
    return static_cast<int>(exit_code(code.error().code()));
  } catch (std::exception const& error) {
    fmt::print(stderr, "acme-conformance: {}\n", error.what());
    return static_cast<int>(ExitCode::unreachable);
  }
}

}  // namespace
}  // namespace lenscap::conformance

int main(int argc, char** argv) { return lenscap::conformance::main_of(argc, argv); }
