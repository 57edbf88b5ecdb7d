#include "tests/bench/cost.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace lenscap::bench {
namespace {

// The number behind `name` in a file of lines "name: number ...".
std::uint64_t number_of(std::string const& file, std::string_view name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name)) return std::stoull(line.substr(line.find_first_of("0123456789", name.size())));
  return 0;
}

}  // namespace

Cost cost_of(pid_t process) {
  auto const folder = "/proc/" + std::to_string(process);
  std::ifstream in(folder + "/stat");
  std::string line;
  if (!std::getline(in, line)) throw std::runtime_error("no process " + std::to_string(process));
  // proc(5): behind the name in brackets come state (3) and, as 14 and 15, user and system time.
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::uint64_t user = 0, system = 0;
  fields >> user >> system;
  auto const ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return {.cpu = std::chrono::microseconds((user + system) * 1'000'000 / ticks),
          .written = number_of(folder + "/io", "write_bytes:"),
          .anonymous = number_of(folder + "/status", "RssAnon:") * 1024};
}

}  // namespace lenscap::bench
