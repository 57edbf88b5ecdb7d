// The directory that a back end keeps its files in: closed to others, and held by one process at a time. Knows nothing
// of what is in it.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace lenscap::store {

// May others write into it? Errc::file, saying how to change that.
Result<> check_directory(std::string const& path);

// Held as long as a store is open; the kernel lets go of it when the process dies.
class DirectoryLock {
 public:
  // Errc::conflict: another process has it, and which.
  static Result<DirectoryLock> take(std::string const& directory);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&&) = delete;

  int fd() const { return fd_; }  // of a file in the directory

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace lenscap::store
