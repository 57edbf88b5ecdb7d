// A share that the reader accepts is written and read again without change, is accepted as a typed line, too, and what
// stands in front of a key says the same of its sealing.
#include <cstdint>
#include <string>

#include "base/base32.h"
#include "ca/root_share_text.h"

using namespace lenscap;

namespace {

std::string typed(ca::RootShare const& share, std::string_view file) {
  auto const check = file.find("\nCheck      ");
  return std::to_string(share.number) + " " + std::string(to_base32(share.octets.view()).text()) + " " +
         std::string(file.substr(check + 12, 4));
}

bool same(ca::RootShare const& a, ca::RootShare const& b) {
  return a.sealing == b.sealing && a.number == b.number && equal_constant_time(a.octets.view(), b.octets.view());
}

void judge(ca::RootShare const& share) {
  auto const file = ca::share_file(share);
  auto const again = ca::parse_share_file(file.text());
  if (!again.ok() || !same(*again, share)) bug("a share does not survive a round trip");
  auto const by_hand = ca::parse_typed_share(share.sealing, typed(share, file.text()));
  if (!by_hand.ok() || !same(*by_hand, share)) bug("a share cannot be typed");
  auto const sealing = ca::read_sealing(ca::sealing_text(share.sealing) + "-----BEGIN ");
  if (!sealing.ok() || *sealing != share.sealing) bug("a sealing does not survive a round trip");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  if (size <= ca::kShareFileBytesMax) {  // as it is read
    if (auto const share = ca::parse_share_file(text); share.ok()) judge(*share);
  }
  static_cast<void>(ca::read_sealing(text));
  ca::Sealing const sealing{.subject = "CN=x", .root = {}, .count = {2, 3}, .id = "AAAAAAAA"};
  if (auto const share = ca::parse_typed_share(sealing, text); share.ok()) judge(*share);
  return 0;
}
