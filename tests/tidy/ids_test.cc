// tests/conformance/ids lists every duty of the standards that we know of. Each id that the code or a test names must
// be in the list, and each MUST of the list must be named; other ids that nothing names are printed.
// tests/hostile_inputs/ids lists what hostile peers send; each of those must be named by a test.
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/tidy/source_files.h"

namespace lenscap::tidy {
namespace {

std::map<std::string, std::string> known_ids() {
  std::map<std::string, std::string> ids;
  for (auto const& file : source_files({"tests/conformance"}, {"ids"})) {
    std::istringstream lines(file.text);
    std::string line;
    while (std::getline(lines, line)) {
      if (line.empty() || line[0] == '#') continue;
      std::istringstream words(line);
      std::string id;
      std::string level;
      std::string text;
      words >> id >> level;
      std::getline(words, text);
      EXPECT_TRUE(level == "M" || level == "S" || level == "A") << line;
      EXPECT_GT(text.size(), 10U) << line;
      EXPECT_TRUE(ids.emplace(id, level).second) << id << " stands twice";
    }
  }
  return ids;
}

// What an id looks like: the standards are those of the list, so that none of them is forgotten here.
std::regex id_pattern(std::map<std::string, std::string> const& ids) {
  std::set<std::string> standards;
  for (auto const& [id, level] : ids) standards.insert(id.substr(0, id.find('-')));
  std::string any;
  for (auto const& standard : standards) any += (any.empty() ? "" : "|") + standard;
  return std::regex("\\b((?:" + any + ")-[0-9a-z.]+-[0-9]+)\\b");
}

TEST(ConformanceIds, NamedOnesAreListedAndEachMustIsNamed) {
  auto const ids = known_ids();
  EXPECT_GT(ids.size(), 100U);
  auto const pattern = id_pattern(ids);
  std::set<std::string> named;
  for (auto const& file :
       source_files({"base", "store", "ca", "acme", "agent", "tests"}, {".h", ".cc", ".py", ".sh"})) {
    for (std::sregex_iterator it(file.text.begin(), file.text.end(), pattern), end; it != end; ++it) {
      std::string const id = (*it)[1];
      named.insert(id);
      EXPECT_TRUE(ids.contains(id)) << file.path << ":" << line_of(file.text, static_cast<std::size_t>(it->position()))
                                    << ": " << id << " is not in tests/conformance/ids";
    }
  }
  std::map<std::string, std::vector<std::string>> silent;
  for (auto const& [id, level] : ids) {
    if (!named.contains(id)) silent[level].push_back(id);
  }
  std::cout << named.size() << " of " << ids.size() << " conformance ids are named by code or tests\n";
  for (auto const& [level, list] : silent) {
    std::cout << "not named, level " << level << ":";
    for (auto const& id : list) std::cout << ' ' << id;
    std::cout << '\n';
  }
  EXPECT_FALSE(silent.contains("M")) << "a MUST that no code and no test names";
}

TEST(HostileInputs, EachIsNamedByATestAndEachNamedOneIsListed) {
  std::set<std::string> ids;
  for (auto const& file : source_files({"tests/hostile_inputs"}, {"ids"})) {
    std::istringstream lines(file.text);
    std::string line;
    while (std::getline(lines, line)) {
      if (line.empty() || line[0] == '#') continue;
      auto const id = line.substr(0, line.find(' '));
      EXPECT_TRUE(std::regex_match(id, std::regex("[A-Z]-[0-9]{2}"))) << line;
      EXPECT_GT(line.size(), id.size() + 3) << line;
      EXPECT_TRUE(ids.insert(id).second) << id << " stands twice";
    }
  }
  EXPECT_GT(ids.size(), 200U);
  std::regex const pattern(R"(\b([CJHVNSBK]-[0-9]{2})\b)");
  std::set<std::string> named;
  for (auto const& file : source_files({"base", "store", "ca", "acme", "agent", "tests"}, {".h", ".cc"})) {
    bool const is_test = file.path.ends_with("_test.cc") || file.path.ends_with("_cases.h");
    for (std::sregex_iterator it(file.text.begin(), file.text.end(), pattern), end; it != end; ++it) {
      std::string const id = (*it)[1];
      if (is_test) named.insert(id);
      EXPECT_TRUE(ids.contains(id)) << file.path << ":" << line_of(file.text, static_cast<std::size_t>(it->position()))
                                    << ": " << id << " is not in tests/hostile_inputs/ids";
    }
  }
  for (auto const& id : ids) EXPECT_TRUE(named.contains(id)) << id << ": no test names it";
}

}  // namespace
}  // namespace lenscap::tidy
