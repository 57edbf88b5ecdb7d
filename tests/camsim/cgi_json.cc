#include <charconv>

#include "tests/camsim/cgi.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

struct Version {
  int major = 0;
  int minor = -1;
};
Version parse_version(std::string_view text) {
  Version version;
  auto const dot = text.find('.');
  if (dot == std::string_view::npos) return version;
  std::from_chars(text.data(), text.data() + dot, version.major);
  std::from_chars(text.data() + dot + 1, text.data() + text.size(), version.minor);
  return version;
}

Response json_text(Exchange const& x, json::Object const& body) {
  bool const old = x.device->state.generation->id == "G3";
  return {.content_type = old ? "application/json;charset=utf8" : "application/json", .body = json::write(body)};
}

}  // namespace

std::string json_method(std::string_view body) {
  auto const object = json::parse_object(body);
  if (!object.ok()) return {};
  auto const method = json::get_string(*object, "method");
  return method.ok() ? method->value_or("") : "";
}

Response json_error(Exchange const& x, JsonCall const& call, int code, std::string message) {
  json::Object body{{"apiVersion", call.api_version.empty() ? "1.0" : call.api_version}};
  if (call.context) body.set("context", *call.context);
  if (!call.method.empty()) body.set("method", call.method);
  body.set("error", json::Object{{"code", code}, {"message", std::move(message)}});
  return json_text(x, body);
}

Response json_answer(Exchange const& x, JsonCall const& call, std::string_view version, bool with_method,
                     json::Value data) {
  json::Object body{{"apiVersion", version}};
  if (call.context) body.set("context", *call.context);
  if (with_method) body.set("method", call.method);
  body.set("data", std::move(data));
  return json_text(x, body);
}

std::variant<JsonCall, Response> read_json_call(Exchange const& x, std::string_view version, JsonErrors const& errors) {
  JsonCall call;
  if (x.request.method != "POST") return json_error(x, call, errors.not_post, "Only POST is supported");
  auto const body = json::parse_object(x.request.body);
  if (!body.ok()) return json_error(x, call, errors.bad_json, "Invalid JSON");
  auto const api_version = json::get_string(*body, "apiVersion");
  auto const method = json::get_string(*body, "method");
  auto const context = json::get_string(*body, "context");
  auto const params = json::get_object(*body, "params");
  if (!api_version.ok() || !method.ok() || !context.ok() || !params.ok() || !method->has_value())
    return json_error(x, call, errors.bad_json, "Invalid JSON");
  call.api_version = api_version->value_or("1.0");
  call.method = **method;
  call.context = *context;
  if (*params) call.params = **params;
  Version const wanted = parse_version(call.api_version);
  Version const have = parse_version(version);
  bool const supported = wanted.major == have.major && wanted.minor >= 0 && wanted.minor <= have.minor;
  if (!supported && call.method != "getSupportedVersions")
    return json_error(x, call, errors.bad_version, "The requested API version is not supported");
  return call;
}

}  // namespace lenscap::camsim
