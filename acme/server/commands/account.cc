// lenscap-ca account list: who has an account.
#include <CLI/CLI.hpp>

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

}  // namespace

void add_account(CLI::App& app, CommandLine& line) {
  auto* account = app.add_subcommand("account", "ACME accounts");
  account->require_subcommand(1);
  auto* listed = account->add_subcommand("list", "All accounts, oldest first");
  listed->footer("Examples:\n  lenscap-ca account list\n  lenscap-ca account list --output json");
  listed->callback([&line] { line.run = [&line] { return list(line); }; });
}

}  // namespace lenscap::acme
