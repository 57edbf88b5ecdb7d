// http-01 without the network (RFC 8555 8.3): where to ask, what counts as the answer, and where a redirect may lead.
// No text made here holds anything of what was fetched: statuses, lengths and reasons alone, since the problem document
// must not become a window into a private network (RFC 8555 10.4).
#pragma once

#include <string>
#include <vector>

#include "acme/wire/identifier.h"

namespace lenscap::acme {

// One request on the way to the answer.
struct HttpHop {
  Identifier host;
  bool tls = false;
  unsigned short port = 80;
  std::string target = {};  // path and query

  bool operator==(HttpHop const&) const = default;
};

HttpHop first_hop(Identifier const& identifier, std::string_view token, unsigned short port);
// "http://[2001:db8::1]:8080/...": the default port is left out, an IPv6 address stands in brackets (8738-4-2).
std::string url_of(HttpHop const& hop);

// 301, 302, 307, 308.
bool is_redirect(int status);

// The request that a redirect asks for. Errc::incorrect_response: another scheme than http and https, a port that is
// none of `ports`, user information, a fragment, over 2000 octets, octets that no URL has, a relative path, a host that
// is no DNS name in certificate form. An address is followed only when it is the one that is being proved: by name
// alone the operator's DNS says who it is. Whether the host may be contacted is NOT decided here. The refusal's text
// goes on from "redirected to".
Result<HttpHop> next_hop(HttpHop const& from, std::string_view location, Identifier const& proved,
                         std::vector<unsigned short> const& ports);

// 200 with the key authorization and nothing but white space behind it.
Result<> judge_http_01(int status, std::string_view body, std::string_view key_authorization, std::string const& where);

}  // namespace lenscap::acme
