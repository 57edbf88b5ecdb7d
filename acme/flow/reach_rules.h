// Which addresses validation may contact (RFC 8555 10.4, 8555-10.4-1). A private CA validates inside private networks,
// so the operator lists them; nothing outside the list is ever contacted.
#pragma once

#include <vector>

#include "base/x509/name.h"

namespace lenscap::acme {

// In `may_reach`, and no address that is never a host's: unspecified, multicast, broadcast, and IPv4 inside IPv6
// (compatible, NAT64, 6to4, Teredo), which would go round the list. A mapped one is no IpAddress in the first place.
// The machine itself (127.0.0.0/8, ::1) and the link (169.254.0.0/16, where clouds keep their metadata; fe80::/10) are
// allowed only by a block that lies inside those: 0.0.0.0/0 does not mean them.
bool may_contact(x509::IpAddress const& address, std::vector<x509::IpBlock> const& may_reach);

}  // namespace lenscap::acme
