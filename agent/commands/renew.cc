// lenscap-agent renew: new certificates for those that are due, or for the devices named.
#include <CLI/CLI.hpp>

#include "agent/commands/desk.h"
#include "agent/commands/task.h"

namespace lenscap::agent {
namespace {

ExitCode run_renew(Global const& global, std::vector<std::string> const& devices, bool due) {
  if (due != devices.empty()) return refuse(Error(Errc::usage, "renew: name devices, or say --due"));
  auto desk = Desk::open(global);
  if (!desk.ok()) return refuse(desk.error());
  std::vector<Job> jobs;
  if (due) {
    (*desk)->store().read([&](store::ReadTxn& txn) { jobs = due_jobs(txn, (*desk)->clock().now()); });
    std::erase_if(jobs, [](Job const& job) { return job.purpose != Purpose::renew; });  // the others are for enroll
  } else {
    auto chosen = choose(**desk, devices, false);
    if (!chosen.ok()) return refuse(chosen.error());
    for (Device const& device : *chosen) {
      if (!device.live)
        return refuse(Error(Errc::usage, device.serial + " has no certificate of ours yet: use enroll"));
      jobs.push_back({device.serial, Purpose::renew});
    }
  }
  return run_and_report(global, **desk, "renew", std::move(jobs));
}

}  // namespace

void add_renew(CLI::App& app, Global const& global, ExitCode& outcome) {
  auto* command = app.add_subcommand("renew", "Renew certificates");
  command->footer("Examples:\n  lenscap-agent renew --due\n  lenscap-agent renew gate.cams.example");
  auto devices = std::make_shared<std::vector<std::string>>();
  auto due = std::make_shared<bool>(false);
  command->add_option("DEVICE", *devices, "serial number, address or name");
  command->add_flag("--due", *due, "all that are due");
  command->callback([&global, &outcome, devices, due] { outcome = run_renew(global, *devices, *due); });
}

}  // namespace lenscap::agent
