// Which of the media types on offer a request's Accept field asks for (RFC 9110 12.5.1). Reads the field only; what is
// done when nothing suits is the caller's to say.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace lenscap::net {

struct MediaType {
  std::string_view type;                  // "application/pkcs7-mime", lower case
  std::string_view parameter = {};        // the one that tells it from its like: "smime-type"
  std::string_view parameter_value = {};  // "certs-only"
};

// Ranges beyond this many are not looked at: stock clients send five at most.
constexpr std::size_t kMediaRangesMax = 32;

// The index of the offer of the highest quality, the earlier one of equals; nothing when the field asks for none of
// them. `accept` is the field's value, several fields joined by commas; without any range it asks for the first.
// A range that is none, or has a bad quality, is passed over.
std::optional<std::size_t> choose_media_type(std::string_view accept, std::span<MediaType const> offers);

}  // namespace lenscap::net
