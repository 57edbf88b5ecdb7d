#include "acme/server/media_type.h"

#include <algorithm>

#include "acme/wire/names.h"

namespace lenscap::acme {

bool reads(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; });
}

bool has_media_type(net::Headers const& headers, std::string_view lower) {
  if (headers.count(names::kContentType) != 1) return false;
  auto text = std::string_view(*headers.find(names::kContentType));
  text = text.substr(0, text.find(';'));
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return reads(text, lower);
}

}  // namespace lenscap::acme
