// Is a text UTF-8 (RFC 3629): shortest forms, no surrogates, nothing above U+10FFFF? U+0000 is allowed here.
#pragma once

#include <string_view>

namespace lenscap {

bool is_utf8(std::string_view text);

}  // namespace lenscap
