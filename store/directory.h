// The directory that a back end keeps its files in: made for this user alone, and held by one process at a time. Knows
// nothing of what is in it.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace lenscap::store {

// Makes the directory and those above it, as far as they are absent, for this user alone; durable when it returns.
// Errc::file.
Result<> make_directory(std::string const& path);
// May others write into it? Errc::file, saying how to change that.
Result<> check_directory(std::string const& path);
// What was made in it is there after a power cut: a library that syncs its files does not sync what names them.
Result<> sync_directory(std::string const& path);

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
