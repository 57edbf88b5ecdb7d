#include "store/directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lenscap::store {
namespace {

std::string system_text(std::string const& what, int error) { return what + ": " + std::strerror(error); }

}  // namespace

Result<> check_directory(std::string const& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Error(Errc::file, system_text("cannot look at " + path, errno));
  if ((info.st_mode & 022) != 0) {
    return Error(Errc::file, "others may write into the store's directory " + path + "; run: chmod 700 " + path);
  }
  return {};
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<DirectoryLock> DirectoryLock::take(std::string const& directory) {
  auto path = directory + "/lock";
  DirectoryLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock.fd_ < 0) return Error(Errc::file, system_text("cannot open " + path, errno));
  if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Error(Errc::file, system_text("cannot lock " + path, errno));
    char holder[24] = {};
    auto length = ::pread(lock.fd_, holder, sizeof holder - 1, 0);
    std::string who = length > 0 ? " (process " + std::string(holder, static_cast<std::size_t>(length)) + ")" : "";
    return Error(Errc::conflict, "the store in " + directory + " is in use by another program" + who +
                                     "; stop that program first, or let it do the work");
  }
  auto pid = std::to_string(::getpid());
  if (::ftruncate(lock.fd_, 0) != 0 || ::pwrite(lock.fd_, pid.data(), pid.size(), 0) < 0) {
    return Error(Errc::file, system_text("cannot write " + path, errno));
  }
  return lock;
}

}  // namespace lenscap::store
