#include "agent/devices/shared/probe.h"

#include "agent/devices/shared/axis_auth.h"
#include "agent/devices/shared/text.h"

namespace lenscap::agent {

namespace {

constexpr std::string_view kParamPath = "/axis-cgi/param.cgi?action=list&group=";
constexpr std::string_view kUnrestricted = R"({"apiVersion":"1.0","method":"getAllUnrestrictedProperties"})";
constexpr std::string_view kAllProperties = R"({"apiVersion":"1.0","method":"getAllProperties"})";
constexpr std::string_view kSystemReady = R"({"apiVersion":"1.0","method":"systemready","params":{"timeout":5}})";

std::string text_member(json::Object const& object, std::string_view name) {
  auto const* value = object.find(name);
  return value != nullptr && value->as_string() != nullptr ? clean_text(*value->as_string()) : std::string();
}

// One request without login on one port; the peer is anybody, so nothing of it is believed.
net::Awaitable<Result<net::ClientResponse>> ask_anonymously(net::HttpClient& http, Endpoint const& endpoint, bool tls,
                                                            std::string path, std::string body,
                                                            std::chrono::milliseconds timeout) {
  net::ClientRequest request;
  request.url = base_url(endpoint, tls) + path;
  request.trust = net::Trust::anybody();
  request.allow_weak_tls = true;
  request.total_timeout = timeout;
  if (!body.empty()) {
    request.method = net::Method::post;
    request.body = std::move(body);
    request.headers.add("Content-Type", "application/json");
  }
  co_return co_await http.fetch(std::move(request));
}

std::string realm_serial(net::Headers const& headers) {
  for (auto const& [name, value] : headers.fields()) {
    if (!equal_ignoring_case(name, "WWW-Authenticate")) continue;
    if (auto serial = axis::serial_in_challenge(value); !serial.empty()) return serial;
  }
  return {};
}

}  // namespace

net::Awaitable<DeviceResult<FirstLook>> look_at(net::HttpClient& http, Clock const& clock, Endpoint endpoint,
                                                std::chrono::milliseconds timeout) {
  FirstLook look;
  std::string why;
  for (bool const tls : {true, false}) {
    if ((tls ? endpoint.https_port : endpoint.http_port) == 0) continue;
    if (tls) {
      // The certificate is worth having even when nothing but TLS answers.
      auto seen = co_await shake_hands(http, endpoint);
      if (!seen.ok()) {
        why = seen.error().text;
        continue;
      }
      look.peer = std::move(seen->chain);
    }
    std::string path = std::string(kParamPath) + "Brand";
    auto const answer = co_await ask_anonymously(http, endpoint, tls, path, "", timeout);
    PortState& port = tls ? look.https : look.http;
    port.open = tls || answer.ok();
    if (!answer.ok()) {
      why = clean_text(answer.error().detail());
      continue;
    }
    port.scheme = answer->status == 401 ? offered_scheme(answer->headers) : AuthScheme::none;
    if (look.serial.empty()) look.serial = realm_serial(answer->headers);
    if (!look.clock_offset) look.clock_offset = clock_offset(answer->headers, clock.now());
  }
  if (!look.http.open && !look.https.open)
    co_return DeviceError(DeviceErrc::unreachable, "nothing answers at " + endpoint.address + ": " + why);

  bool const tls = look.https.open;
  std::string path = "/axis-cgi/basicdeviceinfo.cgi";
  std::string body(kUnrestricted);
  if (auto const answer = co_await ask_anonymously(http, endpoint, tls, path, body, timeout);
      answer.ok() && answer->status == 200) {
    auto const info = axis::parse_cgi(answer->body);
    if (auto const* data = info.ok() ? std::get_if<json::Object>(&*info) : nullptr) {
      if (auto const* list = data->find("propertyList"); list != nullptr && list->as_object() != nullptr) {
        look.model = text_member(*list->as_object(), "ProdFullName");
        look.firmware = text_member(*list->as_object(), "Version");
        if (auto serial = axis::parse_serial(text_member(*list->as_object(), "SerialNumber"));
            serial.ok() && look.serial.empty())
          look.serial = *std::move(serial);
      }
    }
  }
  path = "/axis-cgi/systemready.cgi";
  body = kSystemReady;
  if (auto const answer = co_await ask_anonymously(http, endpoint, tls, path, body, timeout);
      answer.ok() && answer->status == 200) {
    auto const ready = axis::parse_cgi(answer->body);
    if (auto const* data = ready.ok() ? std::get_if<json::Object>(&*ready) : nullptr)
      look.needs_setup = text_member(*data, "needsetup") == "yes";
  }
  co_return look;
}

net::Awaitable<DeviceResult<axis::Params>> read_params(Connection& connection, std::string groups) {
  Exchange exchange;
  exchange.path = std::string(kParamPath) + groups;
  auto response = co_await connection.send(std::move(exchange));
  if (!response.ok()) co_return std::move(response).error();
  if (response->status != 200) co_return unexpected_status(response->status, "reading parameters");
  auto params = axis::parse_params(response->body);
  if (!params.ok()) co_return DeviceError(DeviceErrc::bad_answer, params.error().detail());
  co_return *std::move(params);
}

namespace {

// Is it ready and set up? Devices without this call are taken to be.
net::Awaitable<DeviceResult<std::string>> check_ready(Connection& connection) {
  Exchange exchange;
  exchange.method = net::Method::post;
  exchange.path = "/axis-cgi/systemready.cgi";
  exchange.body = kSystemReady;
  exchange.content_type = "application/json";
  exchange.login = false;
  auto response = co_await connection.send(std::move(exchange));
  if (!response.ok()) co_return std::move(response).error();
  if (response->status != 200) co_return std::string();
  auto const ready = axis::parse_cgi(response->body);
  auto const* data = ready.ok() ? std::get_if<json::Object>(&*ready) : nullptr;
  if (data == nullptr) co_return std::string();
  if (text_member(*data, "needsetup") == "yes")
    co_return DeviceError(DeviceErrc::needs_setup,
                          "the device is in factory state: it has no administrator. Set it up first; if it was set up "
                          "before, it was reset and its key is gone");
  if (text_member(*data, "systemready") == "no")
    co_return DeviceError(DeviceErrc::busy_timeout, "the device is still starting; try again in a minute");
  co_return text_member(*data, "bootid");
}

// What basicdeviceinfo.cgi knows; empty where it does not answer.
net::Awaitable<DeviceResult<json::Object>> read_properties(Connection& connection) {
  Exchange exchange;
  exchange.method = net::Method::post;
  exchange.path = "/axis-cgi/basicdeviceinfo.cgi";
  exchange.body = kAllProperties;
  exchange.content_type = "application/json";
  auto response = co_await connection.send(std::move(exchange));
  if (!response.ok()) co_return std::move(response).error();
  json::Object none;
  if (response->status != 200) co_return none;
  auto const info = axis::parse_cgi(response->body);
  auto const* data = info.ok() ? std::get_if<json::Object>(&*info) : nullptr;
  auto const* list = data != nullptr ? data->find("propertyList") : nullptr;
  co_return list != nullptr && list->as_object() != nullptr ? *list->as_object() : none;
}

DeviceError wrong_device(std::string_view found, std::string_view expected) {
  return {DeviceErrc::wrong_device, "another device answers: serial number " + std::string(found) + " instead of " +
                                        std::string(expected) + "; nothing was changed on it"};
}

net::Awaitable<PortState> look_at_port(Connection& connection, bool tls, std::string& serial) {
  PortState port;
  Endpoint const& endpoint = connection.endpoint();
  if ((tls ? endpoint.https_port : endpoint.http_port) == 0) co_return port;
  std::string path = std::string(kParamPath) + "Brand";
  auto const answer = co_await ask_anonymously(connection.http(), endpoint, tls, path, "", connection.timeouts().look);
  if (!answer.ok()) co_return port;
  port.open = true;
  if (answer->status == 401) port.scheme = offered_scheme(answer->headers);
  serial = realm_serial(answer->headers);
  co_return port;
}

}  // namespace

net::Awaitable<DeviceResult<Identity>> read_identity(Connection& connection, std::string expected_serial) {
  CO_CHECK_OK(co_await connection.settle());
  Identity identity;
  std::string realm;
  identity.https = co_await look_at_port(connection, true, realm);
  identity.http = co_await look_at_port(connection, false, realm);
  if (!(connection.is_over_tls() ? identity.https : identity.http).open)
    co_return DeviceError(DeviceErrc::unreachable, "the device does not answer to HTTP requests");
  if (!connection.is_over_tls() && !expected_serial.empty() && !realm.empty() && realm != expected_serial)
    co_return wrong_device(realm, expected_serial);
  CO_TRY(identity.boot_id, co_await check_ready(connection));

  CO_TRY(auto const params, co_await read_params(connection,
                                                 "Brand,Properties.Firmware,Properties.System,"
                                                 "Network.HostName,Network.VolatileHostName"));
  std::string serial = params.get("Properties.System.SerialNumber");
  identity.vendor = params.get("Brand.Brand");
  identity.model = clean_text(params.get("Brand.ProdFullName"));
  identity.firmware = clean_text(params.get("Properties.Firmware.Version"), 40);
  identity.hostname = clean_text(params.get("Network.HostName"), 253);
  if (identity.hostname.empty()) identity.hostname = clean_text(params.get("Network.VolatileHostName.HostName"), 253);
  if (serial.empty() || identity.firmware.empty()) {
    CO_TRY(auto const properties, co_await read_properties(connection));
    if (serial.empty()) serial = text_member(properties, "SerialNumber");
    if (identity.vendor.empty()) identity.vendor = text_member(properties, "Brand");
    if (identity.model.empty()) identity.model = text_member(properties, "ProdFullName");
    if (identity.firmware.empty()) identity.firmware = text_member(properties, "Version");
  }
  if (identity.vendor != "AXIS")
    co_return DeviceError(DeviceErrc::unsupported, "the device does not say that it is an Axis device");
  auto parsed = axis::parse_serial(serial);
  if (!parsed.ok())
    co_return DeviceError(DeviceErrc::bad_answer, "the device's serial number is " + parsed.error().detail());
  identity.serial = *std::move(parsed);
  identity.mac = axis::mac_of(identity.serial);
  identity.peer = connection.peer();
  identity.clock_offset = connection.clock_offset();
  if (!expected_serial.empty() && identity.serial != expected_serial)
    co_return wrong_device(identity.serial, expected_serial);
  co_return identity;
}

net::Awaitable<DeviceResult<std::string>> read_serial_number(Connection& connection) {
  CO_TRY(auto const params, co_await read_params(connection, "Properties.System"));
  std::string serial = params.get("Properties.System.SerialNumber");
  if (serial.empty()) {
    CO_TRY(auto const properties, co_await read_properties(connection));
    serial = text_member(properties, "SerialNumber");
  }
  auto parsed = axis::parse_serial(serial);
  if (!parsed.ok())
    co_return DeviceError(DeviceErrc::bad_answer, "the device's serial number is " + parsed.error().detail());
  co_return *std::move(parsed);
}

}  // namespace lenscap::agent
