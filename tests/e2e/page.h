// The pages of docs/ that an administrator follows, for tests that run them as they stand: every block that is marked
// as `sh`, in order, with the test's own places for a machine's.
#pragma once

#include <algorithm>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace lenscap::e2e {

// Each with its line ends.
inline std::vector<std::string> blocks_of(std::string const& page) {
  std::ifstream in(std::string(LENSCAP_SOURCE_DIR) + "/docs/" + page);
  std::vector<std::string> blocks;
  bool is_open = false, is_inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      is_open = !is_open;
      is_inside = is_open && line == "```sh";
      if (is_inside) blocks.emplace_back();
    } else if (is_inside) {
      blocks.back() += line + "\n";
    }
  }
  if (blocks.empty()) throw std::runtime_error("docs/" + page + " has nothing to run");
  return blocks;
}

// The blocks of the sections ("## TITLE") alone, as one script for `sh -eu`. Each of them has to be in the page.
inline std::string script_of_sections(std::string const& page, std::vector<std::string> const& titles) {
  std::ifstream in(std::string(LENSCAP_SOURCE_DIR) + "/docs/" + page);
  std::string script;
  std::size_t found = 0;
  bool is_open = false, is_inside = false, is_wanted = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      is_open = !is_open;
      is_inside = is_open && line == "```sh";
    } else if (!is_open && line.starts_with("## ")) {
      is_wanted = std::find(titles.begin(), titles.end(), line.substr(3)) != titles.end();
      found += is_wanted ? 1 : 0;
    } else if (is_inside && is_wanted) {
      script += line + "\n";
    }
  }
  if (found != titles.size() || script.empty()) throw std::runtime_error("docs/" + page + " lacks one of the sections");
  return script;
}

inline void replace_all(std::string& text, std::string const& from, std::string const& to) {
  for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// All blocks as one script for `sh -eu`. `places`: "/var/lib/lenscap-ca" becomes a folder of the test. Each of them has
// to be in the page.
inline std::string script_of(std::string const& page, std::map<std::string, std::string> const& places) {
  std::string script;
  for (auto const& block : blocks_of(page)) script += block;
  for (auto const& [theirs, ours] : places) {
    if (script.find(theirs) == script.npos) throw std::runtime_error("docs/" + page + " says nothing of " + theirs);
    replace_all(script, theirs, ours);
  }
  return script;
}

}  // namespace lenscap::e2e
