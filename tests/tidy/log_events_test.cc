// Who reads a warning or an error in the log at night finds in docs what it means and what to do: a row of a table,
// with the event in its first cell.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "tests/tidy/source_files.h"

namespace lenscap::tidy {
namespace {

struct Told {
  std::string event;
  std::string where;
};

// A Log is called log or log_ wherever there is one. Who hands on an `event` that he was given is called warn, and so
// are found those who give it.
constexpr char const* kCalls[] = {"log.warning(",
                                  "log_.warning(",
                                  "log.error(",
                                  "log_.error(",
                                  "log.write(LogLevel::warning,",
                                  "log.write(LogLevel::error,",
                                  "log_.write(LogLevel::warning,",
                                  "log_.write(LogLevel::error,",
                                  " warn("};

std::string first_argument(std::string const& text, std::size_t at) {
  while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at])) != 0) ++at;
  auto const end = std::min(text.find_first_of(",)\n", at), text.size());
  return text.substr(at, end - at);
}

std::vector<Told> warnings_and_errors() {
  std::vector<Told> all;
  for (auto const& file : source_files({"base", "store", "ca", "acme", "agent"}, {".h", ".cc"}))
    for (std::string const call : kCalls)
      for (auto at = file.text.find(call); at != std::string::npos; at = file.text.find(call, at + 1)) {
        auto const given = first_argument(file.text, at + call.size());
        if (given != "event" && given != "std::string_view event")
          all.push_back({given, file.path + ":" + std::to_string(line_of(file.text, at))});
      }
  return all;
}

// Of all tables.
std::string first_cells() {
  std::string all;
  for (auto const& file : source_files({"docs"}, {".md"}))
    for (auto at = file.text.find("\n|"); at != std::string::npos; at = file.text.find("\n|", at + 1))
      all += file.text.substr(at, std::min(file.text.find_first_of("|\n", at + 2), file.text.size()) - at);
  return all;
}

TEST(LogEvents, EachWarningAndErrorHasARowInTheDocs) {
  auto const told = warnings_and_errors();
  auto const rows = first_cells();
  for (auto const& each : told) {
    ASSERT_TRUE(each.event.size() > 2 && each.event.front() == '"' && each.event.back() == '"')
        << each.where << ": " << each.event << ": the event has to stand in the call, so that it can be found";
    auto const event = each.event.substr(1, each.event.size() - 2);
    EXPECT_NE(rows.find('`' + event + '`'), std::string::npos)
        << each.where << ": " << event << " has no row in the tables of docs/*.md (event, means, do)";
  }
  EXPECT_GT(told.size(), 40U) << "are they not found any more?";
}

// With the pieces of a literal put together that stand below each other.
std::string words_of_commands() {
  std::string all;
  for (auto const& file : source_files({"ca", "acme/server/commands"}, {".cc"})) {
    bool is_between = false;  // after a closing quote, where nothing but space has come yet
    for (char const c : file.text) {
      if (c == '"' && !all.empty() && is_between) {
        all.erase(all.rfind('"'));
        is_between = false;
        continue;
      }
      is_between = c == '"' || (is_between && std::isspace(static_cast<unsigned char>(c)) != 0);
      all += c;
    }
  }
  return all;
}

// What the page says that commands warn of is what they do say: a text that was changed takes its paragraph along.
TEST(CommandWarnings, EachParagraphIsOfAWarningThatIsThere) {
  std::string section;
  for (auto const& file : source_files({"docs"}, {"when-something-is-wrong.md"})) {
    auto const begin = file.text.find("## What commands warn of\n");
    ASSERT_NE(begin, std::string::npos);
    section = file.text.substr(begin, file.text.find("\n## ", begin) - begin);
  }
  auto const said = words_of_commands();
  int found = 0;
  for (auto at = section.find("\n- `"); at != std::string::npos; at = section.find("\n- `", at + 1)) {
    auto const text = section.substr(at + 4, section.find('`', at + 4) - at - 4);
    EXPECT_NE(said.find(text), std::string::npos) << text;
    ++found;
  }
  EXPECT_GT(found, 5);
}

}  // namespace
}  // namespace lenscap::tidy
