// Text that came from a device, made fit for logs and for people; and the small checks such text needs.
#pragma once

#include <string>
#include <string_view>

namespace lenscap::agent {

// Control characters and everything outside ASCII become '?', runs of white space one space; cut after `limit`
// characters with "...". What comes out can stand in a log line or a table.
std::string clean_text(std::string_view text, std::size_t limit = 200);

// Well-formed UTF-8 (no surrogates, no overlong forms) without control characters except tab and line ends.
bool is_plain_utf8(std::string_view text);

std::string_view trim(std::string_view text);  // white space of XML: space, tab, CR, LF
bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace lenscap::agent
