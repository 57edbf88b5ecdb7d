// lenscap-agent enroll: give cameras their certificates, or go on where a run was cut off.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "agent/commands/desk.h"
#include "agent/commands/task.h"
#include "agent/plan.h"

namespace lenscap::agent {
namespace {

struct Options {
  std::vector<std::string> devices;
  bool all = false;
  bool dry_run = false;
};

bool wants_enrolling(Device const& device) { return !device.live && device.https != HttpsState::unsupported_firmware; }

ExitCode run(Global const& global, Options const& options) {
  if (options.all != options.devices.empty()) return refuse(Error(Errc::usage, "enroll: name devices, or say --all"));
  auto desk = Desk::open(global);
  if (!desk.ok()) return refuse(desk.error());
  auto chosen = choose(**desk, options.devices, options.all);
  if (!chosen.ok()) return refuse(chosen.error());

  std::vector<Job> jobs;
  for (Device const& device : *chosen) {
    std::optional<Journal> journal;
    (*desk)->store().read([&](store::ReadTxn& txn) { journal = load_journal(txn, device.serial); });
    bool const goes_on = journal && next_step(*journal).has_value();
    if (goes_on || wants_enrolling(device)) {
      jobs.push_back({device.serial, goes_on ? journal->purpose : Purpose::enroll});
    } else if (!options.all) {
      std::fprintf(stderr, "%s: %s\n", device.serial.c_str(),
                   device.live ? "has its certificate; use renew for a new one"
                               : "unsupported firmware: no driver can give it a certificate");
    }
  }
  if (options.dry_run) {
    for (auto const& job : jobs) {
      std::printf("%s\n", job.serial.c_str());
      for (Device const& device : *chosen) {
        if (device.serial != job.serial) continue;
        for (auto const& line : describe_plan(device, job.purpose)) std::printf("  %s\n", line.c_str());
      }
    }
    return ExitCode::done;
  }
  return run_and_report(global, **desk, "enroll", std::move(jobs));
}

}  // namespace

void add_enroll(CLI::App& app, Global const& global, ExitCode& outcome) {
  auto* command =
      app.add_subcommand("enroll", "Give cameras certificates of their own, and go on with what was interrupted");
  command->footer("Examples:\n  lenscap-agent enroll --all\n  lenscap-agent enroll ACCC8E68D4D2 --dry-run");
  auto options = std::make_shared<Options>();
  command->add_option("DEVICE", options->devices, "serial number, address or name");
  command->add_flag("--all", options->all, "every camera that has no certificate of ours");
  command->add_flag("--dry-run", options->dry_run, "only say what would be done");
  command->callback([&global, &outcome, options] { outcome = run(global, *options); });
}

}  // namespace lenscap::agent
