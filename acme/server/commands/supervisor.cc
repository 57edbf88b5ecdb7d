#include "acme/server/commands/supervisor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace lenscap::acme {
namespace {

std::string environment(char const* name) {
  auto const* value = ::getenv(name);
  return value == nullptr ? "" : value;
}

long long environment_number(char const* name) {
  auto const text = environment(name);
  long long number = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc() && end == text.data() + text.size() ? number : 0;
}

}  // namespace

std::vector<InheritedSocket> inherited_from_supervisor() {
  std::vector<InheritedSocket> sockets;
  if (environment_number("LISTEN_PID") != ::getpid()) return sockets;
  auto const names = environment("LISTEN_FDNAMES");
  std::string_view rest = names;
  for (int fd = 3; fd < 3 + environment_number("LISTEN_FDS"); ++fd) {
    auto const name = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    sockets.push_back({fd, std::string(name)});
  }
  return sockets;
}

void notify_supervisor(std::string_view state) {
  auto path = environment("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';  // an abstract socket
  auto const fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  auto const size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr const*>(&address), size);
  ::close(fd);
}

std::chrono::microseconds watchdog_interval() {
  return std::chrono::microseconds(std::max(environment_number("WATCHDOG_USEC"), 0LL));
}

std::chrono::microseconds Watchdog::may_wait(std::chrono::microseconds at_most) const {
  if (every_.count() == 0) return at_most;
  auto const left = std::chrono::ceil<std::chrono::microseconds>(due_ - std::chrono::steady_clock::now());
  return std::clamp(left, std::chrono::microseconds(0), at_most);
}

void Watchdog::look() {
  if (every_.count() != 0 && std::chrono::steady_clock::now() >= due_) tell();
}

void Watchdog::tell() {
  notify_supervisor("WATCHDOG=1");
  due_ = std::chrono::steady_clock::now() + every_;
}

// While the thread is there the loop does not touch the watchdog.
Watchdog::Step::Step(Watchdog& watchdog, std::chrono::milliseconds at_most) : watchdog_(watchdog) {
  watchdog.look();
  if (watchdog.every_.count() == 0) return;
  thread_ = std::thread([this, until = std::chrono::steady_clock::now() + at_most] { run(until); });
}

Watchdog::Step::~Step() {
  {
    std::lock_guard const lock(mutex_);
    is_over_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  watchdog_.look();
}

void Watchdog::Step::run(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  while (watchdog_.due_ < until) {
    if (wake_.wait_until(lock, watchdog_.due_, [this] { return is_over_; })) return;
    watchdog_.tell();
  }
}

}  // namespace lenscap::acme
