#include "base/net/router.h"

#include <algorithm>

#include "base/error.h"

namespace lenscap::net {
namespace {

// The next segment of a path, and the path behind it; the last one leaves nothing.
std::string_view take_segment(std::optional<std::string_view>& path) {
  auto const slash = path->find('/');
  auto const segment = path->substr(0, slash);
  if (slash == std::string_view::npos)
    path.reset();
  else
    path->remove_prefix(slash + 1);
  return segment;
}

std::vector<std::string> split(std::string_view pattern) {
  std::vector<std::string> segments;
  for (std::optional rest(pattern.substr(1)); rest;) segments.emplace_back(take_segment(rest));
  return segments;
}

bool is_param(std::string_view segment) { return segment.starts_with('{'); }

constexpr std::string_view kRest = "...}";
bool is_rest(std::string_view segment) { return is_param(segment) && segment.ends_with(kRest); }

bool matches(std::vector<std::string> const& pattern, std::string_view path) {
  std::optional rest(path.substr(1));
  for (auto const& want : pattern) {
    if (!rest) return false;
    if (is_rest(want)) return !rest->empty();
    auto const have = take_segment(rest);
    if (is_param(want) ? have.empty() : want != have) return false;
  }
  return !rest;
}

PathParams params(std::vector<std::string> const& pattern, std::string_view path) {
  PathParams values;
  std::optional rest(path.substr(1));
  for (auto const& segment : pattern) {
    if (is_rest(segment)) {
      values.add(segment.substr(1, segment.size() - 1 - kRest.size()), std::string(*rest));
      break;
    }
    auto const have = take_segment(rest);
    if (is_param(segment)) values.add(segment.substr(1, segment.size() - 2), std::string(have));
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
  add_row({method, split(pattern), std::move(handler), {}});
}

void Router::add_plain(Method method, std::string_view pattern, PlainHandler handler) {
  if (!pattern.starts_with('/')) bug("a route's pattern starts with '/'");
  add_row({method, split(pattern), {}, std::move(handler)});
}

void Router::add_row(Row added) {
  for (auto const& row : rows_) {
    if (row.method == added.method && row.segments == added.segments) bug("a route was added twice");
  }
  for (auto const& segment : added.segments) {
    if (is_param(segment) && (segment.size() < 3 || !segment.ends_with('}'))) bug("a route's {name} is not closed");
    if (is_rest(segment) && &segment != &added.segments.back()) bug("a route goes on behind its {name...}");
  }
  rows_.push_back(std::move(added));
}

Router::Match Router::match(Request& request) const {
  auto const find = [&](Method method) -> Row const* {
    auto const fits = [&](Row const& row) { return row.method == method && matches(row.segments, request.path); };
    auto const found = std::ranges::find_if(rows_, fits);
    return found == rows_.end() ? nullptr : &*found;
  };
  if (!request.path.starts_with('/')) return {.refusal = error(404, "there is nothing at this path")};
  auto const* row = find(request.method);
  if (row == nullptr && request.method == Method::head) row = find(Method::get);
  if (row == nullptr) return refuse(request);
  request.params = params(row->segments, request.path);
  if (row->plain) return {.plain = &row->plain};
  return {.handler = &row->handler};
}

Router::Match Router::refuse(Request const& request) const {
  std::string allow;
  for (auto const& row : rows_)
    if (matches(row.segments, request.path) && allow.find(to_string(row.method)) == std::string::npos)
      add_word(allow, to_string(row.method));
  if (allow.empty()) return {.refusal = error(404, "there is nothing at this path")};
  if (allow.find("GET") != std::string::npos && allow.find("HEAD") == std::string::npos) add_word(allow, "HEAD");
  Match match{.refusal = error(405, "this path does not serve " + request.method_text)};
  match.refusal.headers.add("Allow", std::move(allow));
  return match;
}

Awaitable<Response> Router::dispatch(Request request) const {
  auto found = match(request);
  if (found.handler != nullptr) co_return co_await (*found.handler)(std::move(request));
  if (found.plain != nullptr) co_return (*found.plain)(request);
  co_return std::move(found.refusal);
}

}  // namespace lenscap::net
