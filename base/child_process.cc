#include "base/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace lenscap {
namespace {

// Between fork and exec, where only what is safe in a signal handler may be called.
[[noreturn]] void become(int socket, char* const* argv) {
  int const nothing = ::open("/dev/null", O_RDONLY);
  // dup2() of a descriptor onto itself would leave it to be closed by exec.
  int const apart = ::fcntl(socket, F_DUPFD, ChildProcess::kSocket + 1);
  if (nothing < 0 || apart < 0 || ::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(apart, ChildProcess::kSocket) < 0)
    ::_exit(127);
  // Also what was inherited without close-on-exec, such as a supervisor's listening sockets.
  if (::close_range(ChildProcess::kSocket + 1, ~0U, 0) != 0) ::_exit(127);
  ::execv("/proc/self/exe", argv);
  ::_exit(127);
}

}  // namespace

Result<ChildProcess> ChildProcess::start_self(std::vector<std::string> words) {
  std::string name = program_invocation_short_name;
  std::vector<char*> argv{name.data()};
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return Error(Errc::unavailable, std::string("no socket pair: ") + std::strerror(errno));
  pid_t const pid = ::fork();
  if (pid == 0) become(ends[1], argv.data());
  int const why = errno;
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return Error(Errc::unavailable, std::string("no process: ") + std::strerror(why));
  }
  return ChildProcess(pid, ends[0]);
}

bool ChildProcess::has_ended() {
  if (pid_ <= 0) return true;
  int status = 0;
  auto const found = ::waitpid(pid_, &status, WNOHANG);
  if (found == 0 || (found < 0 && errno == EINTR)) return false;
  how_ = found < 0             ? "an end that somebody else has seen"  // SIGCHLD was ignored by whoever started us
         : WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                               : "exit code " + std::to_string(WEXITSTATUS(status));
  pid_ = -1;
  return true;
}

ChildProcess::~ChildProcess() {
  if (socket_ >= 0) ::close(socket_);
  constexpr std::chrono::seconds kPatience{5};
  auto const until = std::chrono::steady_clock::now() + kPatience;
  while (!has_ended()) {
    if (std::chrono::steady_clock::now() >= until) ::kill(pid_, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace lenscap
