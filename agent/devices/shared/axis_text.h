// The plain answers of Axis devices: parameter lists (param.cgi), JSON of the CGIs, and JSON of the Device
// Configuration API. Reading only, bounded; nothing here asks for anything.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/time.h"

namespace lenscap::agent::axis {

// Parameter names without "root." (newer firmware leaves it out after an error), to values.
struct Params {
  std::map<std::string, std::string, std::less<>> values;
  std::vector<std::string> errors;  // texts of "# Error: ..." lines, cleaned; the answer's status is 200 all the same

  std::string get(std::string_view name) const;  // empty when absent
};
// Errc::malformed when a line is neither `name=value` nor a comment (an HTML page with status 200, say).
Result<Params> parse_params(std::string_view body);

struct Refusal {
  std::int64_t code = 0;
  std::string message;  // cleaned
};

// {"apiVersion":..,"data":{..}} or {"error":{"code":..,"message":..}}
using CgiAnswer = std::variant<json::Object, Refusal>;
Result<CgiAnswer> parse_cgi(std::string_view body);

// {"status":"success"[,"data":..]} or {"status":"error","error":{..}}; without data the value is null.
using RestAnswer = std::variant<json::Value, Refusal>;
Result<RestAnswer> parse_rest(std::string_view body);

// Where the certificate API lives, from GET /config/discover or /config/discover/apis[/cert].
struct CertApi {
  std::string path;     // "/config/rest/cert/v1" as the device names it, checked
  std::string version;  // "1.1.2"
  bool beta = false;    // changes and actions go by PUT (AXIS OS up to 11.10)
};
// Errc::not_found when the device has no such API. A released API is preferred to a beta one.
Result<CertApi> parse_discover(std::string_view body);

// A serial number: twelve hex digits, in upper case. Accepts colons and lower case.
Result<std::string> parse_serial(std::string_view text);
std::string mac_of(std::string_view serial);  // "ac:cc:8e:.."

// An HTTP date: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7, the preferred form alone).
Result<Time> parse_http_date(std::string_view text);

// The realm of a login: "AXIS_ACCC8EF7DE6B" names the serial number. A hint only: anybody can say so.
std::string serial_in_challenge(std::string_view www_authenticate);  // empty when there is none

// As one path segment or query value of a URL.
std::string percent_encode(std::string_view text);

}  // namespace lenscap::agent::axis
