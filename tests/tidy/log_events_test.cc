// Who reads a warning or an error in the log at night finds in docs what it means and what to do: a row of a table,
// with the event in its first cell.
#include <gtest/gtest.h>

#include <regex>

#include "tests/tidy/source_files.h"

namespace lenscap::tidy {
namespace {

struct Told {
  std::string event;
  std::string where;
};

// A Log is called log or log_ wherever there is one. Who hands on an `event` that he was given is called warn, and so
// are found those who give it.
std::vector<Told> warnings_and_errors() {
  std::regex const call(
      R"re((?:\blog_?(?:\(\))?(?:\.|->)(?:warning\(|error\(|write\(\s*LogLevel::(?:warning|error),)|\bwarn\()\s*("([^"]*)"|\w+))re");
  std::vector<Told> all;
  for (auto const& file : source_files({"base", "store", "ca", "acme", "agent"}, {".h", ".cc"}))
    for (std::sregex_iterator it(file.text.begin(), file.text.end(), call), end; it != end; ++it) {
      auto const where = file.path + ":" + std::to_string(line_of(file.text, static_cast<std::size_t>(it->position())));
      if (auto const word = (*it)[1].str(); word == "event" || word == "std") continue;
      all.push_back({(*it)[2].matched ? (*it)[2].str() : std::string(), where});
    }
  return all;
}

// The words in `...` of the first cells of all tables.
std::string first_cells() {
  std::string all;
  std::regex const row(R"(\n\|([^|\n]*)\|)");
  for (auto const& file : source_files({"docs"}, {".md"}))
    for (std::sregex_iterator it(file.text.begin(), file.text.end(), row), end; it != end; ++it) all += (*it)[1].str();
  return all;
}

TEST(LogEvents, EachWarningAndErrorHasARowInTheDocs) {
  auto const told = warnings_and_errors();
  auto const rows = first_cells();
  for (auto const& each : told) {
    ASSERT_FALSE(each.event.empty()) << each.where << ": the event has to stand in the call, so that it can be found";
    EXPECT_NE(rows.find('`' + each.event + '`'), std::string::npos)
        << each.where << ": " << each.event << " has no row in the tables of docs/*.md (event, means, do)";
  }
  EXPECT_GT(told.size(), 40U) << "are they not found any more?";
}

}  // namespace
}  // namespace lenscap::tidy
