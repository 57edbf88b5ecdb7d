// Texts in UTF-8 (RFC 3629).
#pragma once

#include <string>
#include <string_view>

namespace lenscap {

// Shortest forms, no surrogates, nothing above U+10FFFF? U+0000 is allowed here.
bool is_utf8(std::string_view text);

// Shortens a text to at most so many octets, between two characters.
void cut_utf8(std::string& text, std::size_t octets);

}  // namespace lenscap
