#include "agent/commands/task.h"

#include <algorithm>
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
      // By two of its names it is still one device, and has one run.
      bool const twice = std::ranges::find(*chosen, found->serial, &Device::serial) != chosen->end();
      if (!twice) chosen->push_back(*std::move(found));
    }
  });
  return chosen;
}

ExitCode run_and_report(Global const& global, Desk& desk, std::string what, std::vector<Job> jobs) {
  if (jobs.empty()) {
    if (global.json()) {
      std::fputs(json::write_pretty(json::Object{{"v", 1}, {"what", what}, {"results", json::Array()}}).c_str(),
                 stdout);
    } else {
      std::printf("Nothing to do.\n");
    }
    return ExitCode::done;
  }
  auto workshop = desk.workshop();
  if (!workshop.ok()) return refuse(workshop.error());
  auto results = desk.run(run_task(**workshop, std::move(what), std::move(jobs)));
  Task task;
  desk.store().read([&](store::ReadTxn& txn) {
    for (Task& recent : recent_tasks(txn)) {
      if (recent.id == results.front().task) task = std::move(recent);
    }
  });
  if (global.json()) {
    std::fputs(json::write_pretty(results_json(task, results)).c_str(), stdout);
  } else {
    std::fputs(results_table(task, results).c_str(), stdout);
  }
  return results_exit_code(results);
}

}  // namespace lenscap::agent
