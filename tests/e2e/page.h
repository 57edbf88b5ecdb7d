// The pages of docs/ that an administrator follows, run as they stand: every block that is marked as `sh`, in order, in
// one shell.
#pragma once

#include <fstream>
#include <map>
#include <stdexcept>
#include <string>

namespace lenscap::e2e {

// The script of a page, for `sh -eu`. `places` says what stands where the page has a machine's own:
// "/var/lib/lenscap-ca" becomes a folder of the test. Each of them has to be in the page.
inline std::string script_of(std::string const& page, std::map<std::string, std::string> const& places) {
  std::ifstream in(std::string(LENSCAP_SOURCE_DIR) + "/docs/" + page);
  std::string script;
  bool is_inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```"))
      is_inside = line == "```sh";
    else if (is_inside)
      script += line + "\n";
  }
  if (script.empty()) throw std::runtime_error("docs/" + page + " has nothing to run");
  for (auto const& [theirs, ours] : places) {
    auto at = script.find(theirs);
    if (at == std::string::npos) throw std::runtime_error("docs/" + page + " says nothing of " + theirs);
    for (; at != std::string::npos; at = script.find(theirs, at + ours.size())) script.replace(at, theirs.size(), ours);
  }
  return script;
}

}  // namespace lenscap::e2e
