#include "base/net/router.h"

#include <algorithm>

#include "base/error.h"

namespace lenscap::net {
namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> segments;
  path.remove_prefix(1);
  while (true) {
    auto const slash = path.find('/');
    segments.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_param(std::string_view segment) { return segment.starts_with('{'); }

bool matches(std::vector<std::string> const& pattern, std::vector<std::string> const& path) {
  return std::equal(
      pattern.begin(), pattern.end(), path.begin(), path.end(),
      [](std::string const& want, std::string const& have) { return is_param(want) ? !have.empty() : want == have; });
}

std::map<std::string, std::string> params(std::vector<std::string> const& pattern,
                                          std::vector<std::string> const& path) {
  std::map<std::string, std::string> values;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (is_param(pattern[i])) values.emplace(pattern[i].substr(1, pattern[i].size() - 2), path[i]);
  }
  return values;
}

void add_word(std::string& list, std::string_view word) {
  if (!list.empty()) list += ", ";
  list += word;
}

}  // namespace

void Router::add(Method method, std::string_view pattern, Handler handler) {
  if (!pattern.starts_with('/')) bug("a route's pattern starts with '/'");
  auto segments = split(pattern);
  for (auto const& row : rows_) {
    if (row.method == method && row.segments == segments) bug("a route was added twice");
  }
  for (auto const& segment : segments) {
    if (is_param(segment) && (segment.size() < 3 || !segment.ends_with('}'))) bug("a route's {name} is not closed");
  }
  rows_.push_back({method, std::move(segments), std::move(handler)});
}

Awaitable<Response> Router::dispatch(Request request) const {
  if (!request.path.starts_with('/')) co_return error(404, "there is nothing at this path");
  auto const path = split(request.path);
  Row const* found = nullptr;
  Row const* found_get = nullptr;  // serves HEAD when HEAD has no row
  std::string allow;
  for (auto const& row : rows_) {
    if (!matches(row.segments, path)) continue;
    if (row.method == request.method && found == nullptr) found = &row;
    if (row.method == Method::get && found_get == nullptr) found_get = &row;
    if (allow.find(to_string(row.method)) == std::string::npos) add_word(allow, to_string(row.method));
  }
  if (found == nullptr && request.method == Method::head) found = found_get;
  if (found != nullptr) {
    request.params = params(found->segments, path);
    co_return co_await found->handler(std::move(request));
  }
  if (allow.empty()) co_return error(404, "there is nothing at this path");
  if (found_get != nullptr && allow.find("HEAD") == std::string::npos) add_word(allow, "HEAD");
  auto refusal = error(405, "this path does not serve " + request.method_text);
  refusal.headers.add("Allow", std::move(allow));
  co_return refusal;
}

}  // namespace lenscap::net
