// lenscap-ca eab create|list|revoke: external account keys, which say who may have an account and for which names.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "acme/server/commands/commands.h"

namespace lenscap::acme {
namespace {

struct CreateOptions {
  std::vector<std::string> grant_dns, grant_ip, prove_dns, prove_ip, profiles;
  std::string issuer, bind_by, issue_until, uses = "single";
  long long live_names = 0;
  bool join = false;
};

// "2026-12-31T00:00:00Z", or a span from now: "30d".
Result<std::optional<Time>> parse_moment(std::string const& text, std::string_view option) {
  if (text.empty()) return std::optional<Time>();
  if (auto span = parse_duration(text)) return std::optional(SystemClock().now() + *span);
  if (auto time = parse_rfc3339(text)) return std::optional(*time);
  return Error(Errc::usage,
               fmt::format("{}: \"{}\" is neither a span like 30d nor a time like 2026-12-31T00:00:00Z", option, text));
}

Result<ExitCode> create(CommandLine const& line, CreateOptions const& options) {
  json::Object arguments;
  arguments.set("grant_dns", json::Value::strings(options.grant_dns));
  arguments.set("grant_ip", json::Value::strings(options.grant_ip));
  arguments.set("prove_dns", json::Value::strings(options.prove_dns));
  arguments.set("prove_ip", json::Value::strings(options.prove_ip));
  arguments.set("profiles", json::Value::strings(options.profiles));
  if (!options.issuer.empty()) arguments.set("issuer", options.issuer);
  TRY(auto const bind_by, parse_moment(options.bind_by, "--bind-by"));
  if (bind_by) arguments.set("bind_by", to_unix(*bind_by));
  TRY(auto const issue_until, parse_moment(options.issue_until, "--issue-until"));
  if (issue_until) arguments.set("issue_until", to_unix(*issue_until));
  if (options.live_names != 0) arguments.set("live_names", options.live_names);
  arguments.set("uses", options.uses);
  arguments.set("join", options.join);

  TRY(auto const made, run_operation(line, "eab.create", arguments));
  if (line.wants_json())
    print_json(made);
  else if (options.join)
    fmt::print("{}\n", text_of(made.find("join")));
  else
    fmt::print("Key id     {}\nMAC key    {}\nDirectory  {}\n\nThe MAC key is a secret, and is shown only now.\n",
               text_of(made.find("kid")), text_of(made.find("mac_key")), text_of(made.find("directory")));
  return ExitCode::done;
}

// The scope in one cell: "grant cams.example, 10.20.0.0/15; prove lab.example".
std::string scope_text(json::Object const& key) {
  auto const* scope = key.find("scope");
  if (scope == nullptr || scope->as_object() == nullptr) return "-";
  std::string out;
  for (auto const* kind : {"grant", "prove"}) {
    std::string names;
    for (auto const* type : {"_dns", "_ip"})
      if (auto text = text_of(scope->as_object()->find(std::string(kind) + type)); text != "-")
        names += (names.empty() ? "" : ", ") + text;
    if (!names.empty()) out += (out.empty() ? "" : "; ") + std::string(kind) + " " + names;
  }
  return out.empty() ? "-" : out;
}

// "-": whichever the CA chooses.
std::string issuer_text(json::Object const& key) {
  auto const* scope = key.find("scope");
  return scope == nullptr || scope->as_object() == nullptr ? "-" : text_of(scope->as_object()->find("issuer"));
}

Result<ExitCode> list(CommandLine const& line) {
  TRY(auto const found, run_operation(line, "eab.list", {}));
  if (line.wants_json()) {
    print_json(found);
    return ExitCode::done;
  }
  json::Array rows;
  for (auto const& item : *found.find("keys")->as_array()) {
    auto row = *item.as_object();
    auto const names = scope_text(row);
    auto const issuer = issuer_text(row);
    rows.emplace_back(row.set("names", names).set("issuer", issuer));
  }
  print_table({{"keys", rows}}, "keys",
              {{"Key id", "kid"},
               {"Status", "status"},
               {"Uses", "uses"},
               {"Names", "names"},
               {"Issuer", "issuer"},
               {"Bind by", "bind_by"},
               {"Accounts", "bound"},
               {"Created", "created"}});
  return ExitCode::done;
}

Result<ExitCode> revoke_key(CommandLine const& line, std::string const& kid) {
  TRY(auto const revoked, run_operation(line, "eab.revoke", {{"kid", kid}}));
  if (line.wants_json())
    print_json(revoked);
  else
    fmt::print("EAB key {} is revoked: it binds no account any more, and its accounts can order nothing.\n", kid);
  return ExitCode::done;
}

}  // namespace

void add_eab(CLI::App& app, CommandLine& line) {
  auto* eab = app.add_subcommand("eab", "External account keys: who may have an account, and for which names");
  eab->require_subcommand(1);

  auto options = std::make_shared<CreateOptions>();
  auto* created = eab->add_subcommand("create", "Make a key; its secret is shown once");
  created->add_option("--grant-dns", options->grant_dns, "Suffixes that need no proof: for an agent");
  created->add_option("--grant-ip", options->grant_ip, "Networks that need no proof");
  created->add_option("--prove-dns", options->prove_dns, "Suffixes to be proved by challenges");
  created->add_option("--prove-ip", options->prove_ip, "Networks to be proved by challenges");
  created->add_option("--profile", options->profiles, "Certificate profiles; the first is the account's default");
  created->add_option("--issuer", options->issuer,
                      "Nothing but this issuer signs for its accounts, or what takes its place by a roll-over");
  created->add_option("--bind-by", options->bind_by, "Until when it may bind an account: 7d, or a time");
  created->add_option("--issue-until", options->issue_until, "Until when its accounts may order");
  created->add_option("--live-names", options->live_names, "Names with a valid certificate at most");
  created->add_option("--uses", options->uses, "single: one account; many: any number")
      ->check(CLI::IsMember({"single", "many"}))
      ->capture_default_str();
  created->add_flag("--join", options->join, "Print one word for `lenscap-agent join`");
  created->footer(
      "Examples:\n"
      "  lenscap-ca eab create --join --grant-dns cams.example --grant-ip 10.20.0.0/15 --bind-by 7d\n"
      "  lenscap-ca eab create --prove-dns lab.example --uses many\n"
      "  lenscap-ca eab create --grant-dns p4.cams.example --issuer plant4");
  created->callback([&line, options] { line.run = [&line, options] { return create(line, *options); }; });

  auto* listed = eab->add_subcommand("list", "All keys, without their secrets");
  listed->footer("Examples:\n  lenscap-ca eab list\n  lenscap-ca eab list --output json");
  listed->callback([&line] { line.run = [&line] { return list(line); }; });

  auto kid = std::make_shared<std::string>();
  auto* revoked = eab->add_subcommand("revoke", "Stop a key and its accounts");
  revoked->add_option("KID", *kid, "Key id")->required();
  revoked->footer("Examples:\n  lenscap-ca eab revoke 3fJk…\n  lenscap-ca eab revoke 3fJk… --output json");
  revoked->callback([&line, kid] { line.run = [&line, kid] { return revoke_key(line, *kid); }; });
}

}  // namespace lenscap::acme
