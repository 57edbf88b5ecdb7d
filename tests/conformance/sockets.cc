#include "tests/conformance/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace lenscap::conformance {
namespace {

Socket bound(std::string const& address, unsigned short port, int type) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  bool const is_v6 = address.find(':') != std::string::npos;
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (::inet_pton(is_v6 ? AF_INET6 : AF_INET, address.c_str(),
                  is_v6 ? static_cast<void*>(&v6.sin6_addr) : static_cast<void*>(&v4.sin_addr)) != 1)
    throw std::runtime_error("\"" + address + "\" is not an address");
  Socket socket(::socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0));
  int const on = 1;
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  auto const* name = is_v6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
  if (::bind(socket.fd(), name, is_v6 ? sizeof v6 : sizeof v4) != 0 ||
      (type == SOCK_STREAM && ::listen(socket.fd(), 32) != 0))
    throw std::runtime_error("cannot listen at " + address + ", port " + std::to_string(port) + ": " +
                             std::strerror(errno));
  return socket;
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

Socket listen_tcp(std::string const& address, unsigned short port) { return bound(address, port, SOCK_STREAM); }
Socket bind_udp(std::string const& address, unsigned short port) { return bound(address, port, SOCK_DGRAM); }

unsigned short port_of(Socket const& socket) {
  sockaddr_in6 name{};
  socklen_t size = sizeof name;
  if (::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&name), &size) != 0)
    throw std::runtime_error("getsockname");
  return ntohs(name.sin6_port);  // at the same place in sockaddr_in
}

Waiter::Waiter(int fd, std::function<void()> serve) : bell_(::eventfd(0, EFD_CLOEXEC)) {
  thread_ = std::thread([this, fd, serve = std::move(serve)] {
    for (;;) {
      pollfd fds[] = {{bell_.fd(), POLLIN, 0}, {fd, POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0) continue;
      if (fds[0].revents != 0) return;
      serve();
    }
  });
}

Waiter::~Waiter() {
  std::uint64_t const one = 1;
  [[maybe_unused]] auto const written = ::write(bell_.fd(), &one, sizeof one);
  thread_.join();
}

Socket take_connection(Socket const& listener) {
  Socket connection(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  timeval const limit{5, 0};
  ::setsockopt(connection.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(connection.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return connection;
}

}  // namespace lenscap::conformance
