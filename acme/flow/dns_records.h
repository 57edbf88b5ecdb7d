// The data of the DNS records that validation asks for, read from wire form. What a record means for a name is not
// decided here: see dns_01_rules.h and caa_rules.h.
#pragma once

#include <string>

#include "base/bytes.h"

namespace lenscap::acme {

// TXT (RFC 1035 3.3.14): one or more strings of at most 255 octets, joined to one (8555-8.4-1).
// Errc::dns when a string runs over the end, or there is none.
Result<std::string> parse_txt(ByteView data);

// CAA (RFC 8659 4.1).
struct CaaRecord {
  bool critical = false;
  std::string tag = {};    // lower case
  std::string value = {};  // any octets

  bool operator==(CaaRecord const&) const = default;
};
// Errc::dns when the tag is missing, too long for the data, or not of letters and digits.
Result<CaaRecord> parse_caa(ByteView data);

}  // namespace lenscap::acme
