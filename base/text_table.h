// A plain table for people: left-aligned columns, two spaces between, no trailing blanks; control characters are
// replaced.
#pragma once

#include <string>
#include <vector>

namespace lenscap {

std::string text_table(std::vector<std::string> const& header, std::vector<std::vector<std::string>> const& rows);

}  // namespace lenscap
