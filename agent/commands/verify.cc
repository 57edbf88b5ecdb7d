// lenscap-agent verify: connect to a device and say whether it serves what it should.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "agent/commands/desk.h"
#include "agent/commands/task.h"

namespace lenscap::agent {
namespace {

net::Awaitable<DeviceResult<Served>> look(Desk& desk, Workshop& shop, Device const& device,
                                          ServedExpectation expected) {
  CO_TRY(auto login, [&]() -> DeviceResult<Login> {
    auto password = open_password(shop.sealer, device);
    if (!password.ok()) return DeviceError(DeviceErrc::auth_failed, password.error().detail());
    return Login{.user = device.user, .password = *std::move(password), .refused = false};
  }());
  Trust trust;
  trust.pins = {expected.key->spki_hash()};
  auto driver = co_await desk.devices().open(device.endpoint, login, trust, device.serial);
  Driver* const reader = driver.ok() ? driver->get() : nullptr;
  auto served = co_await desk.devices().verify_served(device.endpoint, expected, reader);
  if (served.ok() && served->reached && !driver.ok()) {
    served->serial_error = driver.error();
    served->text += "; its serial number was not read: " + driver.error().text;
  }
  co_return served;
}

ExitCode run_verify(Global const& global, std::string const& name) {
  auto desk = Desk::open(global);
  if (!desk.ok()) return refuse(desk.error());
  auto chosen = choose(**desk, {name}, false);
  if (!chosen.ok()) return refuse(chosen.error());
  Device const& device = chosen->front();
  auto workshop = (*desk)->workshop();
  if (!workshop.ok()) return refuse(workshop.error());
  if (!device.live) return refuse(Error(Errc::usage, device.serial + " has no certificate of ours yet: use enroll"));
  auto chain = x509::parse_pem_chain(device.live->chain_pem);
  if (!chain.ok()) return refuse(chain.error());

  ServedExpectation expected;
  expected.key = chain->front().key();
  expected.roots = (*workshop)->membership.device_roots;
  if (!device.moves_from.empty()) {  // it has a certificate of the CA that we left
    Result<std::optional<Membership>> former = std::optional<Membership>();
    (*desk)->store().read([&](store::ReadTxn& txn) { former = load_former_membership(txn, (*desk)->sealer()); });
    if (!former.ok()) return refuse(former.error());
    if (*former && (*former)->directory_url == device.moves_from) expected.roots = (*former)->device_roots;
  }
  expected.intermediates.assign(chain->begin() + 1, chain->end());
  expected.names = device.names;
  expected.serial = device.serial;
  expected.until = expected.until_away = Seconds(0);  // as it is now
  auto served = (*desk)->run(look(**desk, **workshop, device, expected));
  if (!served.ok()) return refuse(served.error().to_error());
  bool const good = served->good(expected);
  if (global.json()) {
    json::Object const whole{{"v", 1},
                             {"device", device.serial},
                             {"good", good},
                             {"reached", served->reached},
                             {"key_matches", served->key_matches},
                             {"chain_incomplete", served->chain_state == ServedChain::incomplete},
                             {"names_match", served->names_match},
                             {"time_valid", served->time_valid},
                             {"serial_checked", served->serial_checked},
                             {"text", served->text}};
    std::fputs(json::write_pretty(whole).c_str(), stdout);
  } else {
    std::printf("%s %s: %s\n", device.serial.c_str(), good ? "OK" : "NOT OK", served->text.c_str());
  }
  return good ? ExitCode::done : ExitCode::failed;
}

}  // namespace

void add_verify(CLI::App& app, Global const& global, ExitCode& outcome) {
  auto* command =
      app.add_subcommand("verify", "Connect to a camera and check key, chain, names, time and serial number");
  command->footer("Examples:\n  lenscap-agent verify ACCC8E68D4D2\n  lenscap-agent verify gate.cams.example");
  auto device = std::make_shared<std::string>();
  command->add_option("DEVICE", *device, "serial number, address or name")->required();
  command->callback([&global, &outcome, device] { outcome = run_verify(global, *device); });
}

}  // namespace lenscap::agent
