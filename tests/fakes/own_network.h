// A network of the test's own (a namespace), in which every address there is belongs to this machine: a connection to
// wherever ends at a Canary, which is on all addresses at once. Nothing leaves the machine.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace lenscap::fakes {

// Moves the process there; before it starts any thread. False: this machine does not let its users do that.
inline bool enter_own_network() {
  auto const put = [](char const* file, std::string const& text) { std::ofstream(file) << text; };
  auto const uid = ::geteuid();
  auto const gid = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  put("/proc/self/setgroups", "deny");
  put("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1");
  put("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
  // A local route for everything: any address may be bound, and any connection ends here.
  return std::system("ip link set lo up && ip route add local 0.0.0.0/0 dev lo && ip -6 route add local ::/0 dev lo") ==
         0;
}

// Takes connections to its ports at every address, IPv4 and IPv6, and keeps to which they came. One at a time.
class Canary {
 public:
  // What to do with one; the socket is closed afterwards. `address` is text, without "::ffff:".
  using Talk = std::function<void(int peer, std::string const& address, unsigned short port)>;

  Canary(std::vector<unsigned short> const& ports, Talk talk)
      : talk_(std::move(talk)), bell_(::eventfd(0, EFD_CLOEXEC)) {
    for (auto const port : ports) {
      int const fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
      int const yes = 1, no = 0;
      ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
      sockaddr_in6 address{};
      address.sin6_family = AF_INET6;
      address.sin6_port = htons(port);
      if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 64) != 0)
        throw std::runtime_error("canary: port " + std::to_string(port) + " is taken");
      listening_.push_back(fd);
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~Canary() {
    std::uint64_t const one = 1;
    [[maybe_unused]] auto written = ::write(bell_, &one, sizeof one);
    thread_.join();
    for (int const fd : listening_) ::close(fd);
    ::close(bell_);
  }
  Canary(Canary const&) = delete;
  Canary& operator=(Canary const&) = delete;

  // "10.20.0.1:80" -> how often, since the last call.
  std::map<std::string, int> take_visits() {
    std::lock_guard lock(mutex_);
    return std::exchange(visits_, {});
  }

 private:
  void serve() {
    for (;;) {
      std::vector<pollfd> fds{{bell_, POLLIN, 0}};
      for (int const fd : listening_) fds.push_back({fd, POLLIN, 0});
      if (::poll(fds.data(), fds.size(), -1) < 0) continue;
      if (fds[0].revents != 0) return;
      for (std::size_t i = 1; i < fds.size(); ++i)
        if (fds[i].revents != 0) take(fds[i].fd);
    }
  }
  void take(int listening) {
    sockaddr_in6 local{};
    socklen_t size = sizeof local;
    int const peer = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) return;
    timeval const patience{5, 0};
    ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ::getsockname(peer, reinterpret_cast<sockaddr*>(&local), &size);
    char text[INET6_ADDRSTRLEN] = "";
    ::inet_ntop(AF_INET6, &local.sin6_addr, text, sizeof text);
    std::string address = text;
    if (address.starts_with("::ffff:")) address.erase(0, 7);
    auto const port = ntohs(local.sin6_port);
    {
      std::lock_guard lock(mutex_);
      ++visits_[address + ":" + std::to_string(port)];
    }
    talk_(peer, address, port);
    ::close(peer);
  }

  Talk talk_;
  int bell_;
  std::vector<int> listening_;
  std::mutex mutex_;
  std::map<std::string, int> visits_;
  std::thread thread_;
};

}  // namespace lenscap::fakes
