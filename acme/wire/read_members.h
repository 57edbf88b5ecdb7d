// What the readers of ACME objects share: members that several have, and limits. For the .cc files of this folder only.
#pragma once

#include <optional>

#include "acme/wire/problem.h"
#include "base/json.h"
#include "base/time.h"

namespace lenscap::acme {

// For what a server sends or a store keeps. An order of 100 names, each with a subproblem, is 1,100 values; requests
// have the narrower limits of base/json.h.
inline constexpr json::Limits kObjectLimits{.bytes = 256 * 1024, .depth = 16, .members = 2048};

inline Result<std::optional<Time>> get_time(json::Object const& object, std::string_view name) {
  TRY(auto const text, json::get_string(object, name));
  if (!text) return std::optional<Time>();
  auto time = parse_rfc3339(*text);
  if (!time.ok()) return Error(Errc::malformed, std::string(name) + ": must be an RFC 3339 date and time");
  return std::optional<Time>(*time);
}

inline Result<std::optional<Error>> get_problem(json::Object const& object, std::string_view name) {
  TRY(auto const document, json::get_object(object, name));
  if (!document) return std::optional<Error>();
  return std::optional<Error>(read_problem(*document));
}

}  // namespace lenscap::acme
