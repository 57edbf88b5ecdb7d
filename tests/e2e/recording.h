// What recorder.cc writes down, and what of it a power cut may leave.
#pragma once

#include <cstdint>

namespace lenscap::e2e {

// The head of an entry, as it stands in memory; `length` octets follow.
struct Entry {
  static constexpr std::uint8_t kWrite = 1, kSync = 2, kTruncate = 3;
  static constexpr std::uint8_t kStore = 1, kLedger = 2;

  std::uint8_t kind = 0;
  std::uint8_t file = 0;
  bool is_durable = false;  // of a write: the file is open with O_DSYNC
  std::uint8_t unused = 0;
  std::uint32_t length = 0;  // of a write
  std::uint64_t offset = 0;  // of a write; of a truncation: the file's new length
};

}  // namespace lenscap::e2e
