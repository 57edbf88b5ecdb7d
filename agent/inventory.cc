#include "agent/inventory.h"

#include <algorithm>
#include <array>

#include "acme/wire/renewal_info.h"
#include "agent/device.h"
#include "agent/journal_record.h"
#include "agent/records.h"

namespace lenscap::agent {
namespace {

constexpr int kFailuresMax = 1'000'000;  // counting further tells nothing, and must not overflow

struct HttpsStateRow {
  HttpsState state;
  std::string_view text;
};
constexpr std::array kHttpsStates = {
    HttpsStateRow{HttpsState::unknown, "unknown"},
    HttpsStateRow{HttpsState::unsupported_firmware, "unsupported_firmware"},
    HttpsStateRow{HttpsState::missing_certificate, "missing_certificate"},
    HttpsStateRow{HttpsState::disabled, "disabled"},
    HttpsStateRow{HttpsState::enabled, "enabled"},
};

std::string password_context(std::string_view serial) { return "device/" + std::string(serial) + "/password"; }

}  // namespace

std::string_view to_string(HttpsState state) {
  for (auto const& row : kHttpsStates) {
    if (row.state == state) return row.text;
  }
  bug("HttpsState out of range");
}

HttpsState https_state(HttpsConfig const& config) {
  if (config.enabled) return HttpsState::enabled;
  return config.certificate_id().empty() ? HttpsState::missing_certificate : HttpsState::disabled;
}

bool serves_with(LiveCertificate const& live, std::string_view id) {
  return live.id == id || std::ranges::find(live.ca_ids, id) != live.ca_ids.end();
}

std::optional<std::string> parse_serial(std::string_view text) {
  std::string serial;
  for (char c : text) {
    if (c == ':' || c == '-') continue;
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
    if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'))) return std::nullopt;
    serial += c;
  }
  if (serial.size() != 12) return std::nullopt;
  return serial;
}

std::string seal_password(Sealer const& sealer, SecretBytes const& password, std::string_view serial) {
  return sealer.seal(password, password_context(serial));
}

Result<SecretBytes> open_password(Sealer const& sealer, Device const& device) {
  auto opened = sealer.open(device.sealed_password, password_context(device.serial));
  if (!opened.ok()) return std::move(opened).error().with_context("the password of device " + device.serial + ": ");
  return opened;
}

Time next_try(Device const& device) {
  if (!device.failure || !device.last_attempt) return Time{};
  std::optional<Seconds> left;
  if (device.live) left = device.live->validity.not_after - *device.last_attempt;
  return *device.last_attempt + retry_delay(device.failures, device.serial, left);
}

bool may_try(Device const& device, Time now) {
  if (device.failure && device.failure->retry == Retry::never) return false;
  return now >= next_try(device);
}

Device with_failure(Device device, Failure failure, Time now) {
  device.failure = std::move(failure);
  device.failures = std::min(device.failures, kFailuresMax - 1) + 1;
  device.last_attempt = now;
  return device;
}

Device with_success(Device device, Time now) {
  device.failure.reset();
  device.failures = 0;
  device.wrong_certificates = 0;
  device.last_attempt = now;
  return device;
}

std::string certificate_id(LiveCertificate const& live) {
  auto const chain = x509::parse_pem_chain(live.chain_pem);
  if (!chain.ok() || chain->empty()) return {};
  auto const id = acme::CertificateId::of(chain->front());
  return id.ok() ? id->text() : std::string();
}

// --- records
// -----------------------------------------------------------------------------------------------------------

namespace {

json::Object to_json(LiveCertificate const& live) {
  json::Object object{{"id", live.id},
                      {"chain", live.chain_pem},
                      {"names", records::names_to_json(live.names)},
                      {"key_pin", to_hex(live.key_pin)},
                      {"validity", records::validity_to_json(live.validity)},
                      {"promoted", to_rfc3339(live.promoted)}};
  records::set_texts(object, "ca_ids", live.ca_ids);
  records::set_flag(object, "chain_incomplete", live.chain_incomplete);
  records::set_time(object, "asked", live.asked);
  if (live.window) {
    object.set("window", json::Object{{"start", to_rfc3339(live.window->start)},
                                      {"end", to_rfc3339(live.window->end)},
                                      {"fetched", to_rfc3339(live.window->fetched)},
                                      {"retry_after", static_cast<std::int64_t>(live.window->retry_after.count())}});
  }
  return object;
}

Result<LiveCertificate> parse_live(json::Object const& object) {
  LiveCertificate live;
  TRY(live.id, json::need_string(object, "id"));
  TRY(live.chain_pem, json::need_string(object, "chain"));
  TRY(auto names, json::need_object(object, "names"));
  TRY(live.names, records::parse_names(names));
  TRY(auto pin, json::need_string(object, "key_pin"));
  TRY(live.key_pin, records::parse_sha256(pin));
  TRY(auto validity, json::need_object(object, "validity"));
  TRY(live.validity, records::parse_validity(validity));
  TRY(live.promoted, records::need_time(object, "promoted"));
  TRY(live.ca_ids, records::texts(object, "ca_ids"));
  TRY(live.chain_incomplete, records::flag(object, "chain_incomplete"));
  TRY(live.asked, records::get_time(object, "asked"));
  TRY(auto window, json::get_object(object, "window"));
  if (window) {
    RenewalWindow parsed;
    TRY(parsed.start, records::need_time(*window, "start"));
    TRY(parsed.end, records::need_time(*window, "end"));
    TRY(parsed.fetched, records::need_time(*window, "fetched"));
    TRY(auto retry_after, json::need_int(*window, "retry_after"));
    parsed.retry_after = Seconds(retry_after);
    live.window = parsed;
  }
  return live;
}

}  // namespace

json::Object to_json(Device const& device) {
  json::Object object{{"v", 1},
                      {"serial", device.serial},
                      {"address", device.endpoint.address},
                      {"http_port", int{device.endpoint.http_port}},
                      {"https_port", int{device.endpoint.https_port}}};
  records::set_text(object, "server", device.server);
  records::set_text(object, "vendor", device.vendor);
  records::set_text(object, "model", device.model);
  records::set_text(object, "firmware", device.firmware);
  records::set_text(object, "hostname", device.hostname);
  records::set_text(object, "driver", device.driver);
  object.set("https", to_string(device.https));
  object.set("added", to_rfc3339(device.added));
  records::set_time(object, "seen", device.seen);
  if (device.clock_offset) object.set("clock_offset", static_cast<std::int64_t>(device.clock_offset->count()));
  records::set_text(object, "user", device.user);
  records::set_text(object, "password", device.sealed_password);
  if (device.pin) object.set("pin", to_hex(*device.pin));
  records::set_flag(object, "accept_plain_http", device.accept_plain_http);
  object.set("names", records::names_to_json(device.names));
  records::set_text(object, "common_name", device.common_name);
  if (device.live) object.set("live", to_json(*device.live));
  records::set_text(object, "moves_from", device.moves_from);
  records::set_texts(object, "leftover_ids", device.leftover_ids);
  if (device.failure) object.set("failure", to_json(*device.failure));
  if (device.failures != 0) object.set("failures", device.failures);
  if (device.wrong_certificates != 0) object.set("wrong_certificates", device.wrong_certificates);
  records::set_time(object, "last_attempt", device.last_attempt);
  return object;
}

Result<Device> parse_device(std::string_view text) {
  TRY(auto object, json::parse_object(text, {.bytes = store::kValueBytesMax}));
  Device device;
  TRY(device.serial, json::need_string(object, "serial"));
  TRY(device.endpoint.address, json::need_string(object, "address"));
  TRY(auto http_port, records::number(object, "http_port", 0, 65535, 80));
  TRY(auto https_port, records::number(object, "https_port", 0, 65535, 443));
  device.endpoint.http_port = static_cast<std::uint16_t>(http_port);
  device.endpoint.https_port = static_cast<std::uint16_t>(https_port);
  TRY(device.server, records::text(object, "server"));
  TRY(device.vendor, records::text(object, "vendor"));
  TRY(device.model, records::text(object, "model"));
  TRY(device.firmware, records::text(object, "firmware"));
  TRY(device.hostname, records::text(object, "hostname"));
  TRY(device.driver, records::text(object, "driver"));
  TRY(auto https, json::need_string(object, "https"));
  auto row = std::ranges::find(kHttpsStates, https, &HttpsStateRow::text);
  if (row == kHttpsStates.end()) return Error(Errc::malformed, "unknown https state \"" + https + "\"");
  device.https = row->state;
  TRY(device.added, records::need_time(object, "added"));
  TRY(device.seen, records::get_time(object, "seen"));
  TRY(auto clock_offset, json::get_int(object, "clock_offset"));
  if (clock_offset) device.clock_offset = Seconds(*clock_offset);
  TRY(device.user, records::text(object, "user"));
  TRY(device.sealed_password, records::text(object, "password"));
  TRY(auto pin, json::get_string(object, "pin"));
  if (pin) {
    TRY(device.pin, records::parse_sha256(*pin));
  }
  TRY(device.accept_plain_http, records::flag(object, "accept_plain_http"));
  TRY(auto names, json::need_object(object, "names"));
  TRY(device.names, records::parse_names(names));
  TRY(device.common_name, records::text(object, "common_name"));
  TRY(auto live, json::get_object(object, "live"));
  if (live) {
    TRY(device.live, parse_live(*live));
  }
  TRY(device.moves_from, records::text(object, "moves_from"));
  TRY(device.leftover_ids, records::texts(object, "leftover_ids"));
  TRY(auto failure, json::get_object(object, "failure"));
  if (failure) {
    TRY(device.failure, parse_failure(*failure));
  }
  TRY(device.failures, records::number(object, "failures", 0, kFailuresMax, 0));
  TRY(device.wrong_certificates, records::number(object, "wrong_certificates", 0, kWrongCertificatesMax, 0));
  TRY(device.last_attempt, records::get_time(object, "last_attempt"));
  return device;
}

std::optional<Device> load_device(store::ReadTxn& txn, std::string_view serial) {
  if (serial.empty()) return std::nullopt;
  auto text = txn.get(kDevices, serial);
  if (!text) return std::nullopt;
  auto device = parse_device(*text);
  if (!device.ok()) records::broken(kDevices.name, serial, device.error());
  return std::move(device).value();
}

void save_device(store::WriteTxn& txn, Device const& device) {
  txn.put(kDevices, device.serial, json::write(to_json(device)));
}

void erase_device(store::WriteTxn& txn, std::string_view serial) {
  txn.erase(kDevices, serial);
  txn.erase(kJournals, serial);
}

std::vector<Device> all_devices(store::ReadTxn& txn) {
  std::vector<Device> devices;
  txn.scan(kDevices, {}, [&](std::string_view serial, std::string_view text) {
    auto device = parse_device(text);
    if (!device.ok()) records::broken(kDevices.name, serial, device.error());
    devices.push_back(std::move(device).value());
    return true;
  });
  return devices;
}

bool is_any_to_move(store::ReadTxn& txn) {
  auto const devices = all_devices(txn);
  return std::ranges::any_of(devices, [](Device const& device) {
    return !device.moves_from.empty() && device.https != HttpsState::unsupported_firmware;
  });
}

namespace {

bool is_called(Device const& device, std::string_view what) {
  auto const& at = device.endpoint;
  if (what == at.address || what == "[" + at.address + "]") return true;
  for (auto port : {at.https_port, at.http_port}) {
    if (port != 0 && what == with_port(at.address, port)) return true;
  }
  auto name = x509::DnsName::parse(what);
  return name.ok() && device.names.dns.contains(*name);
}

}  // namespace

Result<Device> find_device(store::ReadTxn& txn, std::string_view what) {
  if (auto serial = parse_serial(what)) {
    if (auto device = load_device(txn, *serial)) return *std::move(device);
  }
  std::vector<Device> found;
  for (auto& device : all_devices(txn)) {
    if (is_called(device, what)) found.push_back(std::move(device));
  }
  if (found.size() == 1) return std::move(found.front());
  if (found.empty()) {
    return Error(Errc::not_found,
                 "no device is called \"" + std::string(what) + "\"; lenscap-agent status shows them all");
  }
  std::string serials;
  for (auto const& device : found) serials.append(serials.empty() ? "" : ", ").append(device.serial);
  return Error(Errc::conflict,
               "\"" + std::string(what) + "\" fits several devices (" + serials + "); name one by its serial number");
}

Result<> check_names_free(store::ReadTxn& txn, Device const& device) {
  for (auto const& other : all_devices(txn)) {
    if (other.serial == device.serial) continue;
    for (auto const& name : device.names.dns) {
      if (!other.names.dns.contains(name)) continue;
      return Error(Errc::conflict, "the name " + name.text() + " belongs to device " + other.serial +
                                       " already; give " + device.serial + " another one with --name");
    }
    bool same_port = other.endpoint.https_port == device.endpoint.https_port;
    for (auto const& address : device.names.ip) {
      if (!same_port || !other.names.ip.contains(address)) continue;
      return Error(Errc::conflict, "the address " + address.text() + " belongs to device " + other.serial +
                                       " already; if that device has moved or is gone: lenscap-agent remove " +
                                       other.serial);
    }
  }
  return {};
}

}  // namespace lenscap::agent
