// lenscap-agent status: one row a device, in the words that its users know.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "agent/commands/desk.h"
#include "agent/journal_record.h"

namespace lenscap::agent {
namespace {

ExitCode run_status(Global const& global) {
  auto desk = open_to_read(global);
  if (!desk.ok()) return refuse(desk.error());
  Time const now = SystemClock().now();
  std::vector<StatusRow> rows;
  desk->store->read([&](store::ReadTxn& txn) {
    for (Device const& device : all_devices(txn)) {
      auto const journal = load_journal(txn, device.serial);
      rows.push_back(status_row(device, journal ? &*journal : nullptr, now));
    }
  });
  bool const sealed = is_sealed(desk->settings);
  if (global.json()) {
    json::Object const whole{{"v", 1}, {"sealed", sealed}, {"devices", status_json(rows)}};
    std::fputs(json::write_pretty(whole).c_str(), stdout);
  } else {
    std::fputs(status_table(rows).c_str(), stdout);
    if (!sealed) std::puts("Secrets are not sealed: the vault's key lies beside them.");
  }
  return status_exit_code(rows);
}

}  // namespace

void add_status(CLI::App& app, Global const& global, ExitCode& outcome) {
  auto* command = app.add_subcommand("status", "Show every camera and what happens next");
  command->footer("Examples:\n  lenscap-agent status\n  lenscap-agent --output json status");
  command->callback([&global, &outcome] { outcome = run_status(global); });
}

}  // namespace lenscap::agent
