// What a process has cost so far, as the kernel counts it, with those that it started and that still run.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace lenscap::bench {

struct Cost {
  std::chrono::microseconds cpu{};  // user and system, of all its threads
  std::uint64_t written = 0;        // octets handed to the disk
  std::uint64_t anonymous = 0;      // octets of memory that no file backs, now (RssAnon)
};

// Zero for what the kernel does not tell. Throws when there is no such process.
Cost cost_of(pid_t process);
// Of this process alone (RssAnon). Zero when there is none.
std::uint64_t anonymous_of(pid_t process);

}  // namespace lenscap::bench
