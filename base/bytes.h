// Octets, and the text forms they travel in: hex, base64url (RFC 4648 5, strict), base64 (RFC 4648 4).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lenscap {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<std::uint8_t const>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<char const*>(bytes.data()), bytes.size()}; }
inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }
inline Bytes to_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }

std::string to_hex(ByteView bytes);             // lower case, no separators
Result<Bytes> from_hex(std::string_view text);  // either case; colons between octets are allowed

std::string to_base64url(ByteView bytes);  // without padding (8555-6.1-5)
// Refuses padding, `+`, `/`, white space, impossible lengths and non-zero trailing bits.
Result<Bytes> from_base64url(std::string_view text);

std::string to_base64(ByteView bytes);  // with padding, one line
// Standard alphabet with padding; white space anywhere is skipped, as PEM and SOAP need.
Result<Bytes> from_base64(std::string_view text);

// Same time whatever the contents; the lengths are not secret.
bool equal_constant_time(ByteView a, ByteView b);

}  // namespace lenscap
