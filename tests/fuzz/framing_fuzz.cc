// What the framing gate accepts, a strict reader, a careless reader and Beast all read as the same request; and the
// gate says the same however the octets are cut.
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>

#include "base/error.h"
#include "base/net/framing.h"
#include "tests/fuzz/reference_http.h"

namespace {

using lenscap::bug;
using lenscap::net::RequestGate;

void compare(RequestGate const& gate, std::string const& wire, bool sloppy) {
  auto const message = reference::Reader(wire, sloppy).read();
  if (!message) bug("the gate accepts what the reference refuses");
  if (message->method != gate.head().method) bug("two methods");
  if (message->target != gate.head().target) bug("two targets");
  if (message->octets != gate.octets()) bug("two ends of the request");
  if (message->body != gate.take_body(wire)) bug("two bodies");
  if (message->body.size() != gate.body_octets()) bug("two body lengths");
}

void compare_with_beast(RequestGate const& gate, std::string_view wire) {
  namespace http = boost::beast::http;
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  parser.header_limit(64 * 1024);
  std::size_t used = 0;
  while (!parser.is_done()) {
    boost::system::error_code ec;
    auto const more = parser.put(boost::asio::buffer(wire.substr(used, gate.octets() - used)), ec);
    used += more;
    if (ec || more == 0) bug("the gate accepts what Beast refuses");
  }
  if (used != gate.octets()) bug("Beast ends the request elsewhere");
  if (parser.get().body() != gate.take_body(wire)) bug("Beast reads another body");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string const wire(reinterpret_cast<char const*>(data), size);
  RequestGate whole;
  whole.feed(wire);

  RequestGate cut;
  std::size_t const step = size == 0 ? 1 : 1 + data[size / 2] % 7U;
  for (std::size_t end = std::min(step, size);; end = std::min(end + step, size)) {
    cut.feed(std::string_view(wire).substr(0, end));
    if (end == size) break;
  }
  if (cut.state() != whole.state() || cut.octets() != whole.octets() || cut.refusal().status != whole.refusal().status)
    bug("the gate's verdict depends on how the octets arrive");

  if (whole.state() == RequestGate::State::refused && (whole.refusal().status < 400 || whole.refusal().reason.empty()))
    bug("a refusal without status or reason");
  if (whole.state() != RequestGate::State::complete) return 0;
  compare(whole, wire, false);
  compare(whole, wire, true);
  compare_with_beast(whole, wire);
  return 0;
}
