// A port for whoever has to know its own before it listens: a server whose URL stands in its settings, a client that
// opens its web server for a moment only.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <stdexcept>
#include <string>

#include "tests/fakes/mark.h"

namespace lenscap::fakes {

// A TCP port of loopback that is free, and that nothing takes until this process ends but whom it is told: below those
// that the kernel gives to outgoing connections of all the tests that run beside this one, and marked for whoever asks
// the same in another process. One that somebody else listens at stays marked, too.
inline unsigned short free_port() {
  static std::mt19937 random(std::random_device{}());
  for (int tries = 0; tries < 1000; ++tries) {
    auto const port = static_cast<unsigned short>(std::uniform_int_distribution<int>(12'000, 31'999)(random));
    if (!mark_as_taken("port-" + std::to_string(port))) continue;
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int const yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    auto const fine = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    if (fine) return port;
  }
  throw std::runtime_error("no free port");
}

}  // namespace lenscap::fakes
