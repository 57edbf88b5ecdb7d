// This very program once more, as a child with other words and one end of a socket pair. It does NOT say what crosses
// the socket. The child shares nothing else with its parent: no memory (it is a new image, at other addresses), no file
// but standard output and standard error.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace lenscap {

class ChildProcess {
 public:
  // The child finds its end here.
  static constexpr int kSocket = 3;

  // argv[1] and on; never a secret. Errc::unavailable when the system gives no process.
  static Result<ChildProcess> start_self(std::vector<std::string> words);
  ChildProcess(ChildProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), socket_(std::exchange(other.socket_, -1)), how_(std::move(other.how_)) {}
  ChildProcess& operator=(ChildProcess&&) = delete;
  // Closes the socket if nobody took it, and waits: a child is expected to end when its socket does. Kills one that
  // does not within a few seconds.
  ~ChildProcess();

  // The parent's end, for whoever closes it. Once.
  int take_socket() { return std::exchange(socket_, -1); }
  pid_t pid() const { return pid_; }
  // Has it ended? Then how_it_ended() tells: "signal 9", "exit code 70".
  bool has_ended();
  std::string const& how_it_ended() const { return how_; }

 private:
  ChildProcess(pid_t pid, int socket) : pid_(pid), socket_(socket) {}
  pid_t pid_;  // -1: ended
  int socket_;
  std::string how_;
};

}  // namespace lenscap
