#include "acme/server/ballast.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lenscap::acme {
namespace {

// Allocated, not only long: a sparse file would hold nothing. Where it was allocated already nothing is done.
Result<> allocate(std::string const& path, std::uint64_t octets) {
  int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Error(Errc::file, path + ": " + std::strerror(errno));
  auto const length = static_cast<off_t>(octets);
  struct stat status {};
  int error = ::fstat(fd, &status) == 0 && status.st_size > length && ::ftruncate(fd, length) != 0 ? errno : EINTR;
  while (error == EINTR) error = ::posix_fallocate(fd, 0, length);
  ::close(fd);
  if (error == 0) return {};
  ::unlink(path.c_str());  // a part of it would be in the way of what it is for
  return Error(Errc::file, path + ": " + std::strerror(error));
}

}  // namespace

std::string ballast_file(std::string const& state_dir) { return state_dir + "/ballast"; }

std::uint64_t ballast_size(std::string const& state_dir) {
  struct stat status {};
  if (::lstat(ballast_file(state_dir).c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  return static_cast<std::uint64_t>(status.st_size);
}

void Ballast::look_after() {
  auto const file = ballast_file(state_dir_);
  auto const there = ballast_size(state_dir_);
  if (octets_ == 0) {
    if (there != 0 && ::unlink(file.c_str()) == 0) log_.info("ballast.removed", {{"file", file}});
    return;
  }
  bool const is_whole = there == octets_;
  if (is_whole && is_sure_) return;
  if (!is_whole && !may_put_by(room_.left(), free_min_, octets_))
    return tell_lack("there is too little room on the disk");
  if (auto const made = allocate(file, octets_); !made) return tell_lack(made.error().detail());
  if (!is_whole) log_.info("ballast.made", {{"file", file}, {"octets", octets_}});
  is_sure_ = true;
  told_lack_ = false;
}

void Ballast::tell_lack(std::string const& why) {
  is_sure_ = false;
  if (!told_lack_) log_.warning("ballast.not_made", {{"file", ballast_file(state_dir_)}, {"why", why}});
  told_lack_ = true;
}

}  // namespace lenscap::acme
