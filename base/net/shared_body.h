// The body of answers that many share and none copies, such as a large list: in memory, or in a file that is open.
#pragma once

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/open_file.h"

namespace lenscap::net {

class SharedBody {
 public:
  SharedBody() = default;  // none
  explicit SharedBody(std::shared_ptr<Bytes const> octets) : octets_(std::move(octets)) {}
  explicit SharedBody(std::shared_ptr<OpenFile const> file) : file_(std::move(file)) {}

  explicit operator bool() const { return octets_ || file_; }
  std::size_t size() const;
  bool is_in_memory() const { return octets_ != nullptr; }

  // The octets from `at` on, which is below size(): as many as are sent at a time, so at least one. They stay as long
  // as the body and `room` do, which is where those of a file are put. None: the file cannot be read, or has been cut.
  // Of a file it blocks.
  std::optional<ByteView> piece(std::size_t at, Bytes& room) const;

 private:
  std::shared_ptr<Bytes const> octets_;
  std::shared_ptr<OpenFile const> file_;
};

}  // namespace lenscap::net
