#include "agent/devices/shared/axis_text.h"

#include <algorithm>
#include <chrono>

#include "agent/devices/shared/text.h"
#include "base/limits.h"

namespace lenscap::agent::axis {

namespace {

constexpr std::size_t kParamsMax = 20'000;  // a real camera has about 2,000
constexpr json::Limits kJsonLimits = {.bytes = limits::kDeviceAnswerBytes, .depth = 16, .members = 20'000};

}  // namespace

std::string Params::get(std::string_view name) const {
  auto const found = values.find(name);
  return found == values.end() ? std::string() : found->second;
}

Result<Params> parse_params(std::string_view body) {
  if (body.size() > limits::kDeviceAnswerBytes) return Error(Errc::malformed, "parameter list: too big");
  Params params;
  std::size_t lines = 0;
  while (!body.empty()) {
    auto const end = body.find('\n');
    std::string_view const line = trim(body.substr(0, end));
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    if (line.empty()) continue;
    if (++lines > kParamsMax) return Error(Errc::malformed, "parameter list: too many lines");
    if (line.starts_with('#')) {
      params.errors.push_back(clean_text(trim(line.substr(1))));
      continue;
    }
    auto const equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) return Error(Errc::malformed, "parameter list: bad line");
    std::string_view name = line.substr(0, equals);
    if (name.starts_with("root.")) name.remove_prefix(5);
    bool const good_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
             c == '-';
    });
    if (!good_name) return Error(Errc::malformed, "parameter list: bad name");
    std::string_view const value = line.substr(equals + 1);
    params.values.insert_or_assign(std::string(name), is_plain_utf8(value) ? std::string(value) : clean_text(value));
  }
  return params;
}

namespace {

Refusal read_refusal(json::Object const& object) {
  Refusal refusal;
  if (auto const* error = object.find("error"); error != nullptr && error->as_object() != nullptr) {
    if (auto const* code = error->as_object()->find("code"); code != nullptr && code->as_int() != nullptr)
      refusal.code = *code->as_int();
    if (auto const* text = error->as_object()->find("message"); text != nullptr && text->as_string() != nullptr)
      refusal.message = clean_text(*text->as_string());
  }
  return refusal;
}

}  // namespace

Result<CgiAnswer> parse_cgi(std::string_view body) {
  TRY(auto const object, json::parse_object(body, kJsonLimits));
  if (object.find("error") != nullptr) return CgiAnswer(read_refusal(object));
  TRY(json::Object data, json::need_object(object, "data"));
  return CgiAnswer(std::move(data));
}

Result<RestAnswer> parse_rest(std::string_view body) {
  TRY(auto const object, json::parse_object(body, kJsonLimits));
  TRY(std::string const status, json::need_string(object, "status"));
  if (status == "error") return RestAnswer(read_refusal(object));
  if (status != "success") return Error(Errc::malformed, "REST answer: unknown status");
  auto const* data = object.find("data");
  return RestAnswer(data == nullptr ? json::Value() : *data);
}

namespace {

// The device tells us where to write: only ever below its own REST tree.
bool is_rest_path(std::string_view path) {
  return path.starts_with("/config/rest/cert/") && path.size() <= 64 && path.find("..") == std::string_view::npos &&
         std::all_of(path.begin(), path.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '.' ||
                  c == '_' || c == '-';
         });
}

std::string text_member(json::Object const& object, std::string_view name) {
  auto const* value = object.find(name);
  return value != nullptr && value->as_string() != nullptr ? *value->as_string() : std::string();
}

json::Object const* object_member(json::Object const& object, std::string_view name) {
  auto const* value = object.find(name);
  return value == nullptr ? nullptr : value->as_object();
}

}  // namespace

Result<CertApi> parse_discover(std::string_view body) {
  TRY(auto const object, json::parse_object(body, kJsonLimits));
  json::Object const* apis = object_member(object, "apis");
  json::Object const* cert = object_member(apis == nullptr ? object : *apis, "cert");
  if (cert == nullptr) return Error(Errc::not_found, "the device announces no certificate API");
  CertApi best;
  for (auto const& [major, value] : cert->members()) {
    if (value.as_object() == nullptr) continue;
    CertApi api;
    api.path = text_member(*value.as_object(), "rest_api");
    api.version = clean_text(text_member(*value.as_object(), "version"), 40);
    api.beta = text_member(*value.as_object(), "state") == "beta" || api.path.ends_with("beta");
    while (api.path.ends_with('/')) api.path.pop_back();
    // Only major version 1 is known to us; a later one may mean other things by the same words.
    if (!is_rest_path(api.path) || !major.starts_with("v1")) continue;
    if (best.path.empty() || (best.beta && !api.beta)) best = std::move(api);
  }
  if (best.path.empty()) return Error(Errc::not_found, "the device announces no certificate API that we know");
  return best;
}

Result<std::string> parse_serial(std::string_view text) {
  std::string serial;
  for (char const c : trim(text)) {
    if (c == ':') continue;
    bool const hex = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
    if (!hex || serial.size() == 12) return Error(Errc::malformed, "not a serial number of twelve hex digits");
    serial += c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  if (serial.size() != 12) return Error(Errc::malformed, "not a serial number of twelve hex digits");
  return serial;
}

std::string mac_of(std::string_view serial) {
  std::string mac;
  for (std::size_t i = 0; i < serial.size(); ++i) {
    if (i != 0 && i % 2 == 0) mac += ':';
    mac += serial[i] >= 'A' && serial[i] <= 'F' ? static_cast<char>(serial[i] - 'A' + 'a') : serial[i];
  }
  return mac;
}

Result<Time> parse_http_date(std::string_view text) {
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  Error const bad(Errc::malformed, "not an HTTP date");
  // "Sun, 06 Nov 1994 08:49:37 GMT"
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" || text[7] != ' ' ||
      text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':')
    return bad;
  auto const number = [&](std::size_t at, std::size_t count) {
    int value = 0;
    for (char const c : text.substr(at, count))
      value = c >= '0' && c <= '9' && value >= 0 ? value * 10 + (c - '0') : -1;
    return value;
  };
  auto const month = kMonths.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return bad;
  int const day = number(5, 2), year = number(12, 4), hour = number(17, 2), minute = number(20, 2),
            second = number(23, 2);
  std::chrono::year_month_day const date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                         std::chrono::day(static_cast<unsigned>(day < 0 ? 0 : day))};
  if (year < 1970 || !date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
    return bad;
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) + Seconds(second);
}

std::string serial_in_challenge(std::string_view www_authenticate) {
  static constexpr std::string_view kRealm = "realm=\"AXIS_";
  auto const at = www_authenticate.find(kRealm);
  if (at == std::string_view::npos) return {};
  std::string_view const rest = www_authenticate.substr(at + kRealm.size());
  auto serial = parse_serial(rest.substr(0, rest.find('"')));
  return serial.ok() ? *std::move(serial) : std::string();
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (char const c : text) {
    auto const octet = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
        c == '.' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kHex[octet >> 4];
      out += kHex[octet & 15];
    }
  }
  return out;
}

}  // namespace lenscap::agent::axis
