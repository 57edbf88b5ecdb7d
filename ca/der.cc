#include "ca/der.h"

#include <charconv>

namespace lenscap::ca::der {

Bytes join(std::initializer_list<ByteView> parts) {
  Bytes out;
  for (ByteView part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

Bytes sequence(std::initializer_list<ByteView> parts) { return element(kSequence, join(parts)); }

Bytes boolean_true() { return {x509::der::kBoolean, 1, 0xff}; }

Bytes small_integer(int value) {
  if (value < 0 || value > 127) bug("der::small_integer out of range");
  return {x509::der::kInteger, 1, static_cast<std::uint8_t>(value)};
}

Bytes null() { return {x509::der::kNull, 0}; }

Bytes oid(std::string_view dotted) {
  std::vector<unsigned long> arcs;
  for (char const *at = dotted.data(), *end = at + dotted.size(); at < end; ++at) {  // ++at steps over the dot
    unsigned long arc = 0;
    auto [next, error] = std::from_chars(at, end, arc);
    if (error != std::errc{} || (next < end && *next != '.')) bug("der::oid of something else");
    arcs.push_back(arc);
    at = next;
  }
  if (arcs.size() < 2) bug("der::oid with fewer than two arcs");
  arcs[1] += arcs[0] * 40;
  Bytes content;
  for (std::size_t i = 1; i < arcs.size(); ++i) {
    Bytes low_first;
    for (unsigned long rest = arcs[i]; low_first.empty() || rest > 0; rest >>= 7)
      low_first.push_back(static_cast<std::uint8_t>((rest & 0x7f) | (low_first.empty() ? 0u : 0x80u)));
    content.insert(content.end(), low_first.rbegin(), low_first.rend());
  }
  return element(x509::der::kOid, content);
}

Bytes utf8_string(std::string_view text) { return element(x509::der::kUtf8String, as_bytes(text)); }

Bytes bit_string(ByteView octets, int unused_bits) {
  Bytes content{static_cast<std::uint8_t>(unused_bits)};
  content.insert(content.end(), octets.begin(), octets.end());
  return element(x509::der::kBitString, content);
}

Bytes octet_string(ByteView octets) { return element(x509::der::kOctetString, octets); }

Bytes time(Time when) {
  constexpr std::uint8_t kUtcTime = 0x17;
  constexpr std::uint8_t kGeneralizedTime = 0x18;
  std::string digits;  // "YYYYMMDDHHMMSSZ" from "YYYY-MM-DDTHH:MM:SSZ"
  for (char c : to_rfc3339(when))
    if ((c >= '0' && c <= '9') || c == 'Z') digits += c;
  if (digits.size() != 15) bug("der::time outside the years 0..9999");
  bool const utc = digits >= "1950" && digits < "2050";
  return utc ? element(kUtcTime, as_bytes(std::string_view(digits).substr(2)))
             : element(kGeneralizedTime, as_bytes(digits));
}

}  // namespace lenscap::ca::der
