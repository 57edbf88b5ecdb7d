#include "base/open_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace lenscap {

Result<OpenFile> OpenFile::open(std::string const& path) {
  // Not to wait for the other end of a pipe.
  int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Error(Errc::file, "cannot read " + path + ": " + std::strerror(errno));
  OpenFile file(fd, 0);
  struct stat status {};
  if (::fstat(fd, &status) != 0) return Error(Errc::file, "cannot read " + path + ": " + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return Error(Errc::file, "cannot read " + path + ": it is no regular file");
  file.size_ = static_cast<std::size_t>(status.st_size);
  return file;
}

OpenFile::OpenFile(OpenFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

OpenFile::~OpenFile() {
  if (fd_ >= 0) ::close(fd_);
}

bool OpenFile::read_at(std::size_t at, std::span<std::uint8_t> room) const {
  while (!room.empty()) {
    ssize_t const count = ::pread(fd_, room.data(), room.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    auto const got = static_cast<std::size_t>(count);
    at += got;
    room = room.subspan(got);
  }
  return true;
}

}  // namespace lenscap
