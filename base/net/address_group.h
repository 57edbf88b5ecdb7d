// Who counts as one caller where connections and requests are counted for each address.
#pragma once

#include <string>

namespace lenscap::net {

// An IPv4 address stands for itself, an IPv6 address for its /64: whoever has one of these has all of them (RFC 6177).
// `peer` is the text of an address as in Request::peer; what is none stands for itself.
std::string address_group(std::string const& peer);

}  // namespace lenscap::net
