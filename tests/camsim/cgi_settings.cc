// Clock and network as JSON CGIs: time.cgi, ntp.cgi, network_settings.cgi; the parts that an agent reads.
#include "tests/camsim/cgi.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

// Reads the call of a CGI that is there in `version`, or ends with its error.
std::variant<JsonCall, Response> read_setting(Exchange const& x, std::string const& version) {
  if (version.empty()) return not_found_page(x.request.path);
  return read_json_call(x, version, kSettingErrors);
}

Response unknown_method(Exchange const& x, JsonCall const& call) {
  return json_error(x, call, kSettingErrors.bad_method, "Method not supported");
}

}  // namespace

Outcome time_cgi(Exchange& x) {
  State& state = x.device->state;
  std::string const& version = state.switches.time_api;
  auto read = read_setting(x, version);
  if (auto* error = std::get_if<Response>(&read)) return *error;
  auto const& call = std::get<JsonCall>(read);
  long long const now = x.device->now();
  if (call.method == "getDateTimeInfo")
    return json_answer(x, call, version, true,
                       json::Object{{"dateTime", iso_date(now)},
                                    {"localDateTime", replace_all(iso_date(now), "Z", "+00:00")},
                                    {"maxYearSupported", 2037},
                                    {"timeZone", "Etc/UTC"},
                                    {"posixTimeZone", "UTC0"},
                                    {"dstEnabled", false}});
  if (call.method != "setDateTime") return unknown_method(x, call);
  if (x.role != Role::admin) return json_error(x, call, 1000, "Not allowed");
  auto const text = json::need_string(call.params, "dateTime");
  auto const time = text.ok() ? parse_local_time(*text) : std::nullopt;
  if (!time) return json_error(x, call, 4004, "Invalid parameter(s)");
  state.clock_offset_s += *time - now;
  return json_answer(x, call, version, true, json::Object());
}

Outcome ntp_cgi(Exchange& x) {
  std::string const& version = x.device->state.switches.ntp_api;
  auto read = read_setting(x, version);
  if (auto* error = std::get_if<Response>(&read)) return *error;
  auto const& call = std::get<JsonCall>(read);
  if (call.method != "getNTPInfo") return unknown_method(x, call);
  bool const right = x.device->state.clock_offset_s == 0;
  return json_answer(x, call, version, true,
                     json::Object{{"client", json::Object{{"enabled", true},
                                                          {"NTSEnabled", false},
                                                          {"serversSource", "DHCP"},
                                                          {"maxSupportedStaticServers", 5},
                                                          {"staticServers", json::Array()},
                                                          {"advertisedServers", json::Array()},
                                                          {"synced", right},
                                                          {"timeToNextSync", 1234},
                                                          {"timeOffset", 0.25}}}});
}

Outcome network_settings(Exchange& x) {
  State& state = x.device->state;
  std::string const& version = state.switches.network_settings;
  auto read = read_setting(x, version);
  if (auto* error = std::get_if<Response>(&read)) return *error;
  auto const& call = std::get<JsonCall>(read);
  if (call.method == "getNetworkInfo") {
    json::Object const host{
        {"useDhcpHostname", false}, {"hostname", state.hostname}, {"staticHostname", state.hostname}};
    json::Object const address{{"address", x.device->address()}, {"prefixLength", 8}, {"origin", "dhcp"}};
    json::Object const device{{"name", "eth0"},
                              {"type", "wired"},
                              {"IPv4", json::Object{{"enabled", true}, {"addresses", json::Array{address}}}}};
    return json_answer(x, call, version, true,
                       json::Object{{"system", json::Object{{"hostname", host},
                                                            {"resolver", json::Object{{"useDhcpResolverInfo", true}}}}},
                                    {"devices", json::Array{device}}});
  }
  if (call.method != "setHostnameConfiguration") return unknown_method(x, call);
  if (x.role != Role::admin) return json_error(x, call, 1000, "Not allowed");
  auto const name = json::need_string(call.params, "staticHostname");
  if (!name.ok() || name->empty()) return json_error(x, call, 4004, "Invalid parameter(s)");
  state.hostname = *name;
  return json_answer(x, call, version, true, json::Object());
}

}  // namespace lenscap::camsim
