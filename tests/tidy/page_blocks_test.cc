// What a page of docs/ tells an administrator to type, a test types: each section with a block that is marked as `sh`
// is named by a test that names the page, or a test takes the page as a whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "tests/tidy/source_files.h"

namespace lenscap::tidy {
namespace {

std::string base_name(SourceFile const& file) { return file.path.substr(file.path.rfind('/') + 1); }

std::vector<std::string> sections_with_blocks(std::string const& page) {
  std::vector<std::string> sections;
  std::string section;
  bool is_open = false;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      is_open = !is_open;
      if (is_open && line == "```sh" && (sections.empty() || sections.back() != section)) sections.push_back(section);
    } else if (!is_open && line.starts_with("## ")) {
      section = line.substr(3);
    }
  }
  return sections;
}

bool takes_all_of(SourceFile const& test, std::string const& page) {
  auto const name = "(\"" + page + "\"";
  auto const calls = {"blocks_of" + name + ")", "script_of" + name + ", {{", "run_page" + name + ", fill_in)"};
  return std::ranges::any_of(calls, [&](auto const& call) { return test.text.find(call) != std::string::npos; });
}

bool names(SourceFile const& test, std::string const& text) {
  return test.text.find('"' + text + '"') != std::string::npos;
}

TEST(Pages, EachSectionWithBlocksIsNamedByATest) {
  auto const tests = source_files({"tests/acme", "tests/e2e"}, {"_test.cc"});
  std::size_t found = 0;
  for (auto const& file : source_files({"docs"}, {".md"})) {
    auto const page = base_name(file);
    bool const is_taken = std::ranges::any_of(tests, [&](SourceFile const& test) { return takes_all_of(test, page); });
    for (auto const& section : sections_with_blocks(file.text)) {
      ++found;
      EXPECT_NE(section, "") << file.path << ": blocks before the first section have no name for a test to say";
      EXPECT_TRUE(
          is_taken ||
          std::ranges::any_of(tests, [&](SourceFile const& test) { return names(test, page) && names(test, section); }))
          << file.path << ": no test runs what \"" << section << "\" says (tests/e2e/page.h)";
    }
  }
  EXPECT_GT(found, 30U) << "are they not found any more?";
}

}  // namespace
}  // namespace lenscap::tidy
