// lenscap-ca cert list|show|revoke: what was issued, what may have been, and what is not to be trusted any more.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "acme/server/commands/commands.h"

namespace lenscap::acme {
namespace {

struct ListOptions {
  long long limit = 100;
  std::string expiring, name, account, serial, status, after;
};

Result<ExitCode> list(CommandLine const& line, ListOptions const& options) {
  json::Object arguments{{"limit", options.limit}};
  if (!options.name.empty()) arguments.set("name", options.name);
  if (!options.account.empty()) arguments.set("account", options.account);
  if (!options.serial.empty()) arguments.set("serial", options.serial);
  if (!options.status.empty()) arguments.set("status", options.status);
  if (!options.after.empty()) arguments.set("after", options.after);
  if (!options.expiring.empty()) {
    auto span = parse_duration(options.expiring);
    if (!span) return Error(Errc::usage, "--expiring: " + span.error().detail());
    arguments.set("expiring_seconds", static_cast<long long>(span->count()));
  }
  TRY(auto const found, run_operation(line, "cert.list", arguments));
  if (line.wants_json())
    print_json(found);
  else
    print_table(found, "certificates",
                {{"Serial", "serial"},
                 {"Status", "status"},
                 {"Names", "names"},
                 {"Profile", "profile"},
                 {"Expires", "not_after"}});
  if (auto const* next = found.find("next"); next != nullptr && !line.wants_json())
    fmt::print("There are more: --after {}\n", text_of(next));
  return ExitCode::done;
}

Result<ExitCode> show(CommandLine const& line, std::string const& serial) {
  TRY(auto const found, run_operation(line, "cert.show", {{"serial", serial}}));
  if (line.wants_json()) {
    print_json(found);
    return ExitCode::done;
  }
  for (auto const& [name, value] : found.members())
    if (name != "pem") fmt::print("{:<15} {}\n", name, text_of(&value));
  if (auto const* pem = found.find("pem")) fmt::print("\n{}", text_of(pem));
  return ExitCode::done;
}

Result<ExitCode> revoke(CommandLine const& line, std::string const& serial, std::string const& reason) {
  json::Object arguments{{"serial", serial}};
  if (!reason.empty()) arguments.set("reason", reason);
  TRY(auto const revoked, run_operation(line, "cert.revoke", arguments));
  if (line.wants_json())
    print_json(revoked);
  else
    fmt::print("{} ({}) is revoked since {}.\n", text_of(revoked.find("serial")), text_of(revoked.find("names")),
               text_of(revoked.find("revoked_at")));
  return ExitCode::done;
}

}  // namespace

void add_cert(CLI::App& app, CommandLine& line) {
  auto* cert = app.add_subcommand("cert", "Certificates that this CA issued");
  cert->require_subcommand(1);

  auto options = std::make_shared<ListOptions>();
  auto* listed = cert->add_subcommand("list", "Newest first, or those that end soon");
  listed->add_option("--limit", options->limit, "At most so many")->capture_default_str();
  listed->add_option("--name", options->name, "Only those for this DNS name or IP address");
  listed->add_option("--account", options->account, "Only those of this account: its id or URL");
  listed->add_option("--expiring", options->expiring, "Only those that end within this span, soonest first: 30d");
  listed->add_option("--serial", options->serial, "Only those whose serial number is this, or begins so");
  listed->add_option("--status", options->status,
                     "Only those that are issued (and neither revoked nor expired) or revoked");
  listed->add_option("--after", options->after, "The page behind this serial number");
  listed->footer(
      "Examples:\n  lenscap-ca cert list\n  lenscap-ca cert list --name cam1.cams.example\n"
      "  lenscap-ca cert list --expiring 30d --output json\n  lenscap-ca cert list --status revoked");
  listed->callback([&line, options] { line.run = [&line, options] { return list(line, *options); }; });

  auto serial = std::make_shared<std::string>();
  auto* shown = cert->add_subcommand("show", "One certificate with its history");
  shown->add_option("SERIAL", *serial, "Serial number in hex, as here or as openssl prints it")->required();
  shown->footer("Examples:\n  lenscap-ca cert show 5d1e…\n  lenscap-ca cert show 5d1e… --output json");
  shown->callback([&line, serial] { line.run = [&line, serial] { return show(line, *serial); }; });

  auto reason = std::make_shared<std::string>();
  auto* revoked = cert->add_subcommand("revoke", "Revoke one for good; it cannot be undone");
  revoked->add_option("SERIAL", *serial, "Serial number in hex, as here or as openssl prints it")->required();
  revoked->add_option("--reason", *reason,
                      "keyCompromise (its key is never certified again), affiliationChanged, superseded, "
                      "cessationOfOperation or privilegeWithdrawn; default: none");
  revoked->footer("Examples:\n  lenscap-ca cert revoke 5d1e…\n  lenscap-ca cert revoke 5d1e… --reason keyCompromise");
  revoked->callback(
      [&line, serial, reason] { line.run = [&line, serial, reason] { return revoke(line, *serial, *reason); }; });
}

}  // namespace lenscap::acme
