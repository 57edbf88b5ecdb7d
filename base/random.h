// Randomness of OpenSSL's generator, and identifiers made of it.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/time.h"

namespace lenscap {

Bytes random_bytes(std::size_t count);

// base64url text of `octets` random octets: tokens and key ids.
std::string random_token(std::size_t octets = 16);

// An object id: 48 bits of milliseconds, then 128 random bits, as 36 characters whose byte order is the order of time.
// Rises with time (kind to a B+tree), and cannot be guessed (8555-10.5-1). `now` gives the seconds.
std::string new_id(Time now);

}  // namespace lenscap
