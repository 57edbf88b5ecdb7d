#include "agent/commands/task.h"

#include <cstdio>

namespace lenscap::agent {

Result<std::vector<Device>> choose(Desk& desk, std::vector<std::string> const& named, bool all) {
  Result<std::vector<Device>> chosen = std::vector<Device>();
  desk.store().read([&](store::ReadTxn& txn) {
    if (all) {
      chosen = all_devices(txn);
      return;
    }
    for (auto const& name : named) {
      auto found = find_device(txn, name);
      if (!found.ok()) {
        chosen = std::move(found).error();
        return;
      }
      chosen->push_back(*std::move(found));
    }
  });
  return chosen;
}

ExitCode run_and_report(Global const& global, Desk& desk, std::string what, std::vector<Job> jobs) {
  if (jobs.empty()) {
    if (global.json()) {
      std::printf("{\"results\":[]}\n");
    } else {
      std::printf("Nothing to do.\n");
    }
    return ExitCode::done;
  }
  auto workshop = desk.workshop();
  if (!workshop.ok()) return refuse(workshop.error());
  auto results = desk.run(run_task(**workshop, std::move(what), std::move(jobs)));
  std::vector<Task> tasks;
  desk.store().read([&](store::ReadTxn& txn) { tasks = recent_tasks(txn); });
  Task const& task = tasks.front();
  if (global.json()) {
    std::fputs(json::write_pretty(results_json(task, results)).c_str(), stdout);
  } else {
    std::fputs(results_table(task, results).c_str(), stdout);
  }
  return results_exit_code(results);
}

}  // namespace lenscap::agent
