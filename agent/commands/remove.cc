// lenscap-agent remove: forget devices. Nothing is changed on the device itself, which may be gone; its certificate
// stays valid until its end, and its name and address become free for another device.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "agent/commands/desk.h"
#include "agent/commands/task.h"

namespace lenscap::agent {
namespace {

ExitCode run(Global const& global, std::vector<std::string> const& names) {
  auto desk = Desk::open(global);
  if (!desk.ok()) return refuse(desk.error());
  auto chosen = choose(**desk, names, false);
  if (!chosen.ok()) return refuse(chosen.error());
  (*desk)->store().write([&](store::WriteTxn& txn) {
    for (Device const& device : *chosen) erase_device(txn, device.serial);
    return true;
  });
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
  command->callback([&global, &outcome, devices] { outcome = run(global, *devices); });
}

}  // namespace lenscap::agent
