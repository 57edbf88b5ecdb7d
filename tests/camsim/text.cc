#include "tests/camsim/text.h"

#include <array>
#include <ctime>

#include "base/bytes.h"

namespace lenscap::camsim {

std::string percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      auto const octet = from_hex(text.substr(i + 1, 2));
      if (octet.ok() && octet->size() == 1) {
        out += static_cast<char>((*octet)[0]);
        i += 2;
        continue;
      }
    }
    out += plus_is_space && text[i] == '+' ? ' ' : text[i];
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (char const c : text) {
    bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      std::array<char, 4> hex = {};
      snprintf(hex.data(), hex.size(), "%%%02X", static_cast<unsigned char>(c));
      out += hex.data();
    }
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (std::string const& field : split(query, '&')) {
    auto const equals = field.find('=');
    std::string const value = equals == std::string::npos ? "" : field.substr(equals + 1);
    fields.emplace_back(percent_decode(field.substr(0, equals), true), percent_decode(value, true));
  }
  return fields;
}

std::optional<std::string> find_in_query(std::string_view query, std::string_view name) {
  for (auto& [key, value] : parse_query(query))
    if (key == name) return value;
  return std::nullopt;
}

std::string xml_escape(std::string_view text) {
  std::string out;
  for (char const c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    auto const end = text.find(separator);
    if (end != 0) parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

std::string trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  auto const first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

namespace {
std::string format_time(long long unix_seconds, char const* format) {
  std::time_t const time = unix_seconds;
  std::tm parts = {};
  gmtime_r(&time, &parts);
  std::array<char, 64> text = {};
  strftime(text.data(), text.size(), format, &parts);
  return text.data();
}
}  // namespace

std::string http_date(long long unix_seconds) { return format_time(unix_seconds, "%a, %d %b %Y %H:%M:%S GMT"); }
std::string iso_date(long long unix_seconds) { return format_time(unix_seconds, "%Y-%m-%dT%H:%M:%SZ"); }

std::optional<long long> parse_local_time(std::string_view text) {
  std::string const copy(text);
  std::tm parts = {};
  char const* end = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr || (*end != 0 && std::string_view(end) != "Z")) return std::nullopt;
  return timegm(&parts);
}

}  // namespace lenscap::camsim
