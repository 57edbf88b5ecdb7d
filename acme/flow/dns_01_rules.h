// What stands in the DNS for dns-01 (RFC 8555 8.4).
#pragma once

#include <span>
#include <string>

#include "base/bytes.h"
#include "base/x509/name.h"

namespace lenscap::acme {

// "_acme-challenge." and the name; a wildcard's is that of its base (8555-8.4-1).
std::string dns_01_name(x509::DnsName const& name);

// base64url(SHA-256(key authorization)), 43 characters.
std::string dns_01_value(std::string_view key_authorization);

// Does one of the TXT records hold the value? Others may stand beside it, of other orders or other clients; one that
// cannot be read counts as another.
// Errc::incorrect_response says how many there were, never what was in them.
Result<> judge_dns_01(std::span<Bytes const> txt_records, std::string const& at, std::string_view key_authorization);

}  // namespace lenscap::acme
