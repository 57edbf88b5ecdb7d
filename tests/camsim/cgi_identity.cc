// Who the camera is: basicdeviceinfo.cgi, apidiscovery.cgi, systemready.cgi.
#include <algorithm>

#include "tests/camsim/cgi.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

json::Object properties(State const& state, bool all) {
  Generation const& g = *state.generation;
  json::Object list{{"ProdNbr", g.product_number},     {"HardwareID", g.hardware_id},
                    {"ProdFullName", g.product_full},  {"Version", g.firmware},
                    {"ProdType", g.product_type},      {"Brand", "AXIS"},
                    {"WebURL", "http://www.axis.com"}, {"ProdVariant", ""},
                    {"SerialNumber", state.serial},    {"ProdShortName", g.product_short},
                    {"BuildDate", g.build_date}};
  if (!all) return list;
  list.set("Architecture", g.architecture);
  list.set("Soc", g.soc);
  list.set("SocSerialNumber", lower(state.serial) + "0001");
  return list;
}

Response versions(Exchange const& x, JsonCall const& call, std::string_view version) {
  return json_answer(x, call, version, true, json::Object{{"apiVersions", json::Array{json::Value(version)}}});
}

}  // namespace

Outcome basicdeviceinfo(Exchange& x) {
  State const& state = x.device->state;
  std::string const& version = state.switches.basicdeviceinfo;
  if (version.empty()) return not_found_page(x.request.path);
  auto read = read_json_call(x, version, kIdentityErrors);
  if (auto* error = std::get_if<Response>(&read)) return *error;
  auto const& call = std::get<JsonCall>(read);
  if (call.method == "getSupportedVersions") return versions(x, call, version);
  if (call.method == "getAllProperties")
    return json_answer(x, call, version, false, json::Object{{"propertyList", properties(state, true)}});
  if (call.method == "getAllUnrestrictedProperties" && version >= "1.2")
    return json_answer(x, call, version, false, json::Object{{"propertyList", properties(state, false)}});
  if (call.method == "getProperties") {
    json::Object const all = properties(state, true);
    auto const wanted = json::need_strings(call.params, "propertyList");
    if (!wanted.ok()) return json_error(x, call, 4002, "Invalid parameter");
    json::Object list;
    for (std::string const& name : *wanted) {
      json::Value const* value = all.find(name);
      if (value == nullptr) return json_error(x, call, 1000, "Property not supported: " + name);
      list.set(name, *value);
    }
    return json_answer(x, call, version, false, json::Object{{"propertyList", std::move(list)}});
  }
  return json_error(x, call, kIdentityErrors.bad_method, "Method not supported");
}

Outcome apidiscovery(Exchange& x) {
  State const& state = x.device->state;
  if (state.switches.apidiscovery == "off") return not_found_page(x.request.path);
  auto read = read_json_call(x, "1.0", kIdentityErrors);
  if (auto* error = std::get_if<Response>(&read)) return *error;
  auto const& call = std::get<JsonCall>(read);
  if (call.method == "getSupportedVersions") return versions(x, call, "1.0");
  if (call.method != "getApiList") return json_error(x, call, kIdentityErrors.bad_method, "Method not supported");
  json::Array list;
  for (ApiRow const& api : api_list(*state.generation, state.switches))
    list.push_back(json::Object{{"id", api.id},
                                {"version", api.version},
                                {"name", api.name},
                                {"docLink", "https://www.axis.com/partner_pages/vapix_library/#/"}});
  return json_answer(x, call, "1.0", true, json::Object{{"apiList", std::move(list)}});
}

// Anonymous; while the camera starts it waits up to the caller's timeout before it says no.
Outcome systemready(Exchange& x) {
  std::string const& version = x.device->state.switches.systemready;
  if (version.empty()) return not_found_page(x.request.path);
  auto read = read_json_call(x, version, kSettingErrors);
  if (auto* error = std::get_if<Response>(&read)) return *error;
  JsonCall const call = std::get<JsonCall>(read);
  if (call.method == "getSupportedVersions") return versions(x, call, version);
  if (call.method != "systemready") return json_error(x, call, kSettingErrors.bad_method, "Method not supported");
  auto const timeout = json::get_int(call.params, "timeout");
  auto const patience = x.device->world().scaled(1000 * (timeout.ok() ? timeout->value_or(20) : 20));
  auto const answer = [&x, call, version]() -> Outcome {
    State const& state = x.device->state;
    bool const ready = x.device->until_ready().count() == 0;
    json::Object data{{"systemready", ready ? "yes" : "no"}, {"needsetup", state.needs_setup() ? "yes" : "no"}};
    if (version >= "1.4") {
      data.set("uptime", std::to_string(x.device->uptime_s()));
      data.set("bootid", state.boot_id);
      if (state.needs_setup()) data.set("previewmode", "7200");
    }
    if (version >= "1.5") data.set("passphrasepolicy", "off");
    return json_answer(x, call, version, true, std::move(data));
  };
  auto const wait = std::min(patience, x.device->until_ready());
  if (wait.count() == 0) return answer();
  return Outcome::later(wait, answer);
}

}  // namespace lenscap::camsim
