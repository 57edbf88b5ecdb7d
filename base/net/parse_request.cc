#include "base/net/parse_request.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace lenscap::net {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

std::optional<Request> parse_request(std::string_view wire, RequestGate const& gate, FramingLimits const& limits) {
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  parser.body_limit(limits.body_bytes);
  std::size_t used = 0;
  while (!parser.is_done()) {
    error_code ec;
    auto const more = parser.put(asio::buffer(wire.substr(used)), ec);
    used += more;
    if (ec || (more == 0 && !parser.is_done())) return std::nullopt;
  }
  auto message = parser.release();
  std::string_view const method(message.method_string().data(), message.method_string().size());
  std::string_view const target(message.target().data(), message.target().size());
  bool const agree = used == wire.size() && method == gate.head().method && target == gate.head().target &&
                     message.version() == 10U + static_cast<unsigned>(gate.head().minor_version) &&
                     gate.is_body(wire, message.body());
  if (!agree) return std::nullopt;

  Request request;
  request.method = method_from(method);
  request.method_text = method;
  request.target = target;
  auto const question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  for (auto const& field : message) request.headers.add(std::string(field.name_string()), std::string(field.value()));
  request.body = std::move(message.body());
  return request;
}

}  // namespace lenscap::net
