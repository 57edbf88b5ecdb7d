// The answer to http-01: input is a status (two octets), the length of a Location (two octets), the Location, the body.
// A redirect leads to a URL of http or https on a port of ours, to a name or the address itself; its URL is stable.
#include <algorithm>

#include "acme/flow/http_01_rules.h"

using namespace lenscap;

namespace {

void check_hop(acme::HttpHop const& hop, acme::Identifier const& proved, std::vector<unsigned short> const& ports) {
  if (std::find(ports.begin(), ports.end(), hop.port) == ports.end()) bug("a port that is not ours");
  if (hop.host.is_wildcard()) bug("a wildcard as a host");
  if (hop.host.ip() != nullptr && hop.host != proved) bug("the address of another host");
  if (!hop.target.starts_with('/')) bug("a target that is no path");
  auto const is_plain = [](char c) { return c > ' ' && c < '\x7f' && c != '#' && c != '\\'; };
  if (!std::all_of(hop.target.begin(), hop.target.end(), is_plain)) bug("a target with other octets");
  auto const again = acme::next_hop(hop, acme::url_of(hop), proved, ports);
  // An explicit port is left out of the URL when it is the default, and put in again.
  if (hop.target.size() < 1700 && (!again.ok() || !(*again == hop))) bug("a URL that leads elsewhere");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 4) return 0;
  int const status = data[0] << 8 | data[1];
  std::string_view rest(reinterpret_cast<char const*>(data + 4), size - 4);
  auto const location = rest.substr(0, static_cast<std::size_t>(data[2]) << 8 | data[3]);
  auto const body = rest.substr(location.size());

  auto const judged = acme::judge_http_01(status, body, "token.thumbprint", "host");
  if (judged.ok() && (status != 200 || !body.starts_with("token.thumbprint"))) bug("something else was accepted");
  if (!judged.ok() && judged.error().code() != Errc::incorrect_response) bug("a refusal with another code");

  std::vector<unsigned short> const ports{80, 443, 5002};
  for (auto const* host : {"cam1.example", "10.20.0.1", "2001:db8::1"}) {
    auto const proved = acme::Identifier::from_host(host).value();
    auto const next = acme::next_hop(acme::first_hop(proved, "token", 5002), location, proved, ports);
    if (next.ok()) check_hop(*next, proved, ports);
  }
  return 0;
}
