// lenscap-ca account list|deactivate|agree: who has an account, and what the operator may do about it.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "acme/server/commands/commands.h"

namespace lenscap::acme {
namespace {

Result<ExitCode> list(CommandLine const& line) {
  TRY(auto const found, run_operation(line, "account.list", {}));
  if (line.wants_json())
    print_json(found);
  else
    print_table(found, "accounts",
                {{"Account", "account"},
                 {"Status", "status"},
                 {"Key", "key"},
                 {"EAB key", "eab"},
                 {"Contact", "contact"},
                 {"Created", "created"}});
  return ExitCode::done;
}

// An operation on one account; `done` says what became of it.
Result<ExitCode> change(CommandLine const& line, std::string_view operation, std::string const& account,
                        std::string_view done) {
  TRY(auto const changed, run_operation(line, operation, {{"account", account}}));
  if (line.wants_json())
    print_json(changed);
  else
    fmt::print("Account {} {}\n", text_of(changed.find("account")), done);
  return ExitCode::done;
}

}  // namespace

void add_account(CLI::App& app, CommandLine& line) {
  auto* account = app.add_subcommand("account", "ACME accounts");
  account->require_subcommand(1);
  auto* listed = account->add_subcommand("list", "All accounts, oldest first");
  listed->footer("Examples:\n  lenscap-ca account list\n  lenscap-ca account list --output json");
  listed->callback([&line] { line.run = [&line] { return list(line); }; });

  auto named = std::make_shared<std::string>();
  auto* ended = account->add_subcommand("deactivate", "End an account for good; its certificates stay valid");
  ended->add_option("ACCOUNT", *named, "Its id, or its URL")->required();
  ended->footer(
      "Examples:\n  lenscap-ca account deactivate 06h0mc3670u7a3sk…\n"
      "  lenscap-ca account deactivate https://pki.cams.example/acme/account/06h0mc3670u7a3sk…");
  ended->callback([&line, named] {
    line.run = [&line, named] {
      return change(line, "account.deactivate", *named,
                    "is ended: its key signs nothing any more, and its open orders are cancelled.");
    };
  });

  auto* agreed = account->add_subcommand("agree", "Record that somebody agreed to the terms of service for an account");
  agreed->add_option("ACCOUNT", *named, "Its id, or its URL")->required();
  agreed->footer("Examples:\n  lenscap-ca account agree 06h0mc3670u7a3sk…");
  agreed->callback([&line, named] {
    line.run = [&line, named] {
      return change(line, "account.agree", *named, "has agreed to the terms of service in force.");
    };
  });
}

}  // namespace lenscap::acme
