// What only one test at a time may have, of all that run on this machine: a port, a loopback network.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>

namespace lenscap::fakes {

// Marks it as taken until this process ends, by a socket of the abstract namespace that is never closed. False: another
// has it. `what`: shorter than 90 letters. Throws std::runtime_error when nothing can be marked at all.
inline bool mark_as_taken(std::string const& what) {
  std::string const text = "lenscap-test-" + what;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  auto const size = std::min(text.size(), sizeof name.sun_path - 1);
  std::memcpy(name.sun_path + 1, text.data(), size);
  int const mark = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto const length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + size);
  if (::bind(mark, reinterpret_cast<sockaddr*>(&name), length) == 0) return true;
  bool const is_taken = errno == EADDRINUSE;
  ::close(mark);
  if (!is_taken) throw std::runtime_error("no mark can be made for " + what);
  return false;
}

}  // namespace lenscap::fakes
