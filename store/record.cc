#include "store/record.h"

#include <cstdint>

#include "base/bytes.h"
#include "store/crc32c.h"
#include "store/overlay.h"
#include "store/store.h"

namespace lenscap::store {
namespace {

constexpr char kRecordFormat = '\x01';
constexpr std::size_t kRecordHeaderBytes = 5;

std::uint32_t checksum(std::string_view full, std::string_view payload) {
  auto crc = crc32c(as_bytes(std::string_view(&kRecordFormat, 1)));
  crc = crc32c(as_bytes(full), crc);
  return crc32c(as_bytes(payload), crc);
}

}  // namespace

std::string encode_record(std::string_view full, std::string_view payload) {
  auto crc = checksum(full, payload);
  std::string record(1, kRecordFormat);
  record.reserve(kRecordHeaderBytes + payload.size());
  for (int shift = 0; shift < 32; shift += 8) record += static_cast<char>(crc >> shift & 0xff);
  record += payload;
  return record;
}

namespace {

// "orders 'abc'", with octets that are no printable characters as \xNN.
std::string describe(std::string_view full) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text(table_of(full));
  text += " '";
  for (char c : key_of(full)) {
    auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet < 0x7f) {
      text += c;
    } else {
      text.append("\\x").append(1, kHex[octet >> 4]).append(1, kHex[octet & 15]);
    }
  }
  return text + "'";
}

}  // namespace

std::string_view decode_record(std::string_view full, std::string_view record) {
  if (record.size() < kRecordHeaderBytes || record[0] != kRecordFormat) {
    throw Broken("the store is damaged: record " + describe(full) + " has an unknown form; restore a back-up");
  }
  std::uint32_t stored = 0;
  for (std::size_t i = 0; i < 4; ++i) stored |= std::uint32_t{static_cast<unsigned char>(record[1 + i])} << (8 * i);
  auto payload = record.substr(kRecordHeaderBytes);
  if (stored != checksum(full, payload)) {
    throw Broken("the store is damaged: the checksum of record " + describe(full) + " is wrong; restore a back-up");
  }
  return payload;
}

}  // namespace lenscap::store
