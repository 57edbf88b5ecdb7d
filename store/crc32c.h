// CRC-32C (Castagnoli polynomial, RFC 3720 appendix B.4): finds a damaged record. It does NOT protect against a person.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace lenscap::store {

// `crc` is the value for the octets before these; 0 to begin.
std::uint32_t crc32c(ByteView data, std::uint32_t crc = 0);
// The same, without asking the processor for help: what runs where it has none, and a judge of the other in the tests.
std::uint32_t crc32c_by_tables(ByteView data, std::uint32_t crc = 0);

}  // namespace lenscap::store
