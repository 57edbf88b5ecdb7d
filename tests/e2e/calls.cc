#include "tests/e2e/calls.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace lenscap::e2e {
namespace {

// "\x2f\x61" as its octets.
std::string octets(std::string_view hex) {
  std::string text;
  for (std::size_t at = 0; at + 4 <= hex.size(); at += 4) {
    unsigned value = 0;
    if (hex.substr(at, 2) != "\\x" || std::from_chars(&hex[at + 2], &hex[at + 2] + 2, value, 16).ec != std::errc())
      throw std::runtime_error("not in hexadecimal digits: " + std::string(hex.substr(0, 80)));
    text.push_back(static_cast<char>(value));
  }
  return text;
}

// "name(a, [{b, c}]) = result": what is in brackets belongs together; strings hold nothing but digits.
std::optional<Call> parse_call(std::string const& line) {
  auto const open = line.find('(');
  auto const equals = line.rfind(") = ");
  if (open == line.npos || equals == line.npos) return std::nullopt;
  Call call{line.substr(0, open), {}, line.substr(equals + 4)};
  auto const end = line.find_last_not_of(' ', equals - 1) + 1;
  int depth = 0;
  std::string argument;
  for (std::size_t i = open + 1; i < end; ++i) {
    char const c = line[i];
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (c == ',' && depth == 0) {
      call.arguments.push_back(std::exchange(argument, ""));
      ++i;  // the blank after it
    } else {
      argument.push_back(c);
    }
  }
  call.arguments.push_back(argument);
  return call;
}

}  // namespace

std::string between(std::string_view text, char begin, char end) {
  auto const from = text.find(begin);
  auto const to = text.find(end, from == text.npos ? from : from + 1);
  if (from == text.npos || to == text.npos) throw std::runtime_error("no octets: " + std::string(text.substr(0, 80)));
  return octets(text.substr(from + 1, to - from - 1));
}

std::uint64_t number(std::string_view text, int base) {
  std::uint64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value, base).ec != std::errc())
    throw std::runtime_error("no number: " + std::string(text.substr(0, 80)));
  return value;
}

void visit_calls(std::string const& log, std::function<void(Call const&)> const& visit) {
  std::map<std::string, std::string> unfinished;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    auto const blank = line.find(' ');
    auto const thread = line.substr(0, blank);
    auto text = line.substr(std::min(line.find_first_not_of(' ', blank), line.size()));
    if (auto const at = text.find(" <unfinished ...>"); at != text.npos) {
      unfinished[thread] = text.substr(0, at);
      continue;
    }
    if (text.starts_with("<... ")) {
      constexpr std::string_view kResumed = " resumed>";
      text = unfinished[thread] + text.substr(text.find(kResumed) + kResumed.size());
    }
    if (auto const call = parse_call(text); call && !call->result.starts_with("-1")) visit(*call);
  }
}

}  // namespace lenscap::e2e
