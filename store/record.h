// What a back end that has no checksums of its own keeps as the value of a pair: a format octet, the CRC-32C of format
// octet, key and payload (four octets, little endian), and the payload. Pure.
#pragma once

#include <string>
#include <string_view>

namespace lenscap::store {

// `full` is the key with its table (table.h): a record under another key does not pass for this one's.
std::string encode_record(std::string_view full, std::string_view payload);

// The payload, still inside `record`. Throws Broken, with the table and the key, when this is not what was written.
std::string_view decode_record(std::string_view full, std::string_view record);

}  // namespace lenscap::store
