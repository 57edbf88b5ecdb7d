// A file that is open to be read at any place: it stays what it was when it was opened, whatever becomes of its name.
// It does NOT guard against who writes into the file itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace lenscap {

class OpenFile {
 public:
  static Result<OpenFile> open(std::string const& path);  // Errc::file, also for what is no regular file
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile();

  std::size_t size() const { return size_; }  // when it was opened
  int number() const { return fd_; }          // of its descriptor, which stays this object's
  // Fills `room` with the octets from `at` on. False when the disk fails, or the file ends before `room` does. Safe
  // from several threads at a time. Blocks.
  bool read_at(std::size_t at, std::span<std::uint8_t> room) const;

 private:
  OpenFile(int fd, std::size_t size) : fd_(fd), size_(size) {}
  int fd_;
  std::size_t size_;
};

}  // namespace lenscap
