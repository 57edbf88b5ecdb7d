// The refusals that stand in a source file, so that a test can ask whether its cases meet all of them.
#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace lenscap::fakes {

// The longest text of each call of one of `makers`, such as "refusal(", in ca/parent_rules.cc; nothing of what is put
// in between.
inline std::vector<std::string> refusals_in(std::string const& file, std::vector<std::string> const& makers) {
  std::ifstream in(std::string(LENSCAP_SOURCE_DIR) + "/" + file);
  std::string const source{std::istreambuf_iterator<char>(in), {}};
  if (source.empty()) throw std::runtime_error(file + " is empty");
  std::vector<std::string> all;
  auto const next = [&](std::size_t from) {
    auto at = source.npos;
    for (auto const& maker : makers) at = std::min(at, source.find(maker, from));
    return at;
  };
  for (auto at = next(0); at != source.npos; at = next(at)) {
    std::string longest, text;
    bool is_inside = false;
    for (; is_inside || source[at] != ';'; ++at) {
      if (source[at] == '"')
        is_inside = !is_inside;
      else if (is_inside)
        text += source[at];
      else if (std::string_view(" \n").find(source[at]) == std::string_view::npos)
        text.clear();  // what comes next is no continuation
      if (text.size() > longest.size()) longest = text;
    }
    all.push_back(std::move(longest));
  }
  return all;
}

}  // namespace lenscap::fakes
