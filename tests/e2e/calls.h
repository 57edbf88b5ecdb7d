// The calls of a program, as strace -f -y -xx has written them down.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lenscap::e2e {

struct Call {
  std::string name;
  std::vector<std::string> arguments;  // as strace writes them
  std::string result;
};

// Those that did not fail, one after the other, as they returned; a call that waited while another thread made one
// stands in two lines.
void visit_calls(std::string const& log, std::function<void(Call const&)> const& visit);

// Behind the number of a descriptor, before its path; of a pipe or a socket something else stands there.
constexpr std::string_view kOpenFile = "<\\x";
// The octets between the two, which strace writes as hexadecimal digits. Throws std::runtime_error where there are
// none.
std::string between(std::string_view text, char begin, char end);
// At the beginning of the text; std::runtime_error.
std::uint64_t number(std::string_view text, int base = 10);

}  // namespace lenscap::e2e
