#include "base/net/serialize.h"

#include <boost/beast/http/status.hpp>

#include "base/time.h"

namespace lenscap::net {
namespace http = boost::beast::http;

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

bool is_sound(Response const& response) {
  if (response.status < 200 || response.status > 599) return false;
  for (auto const& [name, value] : response.headers.fields()) {
    if (name.empty() || name.find_first_of(": \r\n") != std::string::npos) return false;
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) return false;
  }
  return true;
}

std::string serialize(Response const& response, std::string_view date, bool is_head, bool keep_alive) {
  constexpr std::size_t kFixedBytes = 160;  // the status line and the fields that are ours
  std::size_t size = kFixedBytes + response.body.size();
  for (auto const& [name, value] : response.headers.fields()) size += name.size() + value.size() + 4;
  std::string out;
  out.reserve(size);
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  out.append(http::obsolete_reason(static_cast<http::status>(response.status)));
  out.append("\r\nDate: ").append(date).append("\r\n");
  for (auto const& [name, value] : response.headers.fields())
    out.append(name).append(": ").append(value).append("\r\n");
  if (has_body(response.status))
    out.append("Content-Length: ").append(std::to_string(response.body_size())).append("\r\n");
  out.append(keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
  if (has_body(response.status) && !is_head && !response.shared_body) out.append(response.body);
  return out;
}

std::string const& HttpDate::text() {
  auto const now = std::time(nullptr);
  if (now != at_) {
    text_ = to_http_date(from_unix(now));
    at_ = now;
  }
  return text_;
}

}  // namespace lenscap::net
