#include "base/local_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lenscap {
namespace {

Error failed(Errc code, std::string const& path, std::string const& what) {
  return {code, path + ": " + what + ": " + std::strerror(errno)};
}

Result<sockaddr_un> address_of(std::string const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return Error(Errc::settings, "\"" + path + "\" cannot be the path of a socket: it is empty or too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

sockaddr const* any(sockaddr_un const& address) { return reinterpret_cast<sockaddr const*>(&address); }

}  // namespace

Result<int> connect_to(std::string const& path) {
  TRY(auto const address, address_of(path));
  int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(Errc::unavailable, path, "no socket");
  if (::connect(fd, any(address), sizeof address) == 0) return fd;
  auto refused = failed(Errc::unavailable, path, "cannot be connected to");
  ::close(fd);
  return refused;
}

Result<int> listen_at(std::string const& path) {
  TRY(auto const address, address_of(path));
  if (auto const other = connect_to(path); other) {
    ::close(*other);
    return Error(Errc::conflict, path + ": somebody listens there already");
  }
  ::unlink(path.c_str());
  int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(Errc::file, path, "no socket");
  auto const mask = ::umask(0117);
  auto const bound = ::bind(fd, any(address), sizeof address);
  auto const why = errno;
  ::umask(mask);
  errno = why;
  if (bound == 0 && ::listen(fd, 16) == 0) return fd;
  auto refused = failed(Errc::file, path, "cannot listen");
  ::close(fd);
  return refused;
}

std::optional<uid_t> peer_of(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer) return std::nullopt;
  return peer.uid;
}

}  // namespace lenscap
