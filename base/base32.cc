#include "base/base32.h"

namespace lenscap {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr unsigned kNone = 32;

// Compared rather than looked up: no table that a secret is the index of.
unsigned value_of(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<unsigned>(c - 'a');
  if (c >= '2' && c <= '7') return static_cast<unsigned>(c - '2') + 26;
  return kNone;
}

}  // namespace

SecretBytes to_base32(ByteView octets) {
  Bytes text;
  text.reserve(octets.size() * 8 / 5 + 1);  // what a vector leaves behind when it grows is not wiped
  unsigned buffer = 0, bits = 0;
  for (auto const octet : octets) {
    buffer = (buffer << 8 | octet) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text.push_back(static_cast<std::uint8_t>(kAlphabet[buffer >> bits & 31]));
    }
  }
  if (bits > 0) text.push_back(static_cast<std::uint8_t>(kAlphabet[buffer << (5 - bits) & 31]));
  return SecretBytes(std::move(text));
}

Result<SecretBytes> from_base32(std::string_view text) {
  Bytes room;
  room.reserve(text.size() * 5 / 8 + 1);
  unsigned buffer = 0, bits = 0;
  bool good = true;
  for (char const c : text) {
    if (c == ' ' || c == '\t' || c == '-') continue;
    auto const value = value_of(c);
    good = good && value != kNone;
    buffer = (buffer << 5 | (value & 31)) & 0xffff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    room.push_back(static_cast<std::uint8_t>(buffer >> bits & 0xff));
  }
  SecretBytes octets(std::move(room));
  if (!good) return Error(Errc::malformed, "there is a character that is neither a letter nor a digit from 2 to 7");
  // A whole number of octets leaves fewer than five bits over, and those are zero.
  if (bits >= 5 || (buffer & ((1U << bits) - 1)) != 0)
    return Error(Errc::malformed, "it is not whole: characters are missing, or too many");
  return octets;
}

}  // namespace lenscap
