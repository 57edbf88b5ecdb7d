// lenscap-agent remove: forget devices. Nothing is changed on the device itself, which may be gone; its certificate
// stays valid until its end, and its name and address become free for another device.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "agent/commands/desk.h"
#include "agent/commands/task.h"
#include "agent/journal_record.h"
#include "agent/plan.h"

namespace lenscap::agent {
namespace {

// The first that is between two settings of its web server.
Result<> check_none_is_changing(Desk& desk, std::vector<Device> const& devices) {
  Result<> fine;
  desk.store().read([&](store::ReadTxn& txn) {
    for (Device const& device : devices) {
      auto const journal = load_journal(txn, device.serial);
      if (!journal || !holds_way_back(*journal)) continue;
      fine =
          Error(Errc::conflict,
                device.serial +
                    " is in the middle of a change, and its former HTTPS settings are known to this agent "
                    "alone. Let it come to an end: lenscap-agent enroll " +
                    device.serial + "; if the camera is gone for good: lenscap-agent remove --force " + device.serial);
      return;
    }
  });
  return fine;
}

ExitCode run_remove(Global const& global, std::vector<std::string> const& names, bool force) {
  auto desk = Desk::open(global);
  if (!desk.ok()) return refuse(desk.error());
  auto chosen = choose(**desk, names, false);
  if (!chosen.ok()) return refuse(chosen.error());
  if (!force) {
    if (auto const fine = check_none_is_changing(**desk, *chosen); !fine.ok()) return refuse(fine.error());
  }
  (*desk)->store().write([&](store::WriteTxn& txn) {
    for (Device const& device : *chosen) erase_device(txn, device.serial);
    return true;
  });
  if (global.json()) {
    json::Array rows;
    for (Device const& device : *chosen)
      rows.emplace_back(json::Object{{"serial", device.serial}, {"address", device.endpoint.address}});
    json::Object const whole{{"v", 1}, {"forgotten", std::move(rows)}};
    std::fputs(json::write_pretty(whole).c_str(), stdout);
    return ExitCode::done;
  }
  for (Device const& device : *chosen)
    std::printf("%s  %s  is forgotten; on the device itself nothing was changed\n", device.serial.c_str(),
                device.endpoint.address.c_str());
  return ExitCode::done;
}

}  // namespace

void add_remove(CLI::App& app, Global const& global, ExitCode& outcome) {
  auto* command = app.add_subcommand("remove", "Forget cameras; nothing is changed on them");
  command->footer(
      "Examples:\n  lenscap-agent remove ACCC8E68D4D2\n  lenscap-agent remove gate.cams.example 10.20.4.181");
  auto devices = std::make_shared<std::vector<std::string>>();
  command->add_option("DEVICE", *devices, "serial number, address or name")->required();
  auto force = std::make_shared<bool>(false);
  command->add_flag("--force", *force, "also one whose HTTPS settings are being changed or put back");
  command->callback([&global, &outcome, devices, force] { outcome = run_remove(global, *devices, *force); });
}

}  // namespace lenscap::agent
