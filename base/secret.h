// Octets that must not leave the process: wiped when they end, never printed, not copied by accident.
// It does NOT keep the kernel from swapping, nor a core dump from holding them: see base/private_memory.h.
#pragma once

#include <openssl/crypto.h>

#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace lenscap {

class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(Bytes bytes) : bytes_(std::move(bytes)) {}  // takes the octets
  explicit SecretBytes(std::string_view text) : bytes_(to_bytes(text)) {}
  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      wipe();
      bytes_ = std::exchange(other.bytes_, {});
    }
    return *this;
  }
  SecretBytes(SecretBytes const&) = delete;
  SecretBytes& operator=(SecretBytes const&) = delete;
  ~SecretBytes() { wipe(); }

  SecretBytes clone() const { return SecretBytes(Bytes(bytes_)); }
  ByteView view() const { return bytes_; }
  std::string_view text() const { return as_text(bytes_); }
  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }

 private:
  void wipe() {
    if (!bytes_.empty()) OPENSSL_cleanse(bytes_.data(), bytes_.size());
    bytes_.clear();
  }
  Bytes bytes_;
};

}  // namespace lenscap
