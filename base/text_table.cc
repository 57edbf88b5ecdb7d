#include "base/text_table.h"

#include <algorithm>

namespace lenscap {
namespace {

std::string clean(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

// Characters as a terminal shows them: UTF-8 continuation octets take no place.
std::size_t width(std::string const& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string text_table(std::vector<std::string> const& header, std::vector<std::vector<std::string>> const& rows) {
  std::vector<std::vector<std::string>> lines{header};
  for (auto const& row : rows) {
    auto& line = lines.emplace_back();
    for (std::size_t i = 0; i < header.size(); ++i) line.push_back(i < row.size() ? clean(row[i]) : "");
  }
  std::vector<std::size_t> widths(header.size(), 0);
  for (auto const& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width(line[i]));
  }
  std::string out;
  for (auto const& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) text += line[i] + std::string(widths[i] - width(line[i]) + 2, ' ');
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

}  // namespace lenscap
