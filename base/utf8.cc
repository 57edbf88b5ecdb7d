#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace lenscap {

bool is_utf8(std::string_view text) {
  auto const* at = reinterpret_cast<unsigned char const*>(text.data());
  auto const* const end = at + text.size();
  auto const continues = [&](int offset, unsigned char least = 0x80, unsigned char most = 0xbf) {
    return end - at > offset && at[offset] >= least && at[offset] <= most;
  };
  while (at != end) {
    // Eight octets of ASCII at a time: almost all that we see.
    std::uint64_t eight = 0;
    while (end - at >= 8 && (std::memcpy(&eight, at, 8), (eight & 0x8080808080808080U) == 0)) at += 8;
    if (at == end) break;
    unsigned char const lead = *at;
    if (lead < 0x80) {
      at += 1;
    } else if (lead >= 0xc2 && lead <= 0xdf) {
      if (!continues(1)) return false;
      at += 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      // E0 would be too long a form of what two octets say; ED begins the surrogates.
      if (!continues(1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) || !continues(2)) return false;
      at += 3;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      if (!continues(1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf) || !continues(2) || !continues(3))
        return false;
      at += 4;
    } else {
      return false;
    }
  }
  return true;
}

void cut_utf8(std::string& text, std::size_t octets) {
  if (text.size() <= octets) return;
  while (octets > 0 && (static_cast<unsigned char>(text[octets]) & 0xC0) == 0x80) --octets;
  text.resize(octets);
}

}  // namespace lenscap
