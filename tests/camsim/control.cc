#include "tests/camsim/control.h"

#include <array>

#include "tests/camsim/certificates.h"
#include "tests/camsim/device_json.h"
#include "tests/camsim/device_pki.h"
#include "tests/camsim/front.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

constexpr int kDevicesAtOnceMax = 10'000;
constexpr json::Limits kLimits{.bytes = 8 * 1024 * 1024, .depth = 16, .members = 200'000};

Result<std::map<std::string, User>> parse_users(json::Object const& object) {
  std::map<std::string, User> users;
  for (auto const& [name, value] : object.members()) {
    if (value.as_object() == nullptr) return Error(Errc::malformed, "a user is {\"password\":..,\"groups\":[..]}");
    TRY(std::string password, json::need_string(*value.as_object(), "password"));
    TRY(auto const groups, json::get_strings(*value.as_object(), "groups"));
    users[name] = {std::move(password),
                   groups.value_or(std::vector<std::string>{"admin", "operator", "viewer", "ptz"})};
  }
  return users;
}

std::map<std::string, User> usual_users() { return {{"root", {"pass", {"admin", "operator", "viewer", "ptz"}}}}; }

Result<unsigned short> parse_port(json::Object const& spec, std::string_view name) {
  TRY(auto const port, json::get_int(spec, name));
  if (port.value_or(0) < 0 || port.value_or(0) > 65'535) return Error(Errc::malformed, std::string(name) + ": no port");
  return static_cast<unsigned short>(port.value_or(0));
}

bool is_serial(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789ABCDEF") == std::string_view::npos;
}

Error unknown_member(std::string const& name) { return {Errc::malformed, "unknown member '" + name + "'"}; }

// Only switches of what TLS serves make the web server load its settings anew: a fault may want it to serve others.
Result<> change_switches(Device& device, json::Object const& values) {
  Switches const before = device.state.switches;
  CHECK_OK(set_switches(device.state.switches, values));
  Switches const& after = device.state.switches;
  bool const chain = before.chain_served != after.chain_served || before.ca_set_served != after.ca_set_served ||
                     before.ca_store_served != after.ca_store_served;
  bool const endpoints = before.tls_min != after.tls_min || before.tls_max != after.tls_max ||
                         before.http_under_https != after.http_under_https;
  if (chain) device.apply();
  if (endpoints && !chain) device.reopen();
  return {};
}

// {"mqtt_client":["id"]}: other services' own certificates, as somebody else set them.
Result<> change_cert_sets(State& state, json::Object const& sets) {
  for (auto const& [name, value] : sets.members()) {
    TRY(auto const ids, json::need_strings(sets, name));
    if (!state.cert_sets.contains(name)) return Error(Errc::malformed, "no certificate set is called " + name);
    for (std::string const& id : ids)
      if (state.find_certificate(id) == nullptr) return Error(Errc::malformed, "no certificate is called " + id);
    state.cert_sets[name].certificates = ids;
  }
  return {};
}

int status_of(Errc code) {
  if (code == Errc::not_found) return 404;
  return code == Errc::conflict ? 409 : 400;
}

}  // namespace

Control::~Control() {
  for (auto& [serial, device] : devices_) device->retire();
}

// 127.9.x.y, one for each device: no two share an address, so a port never decides who answers.
std::string Control::next_address() {
  ++made_;
  return "127.9." + std::to_string(made_ / 250) + "." + std::to_string(made_ % 250 + 1);
}

std::string Control::next_serial(Generation const& generation) {
  std::string serial(generation.serial);
  while (devices_.contains(serial)) {
    Bytes octets(3);
    for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(world_.random());
    serial = "ACCC8E" + upper(to_hex(octets));
  }
  return serial;
}

Result<std::shared_ptr<Device>> Control::make_device(json::Object const& spec) {
  constexpr std::array<std::string_view, 10> kMembers{"generation", "serial",        "address",  "http_port",
                                                      "https_port", "users",         "switches", "faults",
                                                      "count",      "clock_offset_s"};
  for (auto const& [name, value] : spec.members()) {
    bool known = false;
    for (std::string_view const member : kMembers) known = known || member == name;
    if (!known) return unknown_member(name);
  }
  TRY(std::string const id, json::need_string(spec, "generation"));
  DeviceSpec device;
  device.generation = find_generation(id);
  if (device.generation == nullptr) return Error(Errc::malformed, "no generation is called " + id);
  device.switches = switches_of(*device.generation);
  TRY(auto const switches, json::get_object(spec, "switches"));
  if (switches) CHECK_OK(set_switches(device.switches, *switches));
  TRY(auto const serial, json::get_string(spec, "serial"));
  TRY(auto const address, json::get_string(spec, "address"));
  device.serial = serial ? *serial : next_serial(*device.generation);
  if (!is_serial(device.serial)) return Error(Errc::malformed, "a serial number is twelve upper-case hex digits");
  if (devices_.contains(device.serial)) return Error(Errc::conflict, "serial " + device.serial + " exists");
  device.address = address ? *address : next_address();
  TRY(device.http_port, parse_port(spec, "http_port"));
  TRY(device.https_port, parse_port(spec, "https_port"));
  device.users = usual_users();
  TRY(auto const users, json::get_object(spec, "users"));
  if (users) {
    TRY(device.users, parse_users(*users));
  }
  std::vector<Fault> faults;
  if (spec.find("faults") != nullptr) {
    TRY(auto const list, json::need_array(spec, "faults"));
    TRY(faults, Faults::parse(list));
  }
  TRY(auto const offset, json::get_int(spec, "clock_offset_s"));
  try {
    auto made = std::make_shared<Device>(world_, device);
    made->state.clock_offset_s = offset.value_or(0);
    made->faults.set(std::move(faults));
    made->start(serve_device);
    devices_[device.serial] = made;
    return made;
  } catch (std::runtime_error const& error) {
    return Error(Errc::conflict, error.what());
  }
}

Result<json::Value> Control::make_devices(json::Object const& spec) {
  TRY(auto const count, json::get_int(spec, "count"));
  if (!count) {
    TRY(auto const device, make_device(spec));
    return json::Value(summary(*device));
  }
  if (*count < 0 || *count > kDevicesAtOnceMax) return Error(Errc::malformed, "count is out of range");
  json::Array list;
  for (std::int64_t i = 0; i < *count; ++i) {
    TRY(auto const device, make_device(spec));
    list.emplace_back(summary(*device));
  }
  return json::Value(json::Object{{"devices", std::move(list)}});
}

Result<> Control::load(std::string_view text) {
  TRY(json::Value const value, json::parse(text, kLimits));
  if (value.as_array() == nullptr) return Error(Errc::malformed, "the file of devices is a JSON array");
  for (json::Value const& spec : *value.as_array()) {
    if (spec.as_object() == nullptr) return Error(Errc::malformed, "a device is a JSON object");
    auto made = make_devices(*spec.as_object());
    if (!made.ok()) return std::move(made).error();
  }
  return {};
}

Result<json::Value> Control::on_device(Device& device, std::string const& method, std::string const& what,
                                       std::string const& body) {
  std::string const& serial = device.state.serial;
  if (what.empty() && method == "GET") return json::Value(full_state(device));
  if (what.empty() && method == "DELETE") {
    device.retire();
    snapshots_.erase(serial);
    devices_.erase(std::string(serial));
    return json::Value(json::Object());
  }
  if (what == "journal" && method == "GET") return json::Value(device.journal.to_json());
  if (what == "journal" && method == "DELETE") {
    device.journal.clear();
    return json::Value(json::Object());
  }
  if (method == "PUT" && what == "faults") {
    TRY(json::Value const list, json::parse(body, kLimits));
    if (list.as_array() == nullptr) return Error(Errc::malformed, "faults are an array");
    TRY(auto faults, Faults::parse(*list.as_array()));
    device.faults.set(std::move(faults));
    device.reopen();
    return json::Value(json::Object());
  }
  if (method == "PUT") {
    TRY(json::Object const object, json::parse_object(body, kLimits));
    if (what == "clock") {
      TRY(device.state.clock_offset_s, json::need_int(object, "offset_s"));
    } else if (what == "switches") {
      CHECK_OK(change_switches(device, object));
    } else if (what == "cert_sets") {
      CHECK_OK(change_cert_sets(device.state, object));
    } else if (what == "users") {
      TRY(device.state.users, parse_users(object));
    } else {
      return Error(Errc::not_found, "no such call");
    }
    return json::Value(json::Object());
  }
  if (method != "POST") return Error(Errc::not_found, "no such call");
  if (what == "reboot")
    device.reboot();
  else if (what == "factorydefault")
    device.factory_default(false);
  else if (what == "hardfactorydefault")
    device.factory_default(true);
  else if (what == "poweroff")
    device.power_off();
  else if (what == "poweron")
    device.power_on();
  else if (what == "snapshot")
    snapshots_[serial] = device.state;
  else if (what == "restore" && snapshots_.contains(serial)) {
    device.state = snapshots_.at(serial);
    device.apply();
  } else
    return Error(Errc::not_found, "no such call");
  return json::Value(json::Object());
}

Result<json::Value> Control::answer(Request const& request) {
  std::vector<std::string> const parts = split(request.path, '/');
  std::string const& method = request.method;
  if (parts.size() == 1 && parts[0] == "pki" && method == "GET")
    return json::Value(json::Object{{"root", to_pem("CERTIFICATE", world_.pki.root())}, {"all", world_.pki.pem()}});
  if (parts.size() == 1 && parts[0] == "switches" && method == "GET") {
    json::Object defaults;
    for (Generation const& generation : generations()) defaults.set(generation.id, to_json(switches_of(generation)));
    return json::Value(json::Object{{"switches", describe_switches()}, {"generations", std::move(defaults)}});
  }
  if (parts.empty() || parts[0] != "devices" || parts.size() > 3) return Error(Errc::not_found, "no such call");
  if (parts.size() == 1 && method == "GET") {
    json::Array list;
    for (auto const& [serial, device] : devices_) list.emplace_back(summary(*device));
    return json::Value(json::Object{{"devices", std::move(list)}});
  }
  if (parts.size() == 1 && method == "POST") {
    TRY(json::Object const spec, json::parse_object(request.body, kLimits));
    return make_devices(spec);
  }
  auto const found = parts.size() > 1 ? devices_.find(parts[1]) : devices_.end();
  if (found == devices_.end()) return Error(Errc::not_found, "no such device");
  std::shared_ptr<Device> const device = found->second;  // DELETE takes it out of the list
  return on_device(*device, method, parts.size() > 2 ? parts[2] : "", request.body);
}

// The answer comes when the web server of the device has come up more often than `starts`.
bool Control::serve_wait(Request const& request, Reply const& reply) {
  std::vector<std::string> const parts = split(request.path, '/');
  if (request.method != "POST" || parts.size() != 3 || parts[0] != "devices" || parts[2] != "wait") return false;
  auto const device = devices_.find(parts[1]);
  auto const body = json::parse_object(request.body, kLimits);
  if (device == devices_.end() || !body.ok()) return false;
  auto const seen = json::get_int(*body, "starts");
  if (!seen.ok()) return false;
  device->second->when_started(static_cast<unsigned>(seen->value_or(0)),
                               [reply] { reply({.content_type = "application/json", .body = "{}"}); });
  return true;
}

void Control::serve(Request const& request, Reply const& reply) {
  if (serve_wait(request, reply)) return;
  Result<json::Value> const result = answer(request);
  Response response{.content_type = "application/json", .body = {}};
  if (result.ok()) {
    response.body = json::write(*result);
  } else {
    response.status = status_of(result.error().code());
    response.body = json::write(json::Object{{"error", result.error().detail()}});
  }
  reply(std::move(response));
}

}  // namespace lenscap::camsim
