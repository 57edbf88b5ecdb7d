#include "tests/bench/cost.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace lenscap::bench {
namespace {

// The number behind `name` in a file of lines "name: number ...".
std::uint64_t number_of(std::string const& file, std::string_view name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name)) return std::stoull(line.substr(line.find_first_of("0123456789", name.size())));
  return 0;
}

// What the scheduler knows of every thread, to the nanosecond. What a thread used that has ended meanwhile is not in
// it; none of the servers that are measured ends threads under load.
std::chrono::microseconds cpu_of(std::string const& folder) {
  std::uint64_t sum = 0;
  for (auto const& thread : std::filesystem::directory_iterator(folder + "/task")) {
    std::uint64_t ns = 0;
    std::ifstream(thread.path() / "schedstat") >> ns;
    sum += ns;
  }
  return std::chrono::microseconds(sum / 1000);
}

// Those that a thread of the process started and that still run.
std::vector<pid_t> children_of(std::string const& folder) {
  std::vector<pid_t> all;
  for (auto const& thread : std::filesystem::directory_iterator(folder + "/task")) {
    std::ifstream in(thread.path() / "children");
    for (pid_t child = 0; in >> child;) all.push_back(child);
  }
  return all;
}

}  // namespace

std::uint64_t anonymous_of(pid_t process) {
  return number_of("/proc/" + std::to_string(process) + "/status", "RssAnon:") * 1024;
}

Cost cost_of(pid_t process) {
  auto const folder = "/proc/" + std::to_string(process);
  if (!std::filesystem::exists(folder)) throw std::runtime_error("no process " + std::to_string(process));
  Cost cost{
      .cpu = cpu_of(folder), .written = number_of(folder + "/io", "write_bytes:"), .anonymous = anonymous_of(process)};
  for (pid_t child : children_of(folder)) {
    auto const more = cost_of(child);
    cost.cpu += more.cpu;
    cost.written += more.written;
    cost.anonymous += more.anonymous;
  }
  return cost;
}

}  // namespace lenscap::bench
