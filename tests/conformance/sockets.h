// Listening sockets and a thread that waits on one, for the responders. What cannot be had is thrown.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace lenscap::conformance {

// Owns a file descriptor.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  ~Socket();
  Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Socket(Socket const&) = delete;
  Socket& operator=(Socket const&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// Bound to `address`:`port` (0: any), listening when it is a stream. std::runtime_error with the reason.
Socket listen_tcp(std::string const& address, unsigned short port);
Socket bind_udp(std::string const& address, unsigned short port);
unsigned short port_of(Socket const& socket);

// Calls `serve` on a thread of its own each time that something can be read from `fd`, until it is destroyed.
class Waiter {
 public:
  Waiter(int fd, std::function<void()> serve);
  ~Waiter();
  Waiter(Waiter const&) = delete;
  Waiter& operator=(Waiter const&) = delete;

 private:
  Socket bell_;
  std::thread thread_;
};

// Takes a connection from a listening socket, with five seconds for each read and write on it.
Socket take_connection(Socket const& listener);

}  // namespace lenscap::conformance
