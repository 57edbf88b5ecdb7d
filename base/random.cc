#include "base/random.h"

#include <openssl/rand.h>

#include "base/ossl.h"

namespace lenscap {

Bytes random_bytes(std::size_t count) {
  Bytes out(count);
  if (count > 0) ossl::check(RAND_bytes(out.data(), static_cast<int>(count)) == 1, "RAND_bytes");
  return out;
}

std::string random_token(std::size_t octets) { return to_base64url(random_bytes(octets)); }

std::string new_id(Time now) {
  // base32hex keeps the order of the octets (RFC 4648 7); lower case, since ids stand in URLs.
  constexpr char kAlphabet[] = "0123456789abcdefghijklmnopqrstuv";
  auto const millis = static_cast<std::uint64_t>(to_unix(now)) * 1000;
  Bytes octets;
  for (int shift = 40; shift >= 0; shift -= 8) octets.push_back(static_cast<std::uint8_t>(millis >> shift & 0xff));
  for (std::uint8_t b : random_bytes(16)) octets.push_back(b);
  std::string id;
  unsigned buffer = 0;
  unsigned bits = 0;
  for (std::uint8_t b : octets) {
    buffer = (buffer << 8 | b) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      id += kAlphabet[buffer >> bits & 31];
    }
  }
  if (bits > 0) id += kAlphabet[buffer << (5 - bits) & 31];
  return id;
}

}  // namespace lenscap
