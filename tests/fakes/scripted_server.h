// A TCP server on loopback that answers each connection with the octets that a function makes of the request's head,
// then closes. For tests that need a peer which does things that no HTTP library would.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace lenscap::fakes {

// Takes connections on loopback, one at a time, and gives each to a function; the socket is closed afterwards.
class SocketServer {
 public:
  using Talk = std::function<void(int peer)>;

  // `address` is an IPv4 address of loopback, or "::1"; throws where the machine has no such address. `port` 0: any.
  explicit SocketServer(Talk talk, std::string const& address = "127.0.0.1", unsigned short port = 0)
      : talk_(std::move(talk)), bell_(::eventfd(0, EFD_CLOEXEC)) {
    auto const v6 = address.find(':') != std::string::npos;
    listening_ = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int const one = 1;
    ::setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_storage storage{};
    socklen_t size = 0;
    if (v6) {
      auto& in = reinterpret_cast<sockaddr_in6&>(storage);
      in.sin6_family = AF_INET6;
      in.sin6_port = htons(port);
      ::inet_pton(AF_INET6, address.c_str(), &in.sin6_addr);
      size = sizeof in;
    } else {
      auto& in = reinterpret_cast<sockaddr_in&>(storage);
      in.sin_family = AF_INET;
      in.sin_port = htons(port);
      ::inet_pton(AF_INET, address.c_str(), &in.sin_addr);
      size = sizeof in;
    }
    if (::bind(listening_, reinterpret_cast<sockaddr*>(&storage), size) != 0 || ::listen(listening_, 64) != 0 ||
        ::getsockname(listening_, reinterpret_cast<sockaddr*>(&storage), &size) != 0)
      throw std::runtime_error("no socket on " + address);
    port_ = ntohs(v6 ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port
                     : reinterpret_cast<sockaddr_in&>(storage).sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~SocketServer() {
    std::uint64_t const one = 1;
    [[maybe_unused]] auto written = ::write(bell_, &one, sizeof one);
    thread_.join();
    ::close(listening_);
    ::close(bell_);
  }
  SocketServer(SocketServer const&) = delete;
  SocketServer& operator=(SocketServer const&) = delete;

  unsigned short port() const { return port_; }
  int connections() const { return connections_; }

 private:
  void serve() {
    for (;;) {
      pollfd fds[] = {{bell_, POLLIN, 0}, {listening_, POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0) continue;
      if (fds[0].revents != 0) return;
      int const peer = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) continue;
      ++connections_;
      timeval const patience{5, 0};
      ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      ::setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      talk_(peer);
      ::close(peer);
    }
  }

  Talk talk_;
  int bell_;
  int listening_ = -1;
  unsigned short port_ = 0;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

class ScriptedServer {
 public:
  // Nothing instead of an answer: the connection is held open, and others are taken meanwhile.
  using Script = std::function<std::optional<std::string>(std::string const& request)>;

  explicit ScriptedServer(Script script, std::string const& address = "127.0.0.1", unsigned short port = 0)
      : script_(std::move(script)), server_([this](int peer) { answer(peer); }, address, port) {}

  // Asks the script again what those are answered that are held.
  void answer_held() {
    std::lock_guard lock(turn_);
    for (auto const& [held, head] : std::exchange(held_, {})) answer_or_hold(held->peer, head);
  }

  unsigned short port() const { return server_.port(); }
  int connections() const { return server_.connections(); }
  std::vector<std::string> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  struct Held {
    explicit Held(int connection) : peer(::fcntl(connection, F_DUPFD_CLOEXEC, 0)) {
      if (peer < 0) throw std::runtime_error("a connection cannot be held");
    }
    ~Held() { ::close(peer); }
    Held(Held const&) = delete;
    Held& operator=(Held const&) = delete;
    int const peer;
  };

  void answer(int peer) {
    std::string head;
    char buffer[2048];
    while (head.find("\r\n\r\n") == std::string::npos) {
      auto const got = ::recv(peer, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      head.append(buffer, static_cast<std::size_t>(got));
    }
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(head);
    }
    std::lock_guard lock(turn_);
    answer_or_hold(peer, head);
  }
  void answer_or_hold(int peer, std::string const& head) {
    auto const reply = script_(head);
    if (!reply) {
      held_.emplace_back(std::make_unique<Held>(peer), head);
      return;
    }
    for (std::size_t sent = 0; sent < reply->size();) {
      auto const n = ::send(peer, reply->data() + sent, reply->size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;
      sent += static_cast<std::size_t>(n);
    }
    ::shutdown(peer, SHUT_WR);
  }

  Script script_;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::mutex turn_;                                                  // of the script, and of what it says
  std::vector<std::pair<std::unique_ptr<Held>, std::string>> held_;  // with its request
  SocketServer server_;                                              // last: its thread uses the others
};

inline std::string http_answer(std::string const& body, std::string const& status = "200 OK",
                               std::string const& more = "") {
  return "HTTP/1.1 " + status + "\r\n" + more + "Content-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

}  // namespace lenscap::fakes
