// The CGI endpoints under /axis-cgi/.
#pragma once

#include "base/json.h"
#include "tests/camsim/exchange.h"

namespace lenscap::camsim {

// --- JSON CGIs -------------------------------------------------------------------------------------------------------
// One family speaks {"apiVersion":..,"method":..,"params":..}; errors have HTTP status 200 and codes that depend on the
// age of the API.
struct JsonCall {
  std::string api_version;
  std::optional<std::string> context;
  std::string method;
  json::Object params;
};
struct JsonErrors {
  int not_post;
  int bad_version;
  int bad_method;
  int bad_json;
};
constexpr JsonErrors kIdentityErrors{2002, 2003, 2004, 4000};  // basicdeviceinfo, apidiscovery
constexpr JsonErrors kSettingErrors{2000, 4001, 4000, 3000};   // the others

// The call, or the error answer. `version` is the highest that the camera speaks.
std::variant<JsonCall, Response> read_json_call(Exchange const& x, std::string_view version, JsonErrors const& errors);
Response json_error(Exchange const& x, JsonCall const& call, int code, std::string message);
// Members in the order in which cameras send them: apiVersion, context, method (when `with_method`), data.
Response json_answer(Exchange const& x, JsonCall const& call, std::string_view version, bool with_method,
                     json::Value data);
// The method name of a body, for the journal; empty when it has none.
std::string json_method(std::string_view body);

Outcome basicdeviceinfo(Exchange& x);
Outcome apidiscovery(Exchange& x);
Outcome systemready(Exchange& x);
Outcome time_cgi(Exchange& x);
Outcome ntp_cgi(Exchange& x);
Outcome network_settings(Exchange& x);

// --- the older ones --------------------------------------------------------------------------------------------------
Outcome param_cgi(Exchange& x);
Outcome pwdgrp_cgi(Exchange& x);
Outcome restart_cgi(Exchange& x);
Outcome factorydefault_cgi(Exchange& x);
Outcome hardfactorydefault_cgi(Exchange& x);

// Fields of the query and of a form body, first wins.
std::optional<std::string> form_field(Request const& request, std::string_view name);

}  // namespace lenscap::camsim
