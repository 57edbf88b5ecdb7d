// SHA-2 hashes and HMAC over octets.
#pragma once

#include <array>

#include "base/bytes.h"

struct evp_md_st;  // OpenSSL's EVP_MD

namespace lenscap {

enum class HashAlgorithm { sha256, sha384, sha512 };

using Sha256 = std::array<std::uint8_t, 32>;

// OpenSSL's handle, looked up once: EVP_sha256() and its like are looked up at every use.
evp_md_st const* evp_digest(HashAlgorithm algorithm);

Sha256 sha256(ByteView data);
Bytes digest(HashAlgorithm algorithm, ByteView data);
Bytes hmac(HashAlgorithm algorithm, ByteView key, ByteView data);  // RFC 2104

}  // namespace lenscap
