#include "tests/bench/cost.h"

#include <filesystem>
#include <fstream>
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

}  // namespace

Cost cost_of(pid_t process) {
  auto const folder = "/proc/" + std::to_string(process);
  if (!std::filesystem::exists(folder)) throw std::runtime_error("no process " + std::to_string(process));
  return {.cpu = cpu_of(folder),
          .written = number_of(folder + "/io", "write_bytes:"),
          .anonymous = number_of(folder + "/status", "RssAnon:") * 1024};
}

}  // namespace lenscap::bench
