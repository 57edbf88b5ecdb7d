#include "agent/endpoint.h"

#include <algorithm>
#include <charconv>

#include "base/x509/name.h"

namespace lenscap::agent {

Result<Endpoint> parse_endpoint(std::string_view text) {
  auto const refuse = [&](std::string_view why) { return Error(Errc::usage, std::string(text) + std::string(why)); };
  std::string_view host = text;
  std::string_view port;  // with its colon
  if (text.starts_with("[")) {
    auto const close = text.find(']');
    if (close == std::string_view::npos) return refuse(": the bracket is not closed");
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    host = text.substr(0, text.find(':'));
    port = text.substr(text.find(':'));
  }
  Endpoint endpoint;
  endpoint.address = host;
  if (!port.empty()) {
    int number = 0;
    auto const [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
    bool const whole = error == std::errc() && end == port.data() + port.size();
    if (port[0] != ':' || !whole || number < 1 || number > 65535)
      return refuse(": the port is a number from 1 to 65535");
    endpoint.https_port = static_cast<std::uint16_t>(number);
  }
  auto const address = x509::IpAddress::parse(host);
  if (text.starts_with("[") && !address.ok()) return refuse(": only an IPv6 address stands in brackets");
  if (address.ok()) return endpoint;
  auto const name = x509::DnsName::parse(host);
  if (!name.ok() || name->is_wildcard()) return refuse(" is neither an address nor a host name");
  return endpoint;
}

}  // namespace lenscap::agent
