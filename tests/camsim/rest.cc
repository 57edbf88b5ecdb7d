#include "tests/camsim/rest.h"

#include <algorithm>

#include "tests/camsim/certificate_store.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

constexpr std::string_view kRestRoot = "/config/rest/";
constexpr std::size_t kAliasMax = 128;  // the document's own limit; switch id_length_max can only lower it

struct CertPath {
  bool valid = false;
  std::string version;                // "v1" or "v1beta"
  std::vector<std::string> segments;  // decoded
};

CertPath cert_path(std::string_view path) {
  CertPath out;
  if (!path.starts_with(kRestRoot)) return out;
  std::vector<std::string> const raw = split(path.substr(kRestRoot.size()), '/');
  if (raw.size() < 2 || raw[0] != "cert") return out;
  out.valid = true;
  out.version = raw[1];
  for (std::size_t i = 2; i < raw.size(); ++i) out.segments.push_back(percent_decode(raw[i], false));
  return out;
}

bool version_served(Switches const& switches, std::string_view version) {
  if (switches.rest == "both") return version == "v1" || version == "v1beta";
  return switches.rest == version;
}

Response method_not_allowed(Exchange const& x) {
  int const status = x.device->state.switches.rest_wrong_verb;
  return status == 404 ? rest_not_found(x.request.path) : rest_error(status, 3, "Method not allowed");
}

Outcome route(Exchange& x, CertPath const& at) {
  std::string const& method = x.request.method;
  std::string const& set_verb = x.device->state.switches.rest_set_verb;
  std::string const action_verb = set_verb == "PUT" ? "PUT" : "POST";
  auto const& s = at.segments;
  if (s.size() == 1 && s[0] == "certificates") {
    if (method == "GET") return rest_certificates::list(x);
    return method == "POST" ? rest_certificates::add(x) : Outcome(method_not_allowed(x));
  }
  if (s.size() == 2 && s[0] == "certificates") {
    if (method == "GET") return rest_certificates::get(x, s[1]);
    if (method == set_verb) return rest_certificates::patch(x, s[1]);
    return method == "DELETE" ? rest_certificates::erase(x, s[1]) : Outcome(method_not_allowed(x));
  }
  if (s.size() == 3 && s[0] == "certificates" && s[2] == "get_csr")
    return method == action_verb ? rest_keys::get_csr(x, s[1]) : Outcome(method_not_allowed(x));
  if (s.size() == 1 && s[0] == "ca_certificates") {
    if (method == "GET") return rest_authorities::list(x);
    return method == "POST" ? rest_authorities::add(x) : Outcome(method_not_allowed(x));
  }
  if (s.size() == 2 && s[0] == "ca_certificates") {
    if (method == "GET") return rest_authorities::get(x, s[1]);
    if (method == set_verb) return rest_authorities::patch(x, s[1]);
    return method == "DELETE" ? rest_authorities::erase(x, s[1]) : Outcome(method_not_allowed(x));
  }
  if (s.size() == 1 && s[0] == "create_certificate")
    return method == action_verb ? rest_keys::create_certificate(x) : Outcome(method_not_allowed(x));
  if (s.size() == 1 && s[0] == "install_from_pkcs12")
    return method == action_verb ? rest_certificates::install_from_pkcs12(x) : Outcome(method_not_allowed(x));
  if (s.size() == 1 && s[0] == "keystores")
    return method == "GET" ? rest_keys::list_keystores(x) : Outcome(method_not_allowed(x));
  if (s.size() == 2 && s[0] == "keystores")
    return method == "GET" ? rest_keys::get_keystore(x, s[1]) : Outcome(method_not_allowed(x));
  if (s.size() == 2 && s[0] == "settings" && s[1] == "keystore") {
    if (method == "GET") return rest_keys::get_default_keystore(x);
    return method == set_verb ? rest_keys::set_default_keystore(x) : Outcome(method_not_allowed(x));
  }
  return rest_not_found(x.request.path);
}

}  // namespace

std::string rest_operation(Request const& request) {
  if (request.path.starts_with("/config/discover")) return request.method + " discover";
  CertPath const at = cert_path(request.path);
  if (!at.valid) return request.method + " " + request.path;
  std::string name = request.method;
  for (std::size_t i = 0; i < at.segments.size(); ++i) {
    bool const is_name = i == 1 && at.segments[0] != "settings";
    name += (i == 0 ? " " : "/") + (is_name ? (at.segments[0] == "keystores" ? "{id}" : "{alias}") : at.segments[i]);
  }
  return name;
}

bool is_rest_operation(std::string_view name) {
  auto const space = name.find(' ');
  if (space == std::string_view::npos) return false;
  auto const is_one_of = [](std::string_view word, std::string_view list) {
    auto const words = split(list, ' ');
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  return is_one_of(name.substr(0, space), "GET POST PUT PATCH DELETE") &&
         is_one_of(name.substr(space + 1),
                   "discover certificates certificates/{alias} certificates/{alias}/get_csr ca_certificates "
                   "ca_certificates/{alias} create_certificate install_from_pkcs12 keystores keystores/{id} "
                   "settings/keystore");
}

bool rest_writes(Request const& request) { return request.method != "GET" && request.method != "HEAD"; }

Outcome serve_rest(Exchange& x) {
  Switches const& switches = x.device->state.switches;
  if (x.request.path.starts_with("/config/discover")) return serve_discovery(x);
  if (switches.rest == "off") return not_found_page(x.request.path);
  CertPath const at = cert_path(x.request.path);
  if (!at.valid || !version_served(switches, at.version)) return rest_not_found(x.request.path);
  return route(x, at);
}

Response rest_not_found(std::string_view path) {
  return rest_error(404, 1, "Resource not found: " + std::string(path));
}

Response rest_ok() { return {.content_type = "application/json", .body = R"({"status":"success"})"}; }

Response rest_ok(json::Value data) {
  json::Object const body{{"status", "success"}, {"data", std::move(data)}};
  return {.content_type = "application/json", .body = json::write(body)};
}

Response rest_error(int status, int code, std::string message) {
  json::Object const error{{"code", code}, {"message", std::move(message)}};
  return {.status = status,
          .content_type = "application/json",
          .body = json::write(json::Object{{"status", "error"}, {"error", error}})};
}

Response rest_invalid(std::string what) { return rest_error(400, 2, "Validation error: " + std::move(what)); }

Result<json::Object> rest_data(Exchange& x, std::string_view known) {
  TRY(json::Object const body, json::parse_object(x.request.body, {.bytes = 2 * 1024 * 1024}));
  bool const strict = x.device->state.switches.rest_unknown_field == "reject";
  for (auto const& [name, value] : body.members())
    if (name != "data") {
      note_unknown_element(x);
      if (strict) return Error(Errc::malformed, "unknown field " + name);
    }
  TRY(json::Object data, json::need_object(body, "data"));
  std::vector<std::string> const names = split(known, ' ');
  for (auto const& [name, value] : data.members())
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      note_unknown_element(x);
      if (strict) return Error(Errc::malformed, "unknown field " + name);
    }
  return data;
}

std::optional<Response> refuse_alias(Exchange const& x, std::string const& alias) {
  State& state = x.device->state;
  std::size_t const limit = std::min(kAliasMax, static_cast<std::size_t>(state.switches.id_length_max));
  if (alias.empty() || alias.size() > limit)
    return rest_invalid("alias must have 1 to " + std::to_string(limit) + " characters");
  if (state.is_taken(alias)) return rest_error(state.switches.rest_exists, 6, "Already exists");
  if (is_full(state)) return rest_error(400, 8, "The certificate store is full");
  return std::nullopt;
}

}  // namespace lenscap::camsim
