// lenscap-agent add: put devices into the inventory. What a device shows is approved by a person, or by a fingerprint
// on the command line, before any password is sent to it: see agent/first_contact.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include <unistd.h>

#include "agent/commands/desk.h"
#include "agent/first_contact.h"
#include "base/passphrase.h"

namespace lenscap::agent {
namespace {

struct AddOptions {
  std::vector<std::string> addresses;
  std::string user = "root";
  std::string password_file;
  std::string name;
  std::vector<std::string> fingerprints;
  bool accept_plain_http = false;
  std::uint16_t http_port = 80;
};

bool ask_person(Endpoint const& endpoint, FirstLook const& look) {
  x509::Certificate const& leaf = look.peer.front();
  std::fprintf(
      stderr,
      "%s shows a certificate that nobody has approved yet:\n  subject      %s\n  SHA-256      %s\n  serial    "
      "   %s\nIs this your camera? [y/N] ",
      endpoint.address.c_str(), leaf.subject().c_str(), fingerprint_text(leaf.fingerprint()).c_str(),
      look.serial.c_str());
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

// What can be found wrong before anything is asked of a device.
Result<std::vector<Sha256>> check_words(AddOptions const& options) {
  if (options.addresses.size() > 1 && !options.name.empty()) {
    return Error(Errc::usage, "--name is one camera's name: give one address, or set devices.names in agent.toml");
  }
  if (!options.name.empty()) {
    auto const name = x509::DnsName::parse(options.name);
    if (!name.ok()) return Error(Errc::usage, "--name " + options.name + ": " + name.error().detail());
    if (name->is_wildcard()) return Error(Errc::usage, "--name: a camera's certificate carries no wildcard");
  }
  std::vector<Sha256> fingerprints;
  for (auto const& text : options.fingerprints) {
    TRY(auto const fingerprint, parse_fingerprint(text));
    fingerprints.push_back(fingerprint);
  }
  return fingerprints;
}

Result<Device> add_one(Desk& desk, AddOptions const& options, std::vector<Sha256> const& fingerprints,
                       std::string const& address, SecretBytes const& password) {
  Introduction introduction;
  TRY(introduction.endpoint, parse_endpoint(address));
  introduction.endpoint.http_port = options.http_port;
  introduction.user = options.user;
  introduction.password = password.clone();
  introduction.name = options.name;
  introduction.fingerprints = fingerprints;
  // Of one camera a fingerprint says that it has a certificate; of several, which of them have is for them to show.
  bool const has_certificate = !fingerprints.empty() && options.addresses.size() == 1;
  introduction.accept_plain_http = options.accept_plain_http && !has_certificate;
  desk.store().read([&](store::ReadTxn& txn) { introduction.known_keys = known_keys(txn, introduction.endpoint); });
  bool const can_ask = ::isatty(0) != 0 && ::isatty(2) != 0;
  auto met = desk.run(first_contact(desk.devices(), desk.settings(), desk.sealer(), desk.clock(),
                                    std::move(introduction), can_ask ? AskPerson(ask_person) : AskPerson()));
  if (!met.ok()) return std::move(met).error().with_context(address + ": ");
  return keep_device(desk.store(), *met, !options.name.empty());
}

json::Object to_row(Device const& device, std::string const& address) {
  return {{"serial", device.serial},      {"address", address},
          {"model", device.model},        {"firmware", device.firmware},
          {"names", device.names.text()}, {"supported", device.https != HttpsState::unsupported_firmware}};
}

// A certificate for an address alone is good for whoever types the address, and few do.
void warn_of_no_name(Device const& device) {
  if (!device.names.dns.empty() || device.https == HttpsState::unsupported_firmware) return;
  std::fprintf(stderr,
               "%s: its certificate will carry the address %s alone. For a DNS name as well, add it again with --name, "
               "or for all cameras set names = [\"{ip}\", \"{hostname}.cams.example\"] under [devices] in agent.toml\n",
               device.serial.c_str(), device.names.text().c_str());
}

void print_row(Device const& device, std::string const& address) {
  std::printf("%s  %s  %s  %s  %s%s\n", device.serial.c_str(), address.c_str(), device.model.c_str(),
              device.firmware.c_str(), device.names.text().c_str(),
              device.https == HttpsState::unsupported_firmware ? "  (unsupported firmware)" : "");
}

ExitCode run_add(Global const& global, AddOptions const& options) {
  auto const fingerprints = check_words(options);
  if (!fingerprints.ok()) return refuse(fingerprints.error());
  auto password =
      read_passphrase(options.password_file.empty() ? "prompt" : "file:" + options.password_file, "camera's password");
  if (!password.ok()) return refuse(password.error());
  auto desk = Desk::open(global);
  if (!desk.ok()) return refuse(desk.error());
  json::Array rows;
  std::size_t failed = 0;
  ExitCode last = ExitCode::done;
  for (auto const& address : options.addresses) {
    auto added = add_one(**desk, options, *fingerprints, address, *password);
    if (!added.ok()) {
      last = refuse(added.error());
      ++failed;
      continue;
    }
    warn_of_no_name(*added);
    if (global.json()) {
      rows.emplace_back(to_row(*added, address));
    } else {
      print_row(*added, address);
    }
  }
  if (global.json()) {
    json::Object const whole{{"v", 1}, {"devices", std::move(rows)}, {"failed", failed}};
    std::fputs(json::write_pretty(whole).c_str(), stdout);
  }
  if (failed == 0) return ExitCode::done;
  return failed == options.addresses.size() ? last : ExitCode::partly_done;
}

}  // namespace

void add_add(CLI::App& app, Global const& global, ExitCode& outcome) {
  auto* command = app.add_subcommand("add", "Add cameras to the inventory, or give a known one a new login or address");
  command->footer(
      "Examples:\n  lenscap-agent add 10.20.4.119 --user root --password-file pass --name gate.cams.example\n"
      "  lenscap-agent add 10.20.4.181:8443 --password-file pass --accept-fingerprint 3f1c...");
  auto options = std::make_shared<AddOptions>();
  command->add_option("ADDRESS", options->addresses, "ADDRESS[:PORT], the port being that of HTTPS (443)")->required();
  command->add_option("--user", options->user, "administrator's name on the camera")->capture_default_str();
  command->add_option("--password-file", options->password_file,
                      "file with the password, readable by you alone; asked for when absent");
  command->add_option("--name", options->name, "DNS name of the camera");
  command
      ->add_option("--accept-fingerprint", options->fingerprints,
                   "SHA-256 of the certificate that the camera shows now; may be repeated")
      ->allow_extra_args(false);  // what follows is an ADDRESS
  command->add_flag("--accept-plain-http", options->accept_plain_http, "for a camera that has no HTTPS yet");
  command->add_option("--http-port", options->http_port, "port of plain HTTP; 0 when there is none")
      ->capture_default_str();
  command->callback([&global, &outcome, options] { outcome = run_add(global, *options); });
}

}  // namespace lenscap::agent
