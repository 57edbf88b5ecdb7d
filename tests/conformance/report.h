// What the program prints: the verdicts as a table for people or as JSON, each failure with its evidence.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/conformance/probe.h"

namespace lenscap::conformance {

struct Tally {
  int passed = 0, failed = 0, skipped = 0;
  int listed = 0;                    // of the failed ones: known divergences
  std::vector<std::string> settled;  // listed as divergences, and passed
};

using Divergences = std::map<std::string, std::string, std::less<>>;  // id, reason

// Lines of an id and a reason; '#' begins a comment. Errc::usage for anything else.
Result<Divergences> read_divergences(std::string const& text);

Tally count(std::vector<Verdict> const& verdicts, Divergences const& divergences);

// One line for each check; reasons below it; with each failure the request and the answer that show it.
std::string to_text(Verdict const& verdict, Divergences const& divergences);
json::Object to_json(std::vector<Verdict> const& verdicts, Divergences const& divergences);

// An exchange as people read it: the parts of a JWS decoded, long texts cut.
std::string readable(std::string const& message);

}  // namespace lenscap::conformance
