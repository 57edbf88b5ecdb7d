// What the field chooses among several offers it also chooses when that one is alone, and what it refuses among several
// it refuses alone.
#include <cstdint>

#include "base/error.h"
#include "base/net/accept.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using lenscap::bug;
  using lenscap::net::choose_media_type;
  using lenscap::net::MediaType;
  static constexpr MediaType kOffers[] = {{"application/pem-certificate-chain"},
                                          {"application/pkix-cert"},
                                          {"application/pkcs7-mime", "smime-type", "certs-only"}};
  std::string_view const accept(reinterpret_cast<char const*>(data), size);
  auto const chosen = choose_media_type(accept, kOffers);
  if (chosen && *chosen >= std::size(kOffers)) bug("an offer that there is not");
  for (std::size_t i = 0; i < std::size(kOffers); ++i) {
    auto const alone = choose_media_type(accept, std::span(kOffers).subspan(i, 1));
    if (alone && !chosen) bug("refused among several, taken alone");
    if (chosen == i && !alone) bug("taken among several, refused alone");
  }
  return 0;
}
