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

std::string parent_of(std::string const& path) {
  auto slash = path.find_last_of('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<> sync_directory(std::string const& path) {
  int const fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int const error = fd < 0 || ::fsync(fd) != 0 ? errno : 0;
  if (fd >= 0) ::close(fd);
  if (error != 0) return Error(Errc::file, system_text("cannot sync directory " + path, error));
  return {};
}

Result<> make_directory(std::string const& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return sync_directory(parent_of(path));
  if (errno == ENOENT && parent_of(path) != path) {
    CHECK_OK(make_directory(parent_of(path)));
    if (::mkdir(path.c_str(), 0700) == 0) return sync_directory(parent_of(path));
  }
  if (errno != EEXIST) return Error(Errc::file, system_text("cannot make the store's directory " + path, errno));
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Error(Errc::file, system_text("cannot look at " + path, errno));
  if (!S_ISDIR(info.st_mode)) return Error(Errc::file, "the store's directory " + path + " is a file");
  return {};
}

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
