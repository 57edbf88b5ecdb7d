// lenscap-agent results: what the last tasks did, device by device.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "agent/commands/desk.h"

namespace lenscap::agent {
namespace {

ExitCode run_results(Global const& global, std::string const& wanted) {
  auto desk = open_to_read(global);
  if (!desk.ok()) return refuse(desk.error());
  std::optional<Task> task;
  std::vector<TaskResult> results;
  desk->store->read([&](store::ReadTxn& txn) {
    for (Task const& recent : recent_tasks(txn)) {
      if (wanted.empty() || recent.id.starts_with(wanted)) {
        task = recent;
        results = results_of(txn, recent.id);
        return;
      }
    }
  });
  if (!task)
    return refuse(Error(Errc::not_found, wanted.empty() ? "no task was run yet" : "there is no task " + wanted));
  std::fputs(
      global.json() ? json::write_pretty(results_json(*task, results)).c_str() : results_table(*task, results).c_str(),
      stdout);
  return results_exit_code(results);
}

}  // namespace

void add_results(CLI::App& app, Global const& global, ExitCode& outcome) {
  auto* command = app.add_subcommand("results", "Show the results of the last task, or of the one named");
  command->footer("Examples:\n  lenscap-agent results\n  lenscap-agent --output json results");
  auto task = std::make_shared<std::string>();
  command->add_option("TASK", *task, "id of a task, or its beginning");
  command->callback([&global, &outcome, task] { outcome = run_results(global, *task); });
}

}  // namespace lenscap::agent
