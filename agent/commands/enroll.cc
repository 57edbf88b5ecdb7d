// lenscap-agent enroll: give cameras their certificates, or go on where a run was cut off.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "agent/commands/desk.h"
#include "agent/commands/task.h"
#include "agent/journal_record.h"
#include "agent/plan.h"

namespace lenscap::agent {
namespace {

struct EnrollOptions {
  std::vector<std::string> devices;
  bool all = false;
  bool dry_run = false;
};

void show_plan(Global const& global, Desk& desk, std::vector<Device> const& devices, std::vector<Job> const& jobs) {
  json::Array rows;
  for (auto const& job : jobs) {
    auto const device = std::ranges::find(devices, job.serial, &Device::serial);
    std::optional<Journal> journal;
    desk.store().read([&](store::ReadTxn& txn) { journal = load_journal(txn, job.serial); });
    auto const steps = describe_plan(*device, journal ? &*journal : nullptr, job.purpose);
    rows.emplace_back(json::Object{{"serial", job.serial}, {"steps", json::Value::strings(steps)}});
    if (global.json()) continue;
    std::printf("%s\n", job.serial.c_str());
    for (auto const& step : steps) std::printf("  %s\n", step.c_str());
  }
  if (global.json()) {
    json::Object const whole{{"v", 1}, {"devices", std::move(rows)}};
    std::fputs(json::write_pretty(whole).c_str(), stdout);
  } else if (jobs.empty()) {
    std::puts("Nothing to do.");
  }
}

ExitCode run_enroll(Global const& global, EnrollOptions const& options) {
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
    // Firmware that could not do it may have been updated; for whoever names the camera it is looked at again.
    bool const looks_again = !options.all && device.https == HttpsState::unsupported_firmware;
    if (goes_on || wants_certificate(device) || looks_again) {
      Purpose const begun = device.live ? Purpose::renew : Purpose::enroll;
      jobs.push_back({device.serial, goes_on ? journal->purpose : begun});
    } else if (!options.all) {
      std::fprintf(stderr, "%s: has its certificate; use renew for a new one\n", device.serial.c_str());
    }
  }
  if (options.dry_run) {
    show_plan(global, **desk, *chosen, jobs);
    return ExitCode::done;
  }
  return run_and_report(global, **desk, "enroll", std::move(jobs));
}

}  // namespace

void add_enroll(CLI::App& app, Global const& global, ExitCode& outcome) {
  auto* command =
      app.add_subcommand("enroll", "Give cameras certificates of their own, and go on with what was interrupted");
  command->footer("Examples:\n  lenscap-agent enroll --all\n  lenscap-agent enroll ACCC8E68D4D2 --dry-run");
  auto options = std::make_shared<EnrollOptions>();
  command->add_option("DEVICE", options->devices, "serial number, address or name");
  command->add_flag("--all", options->all, "every camera that has no certificate of ours, or one for other names");
  command->add_flag("--dry-run", options->dry_run, "only say what would be done");
  command->callback([&global, &outcome, options] { outcome = run_enroll(global, *options); });
}

}  // namespace lenscap::agent
