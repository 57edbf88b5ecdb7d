#include "tests/tidy/source_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace lenscap::tidy {

std::vector<SourceFile> source_files(std::vector<std::string> const& folders, std::vector<std::string> const& endings) {
  std::filesystem::path const root(LENSCAP_SOURCE_DIR);
  std::vector<SourceFile> files;
  for (auto const& folder : folders) {
    if (!std::filesystem::exists(root / folder)) continue;
    for (auto const& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      std::string const name = entry.path().filename().string();
      bool const wanted = std::ranges::any_of(endings, [&](auto const& ending) { return name.ends_with(ending); });
      if (!entry.is_regular_file() || !wanted) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      files.push_back({std::filesystem::relative(entry.path(), root).string(),
                       std::string(std::istreambuf_iterator<char>(file), {})});
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

std::string without_comments_and_literals(std::string const& text) {
  std::string out = text;
  auto const blank = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to && i < out.size(); ++i) {
      if (out[i] != '\n') out[i] = ' ';
    }
  };
  std::size_t i = 0;
  while (i < text.size()) {
    if (text.compare(i, 2, "//") == 0) {
      std::size_t const end = std::min(text.find('\n', i), text.size());
      blank(i, end);
      i = end;
    } else if (text.compare(i, 2, "/*") == 0) {
      std::size_t const end = std::min(text.find("*/", i + 2), text.size() - 2) + 2;
      blank(i, end);
      i = end;
    } else if (text.compare(i, 2, "R\"") == 0) {
      std::size_t const open = text.find('(', i);
      std::string const close = ")" + text.substr(i + 2, open - i - 2) + "\"";
      std::size_t const end = std::min(text.find(close, open), text.size());
      blank(open + 1, end);
      i = end + close.size();
    } else if (text[i] == '"' ||
               (text[i] == '\'' && (i == 0 || std::isalnum(static_cast<unsigned char>(text[i - 1])) == 0))) {
      std::size_t end = i + 1;
      while (end < text.size() && text[end] != text[i] && text[end] != '\n') end += text[end] == '\\' ? 2 : 1;
      blank(i + 1, end);
      i = end + 1;
    } else {
      ++i;
    }
  }
  return out;
}

int line_of(std::string const& text, std::size_t offset) {
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
}

}  // namespace lenscap::tidy
