// lenscap-ca cert list|show|revoke: what was issued, what may have been, and what is not to be trusted any more.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "acme/server/commands/commands.h"
#include "acme/server/revoke_many.h"

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

struct RevokeOptions {
  std::string serial, name, account, key, where, reason, issuer, until;
  bool dry_run = false;
  bool unknown = false;
};

Result<ExitCode> revoke_one(CommandLine const& line, RevokeOptions const& options) {
  json::Object arguments{{"serial", options.serial}, {"dry_run", options.dry_run}};
  if (!options.reason.empty()) arguments.set("reason", options.reason);
  TRY(auto const revoked, run_operation(line, "cert.revoke", arguments));
  auto const which = text_of(revoked.find("serial")) + " (" + text_of(revoked.find("names")) + ")";
  if (line.wants_json())
    print_json(revoked);
  else if (options.dry_run)
    fmt::print("{} would be revoked.\n", which);
  else
    fmt::print("{} is revoked since {}.\n", which, text_of(revoked.find("revoked_at")));
  return ExitCode::done;
}

Result<ExitCode> revoke_numbers(CommandLine const& line, RevokeOptions const& options) {
  json::Object arguments{{"serial", options.serial}};
  for (auto const& [name, value] :
       {std::pair("reason", &options.reason), std::pair("issuer", &options.issuer), std::pair("until", &options.until)})
    if (!value->empty()) arguments.set(name, *value);
  TRY(auto const revoked, run_operation(line, "cert.revoke_unknown", arguments));
  if (line.wants_json())
    print_json(revoked);
  else
    fmt::print("{}, which is not on record, is revoked since {}, and in lists until {}.\n",
               text_of(revoked.find("serial")), text_of(revoked.find("revoked_at")),
               text_of(revoked.find("not_after")));
  return ExitCode::done;
}

// Page after page, each said as soon as it is done: whoever ends this sees how far it came.
Result<ExitCode> revoke_selected(CommandLine const& line, RevokeOptions const& options) {
  json::Object arguments{{"dry_run", options.dry_run}};
  for (auto const& [name, value] :
       {std::pair("name", &options.name), std::pair("account", &options.account), std::pair("key", &options.key),
        std::pair("where", &options.where), std::pair("reason", &options.reason)})
    if (!value->empty()) arguments.set(name, *value);
  json::Array all;
  for (std::optional<std::string> next = ""; next;) {
    if (!next->empty()) arguments.set("after", *next);
    auto const page = run_operation(line, "cert.revoke_many", arguments);
    if (!page && line.wants_json() && !all.empty())
      print_json({{options.dry_run ? "would_revoke" : "revoked", all}, {"error", page.error().detail()}});
    if (!page) return page.error();
    TRY(next, json::get_string(*page, "next"));
    for (auto const& one : *page->find("certificates")->as_array()) {
      all.push_back(one);
      if (!line.wants_json())
        fmt::print("{}  {}\n", text_of(one.as_object()->find("serial")), text_of(one.as_object()->find("names")));
    }
  }
  auto const count = all.size();
  if (line.wants_json())
    print_json({{options.dry_run ? "would_revoke" : "revoked", std::move(all)}});
  else
    fmt::print("{} certificates {} revoked.\n", count, options.dry_run ? "would be" : "are now");
  return ExitCode::done;
}

Result<ExitCode> revoke_certificates(CommandLine const& line, RevokeOptions const& options) {
  bool const selects =
      !options.name.empty() || !options.account.empty() || !options.key.empty() || !options.where.empty();
  bool const is_of_unknown = !options.issuer.empty() || !options.until.empty();
  if ((options.unknown && options.serial.empty()) || (is_of_unknown && !options.unknown))
    return Error(Errc::usage, "--issuer and --until go with --unknown, and that with a serial number");
  if (options.serial.empty()) return revoke_selected(line, options);
  if (selects) return Error(Errc::usage, "a serial number names one certificate: nothing else goes with it");
  if (!options.unknown) return revoke_one(line, options);
  if (options.dry_run)
    return Error(Errc::usage, "--dry-run has nothing to show of a certificate that is not on record");
  return revoke_numbers(line, options);
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
                     "Only those that are issued (and neither revoked nor expired), revoked or possibly-issued");
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

  auto which = std::make_shared<RevokeOptions>();
  auto* revoked = cert->add_subcommand("revoke", "Revoke one, or all that are selected, for good; it cannot be undone");
  revoked->add_option("SERIAL", which->serial, "Serial number in hex, as here or as openssl prints it");
  revoked->add_option("--name,--device", which->name,
                      "All of the device that has this DNS name or IP address: those in which it stands");
  revoked->add_option("--account", which->account, "All of this account: its id or URL");
  revoked->add_option("--key", which->key, "All of this key: its key_sha256 as cert show prints it");
  revoked->add_option("--where", which->where,
                      "All, or of the above those, for which every term is true: " + std::string(kWhereTerms));
  revoked->add_flag("--dry-run", which->dry_run, "Say which they would be, and revoke none");
  revoked->add_option("--reason", which->reason,
                      "keyCompromise (its key is never certified again), affiliationChanged, superseded, "
                      "cessationOfOperation or privilegeWithdrawn; default: none");
  revoked->add_flag("--unknown", which->unknown,
                    "SERIAL is not on record: issued before a restore, or past the server");
  revoked->add_option("--issuer", which->issuer, "With --unknown: the issuer that signed it; the default otherwise");
  revoked->add_option("--until", which->until,
                      "With --unknown: when it ends, 2026-06-01 or with a time; the issuer's end otherwise");
  revoked->footer(
      "Examples:\n  lenscap-ca cert revoke 5d1e…\n  lenscap-ca cert revoke 5d1e… --reason keyCompromise\n"
      "  lenscap-ca cert revoke --device cam1.cams.example --reason cessationOfOperation\n"
      "  lenscap-ca cert revoke --account 06h0… --dry-run\n"
      "  lenscap-ca cert revoke --where \"profile=camera-https issued-before=2026-06-01\" --reason superseded\n"
      "  lenscap-ca cert revoke 5d1e… --unknown --until 2026-06-01\n"
      "When it is interrupted, say the same again: what is revoked already is passed over.");
  revoked->callback([&line, which] { line.run = [&line, which] { return revoke_certificates(line, *which); }; });
}

}  // namespace lenscap::acme
