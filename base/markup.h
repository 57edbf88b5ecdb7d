// Text that goes into XML or HTML.
#pragma once

#include <string>
#include <string_view>

namespace lenscap {

// For text between tags and for values of attributes in either quotes: whatever `text` holds, a reader gets it back and
// finds no tag in it. A carriage return is escaped, too, since XML reads it as the end of a line.
std::string escape_markup(std::string_view text);

}  // namespace lenscap
