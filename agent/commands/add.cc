// lenscap-agent add: put devices into the inventory. First contact: what the device shows is approved by a person
// before any password is sent to it.
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "agent/commands/desk.h"
#include "agent/names.h"
#include "base/passphrase.h"

namespace lenscap::agent {
namespace {

struct Options {
  std::vector<std::string> addresses;
  std::string user = "root";
  std::string password_file;
  std::string name;
  std::vector<std::string> fingerprints;
  bool accept_plain_http = false;
  std::uint16_t http_port = 80;
};

// "10.0.0.7", "10.0.0.7:8443", "[fd00::7]:8443", "cam1.example:8443"; the port is that of HTTPS.
Result<Endpoint> parse_address(std::string const& text, std::uint16_t http_port) {
  Endpoint endpoint;
  endpoint.http_port = http_port;
  endpoint.address = text;
  std::string port;
  if (text.starts_with("[")) {
    auto const close = text.find(']');
    if (close == std::string::npos) return Error(Errc::usage, text + ": the bracket is not closed");
    endpoint.address = text.substr(1, close - 1);
    if (close + 1 < text.size()) port = text.substr(close + 1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    endpoint.address = text.substr(0, text.find(':'));
    port = text.substr(text.find(':'));
  }
  if (!port.empty()) {
    int number = 0;
    auto const [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
    if (port[0] != ':' || error != std::errc() || end != port.data() + port.size() || number < 1 || number > 65535) {
      return Error(Errc::usage, text + ": the port is a number from 1 to 65535");
    }
    endpoint.https_port = static_cast<std::uint16_t>(number);
  }
  if (!x509::IpAddress::parse(endpoint.address).ok() && !x509::DnsName::parse(endpoint.address).ok()) {
    return Error(Errc::usage, text + " is neither an address nor a host name");
  }
  return endpoint;
}

std::string colons(Sha256 const& hash) {
  std::string text;
  for (std::size_t i = 0; i < hash.size(); ++i) text += fmt::format("{}{:02X}", i == 0 ? "" : ":", hash[i]);
  return text;
}

bool agrees(std::string const& question) {
  std::fprintf(stderr, "%s [y/N] ", question.c_str());
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

// What a person approved: the key that the device shows, or plain HTTP.
struct Approved {
  std::optional<Sha256> pin;
  bool plain_http = false;
};

Result<Approved> approve(Options const& options, Endpoint const& endpoint, FirstLook const& look) {
  if (look.peer.empty()) {
    if (options.accept_plain_http) return Approved{std::nullopt, true};
    return Error(Errc::needs_confirmation, fmt::format("{} answers on plain HTTP only, where somebody in between can "
                                                       "pretend to be the camera. If you trust the network "
                                                       "between here and there, add --accept-plain-http: the password "
                                                       "is then sent as Digest only, until the camera "
                                                       "has its certificate",
                                                       endpoint.address));
  }
  x509::Certificate const& leaf = look.peer.front();
  for (auto const& text : options.fingerprints) {
    TRY(auto const hash, from_hex(text));
    if (equal_constant_time(hash, leaf.fingerprint())) return Approved{leaf.key().spki_hash(), false};
  }
  std::fprintf(
      stderr,
      "%s shows a certificate that nobody has approved yet:\n  subject      %s\n  SHA-256      %s\n  serial       %s\n",
      endpoint.address.c_str(), leaf.subject().c_str(), colons(leaf.fingerprint()).c_str(), look.serial.c_str());
  bool const can_ask = options.fingerprints.empty() && ::isatty(0) != 0 && ::isatty(2) != 0;
  if (can_ask && agrees("Is this your camera?")) return Approved{leaf.key().spki_hash(), false};
  return Error(
      Errc::needs_confirmation,
      options.fingerprints.empty()
          ? fmt::format(
                "{}: compare the SHA-256 above with what the camera's own page shows, then add --accept-fingerprint {}",
                endpoint.address, to_hex(leaf.fingerprint()))
          : fmt::format(
                "{}: its certificate is none of those accepted with --accept-fingerprint; nothing was sent to it",
                endpoint.address));
}

HttpsState https_state(Identity const& identity, bool supported) {
  if (!supported) return HttpsState::unsupported_firmware;
  return identity.https.open ? HttpsState::enabled : HttpsState::missing_certificate;
}

net::Awaitable<Result<Device>> first_contact(Desk& desk, Options const& options, Endpoint endpoint,
                                             SecretBytes password) {
  auto looked = co_await desk.devices().look(endpoint);
  if (!looked.ok()) co_return looked.error().to_error();
  CO_TRY(auto const approved, approve(options, endpoint, *looked));

  Login login{.user = options.user, .password = password.clone(), .refused = false};
  Trust trust;
  if (approved.pin) trust.pins = {*approved.pin};
  trust.plain_http = approved.plain_http;
  auto identified = co_await desk.devices().identify(endpoint, login, trust);
  if (!identified.ok()) co_return identified.error().to_error();
  Identity const& identity = *identified;
  // Only a device that some driver serves can have a certificate; the others are kept, and shown as what they are.
  auto driver = co_await desk.devices().open(endpoint, login, trust, identity.serial);
  bool const supported = driver.ok();
  if (!supported && driver.error().code != DeviceErrc::unsupported) co_return driver.error().to_error();

  NameFacts const facts{
      .address = endpoint.address, .hostname = identity.hostname, .serial = identity.serial, .model = identity.model};
  CO_TRY(auto names, names_for(desk.settings().names, facts, options.name));

  Device device;
  device.serial = identity.serial;
  device.endpoint = endpoint;
  device.server = desk.settings().site;
  device.vendor = identity.vendor;
  device.model = identity.model;
  device.firmware = identity.firmware;
  device.hostname = identity.hostname;
  device.driver = supported ? (*driver)->capabilities().driver : std::string();
  device.https = https_state(identity, supported);
  device.added = desk.clock().now();
  device.seen = device.added;
  device.user = options.user;
  device.sealed_password = seal_password(desk.sealer(), password, identity.serial);
  device.pin = approved.pin;
  device.accept_plain_http = approved.plain_http;
  device.names = std::move(names.names);
  device.common_name = std::move(names.common_name);
  co_return device;
}

// A device that is known already keeps its certificate and its names; what a person said anew counts.
Device merged(Device fresh, std::optional<Device> const& known) {
  if (!known) return fresh;
  fresh.added = known->added;
  fresh.live = known->live;
  fresh.leftover_ids = known->leftover_ids;
  return fresh;
}

Result<Device> add_one(Desk& desk, Options const& options, std::string const& address, SecretBytes const& password) {
  TRY(auto const endpoint, parse_address(address, options.http_port));
  TRY(auto found, desk.run(first_contact(desk, options, endpoint, password.clone())));
  Result<> saved;
  desk.store().write([&](store::WriteTxn& txn) {
    auto const known = load_device(txn, found.serial);
    found = merged(std::move(found), known);
    saved = check_names_free(txn, found);
    if (saved.ok()) save_device(txn, found);
    return saved.ok();
  });
  CHECK_OK(std::move(saved));
  return found;
}

ExitCode run(Global const& global, Options const& options) {
  if (options.addresses.size() > 1 && !options.name.empty()) {
    return refuse(
        Error(Errc::usage, "--name is one camera's name: give one address, or set devices.names in agent.toml"));
  }
  auto password =
      read_passphrase(options.password_file.empty() ? "prompt" : "file:" + options.password_file, "camera's password");
  if (!password.ok()) return refuse(password.error());
  auto desk = Desk::open(global);
  if (!desk.ok()) return refuse(desk.error());
  std::size_t failed = 0;
  ExitCode last = ExitCode::done;
  for (auto const& address : options.addresses) {
    auto added = add_one(**desk, options, address, *password);
    if (!added.ok()) {
      last = refuse(added.error());
      ++failed;
      continue;
    }
    std::printf("%s  %s  %s  %s  %s%s\n", added->serial.c_str(), address.c_str(), added->model.c_str(),
                added->firmware.c_str(), added->names.text().c_str(),
                added->https == HttpsState::unsupported_firmware ? "  (unsupported firmware)" : "");
  }
  if (failed == 0) return ExitCode::done;
  return failed == options.addresses.size() ? last : ExitCode::partly_done;
}

}  // namespace

void add_add(CLI::App& app, Global const& global, ExitCode& outcome) {
  auto* command = app.add_subcommand("add", "Add cameras to the inventory");
  command->footer(
      "Examples:\n  lenscap-agent add 10.20.4.119 --user root --password-file pass --name gate.cams.example\n"
      "  lenscap-agent add 10.20.4.181:8443 --password-file pass --accept-fingerprint 3f1c...");
  auto options = std::make_shared<Options>();
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
  command->callback([&global, &outcome, options] { outcome = run(global, *options); });
}

}  // namespace lenscap::agent
