// The parts of a message between the front end and the signer (issuer_messages.h) as octets: numbers of a fixed width,
// counted octets, times. It does NOT know any message.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/result.h"
#include "base/time.h"

namespace lenscap::ca::parts {

inline constexpr std::size_t kLengthOctets = 4;  // of a frame, before the type
inline constexpr long long kYear10000 = 253'402'300'800;

// Makes a frame: the length of what follows, the type, the parts.
class Writer {
 public:
  explicit Writer(std::uint8_t type, std::size_t expected = 1024) {
    octets_.reserve(kLengthOctets + 1 + expected);
    octets_.resize(kLengthOctets);
    octets_.push_back(type);
  }
  void number(std::uint64_t value, int octets = 8) {
    for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8)
      octets_.push_back(static_cast<std::uint8_t>(value >> shift & 0xff));
  }
  void time(Time value) { number(static_cast<std::uint64_t>(to_unix(value))); }
  void optional_time(std::optional<Time> const& value) {
    number(value ? 1 : 0, 1);
    if (value) time(*value);
  }
  void fixed(ByteView view) { octets_.insert(octets_.end(), view.begin(), view.end()); }
  void counted(ByteView view) {
    number(view.size(), 4);
    fixed(view);
  }
  void text(std::string_view view) { counted(as_bytes(view)); }
  // `behind`: octets of the same frame that whoever sends it has elsewhere.
  Bytes frame(std::size_t behind = 0) && {
    auto const length = octets_.size() - kLengthOctets + behind;
    for (std::size_t i = 0; i < kLengthOctets; ++i)
      octets_[i] = static_cast<std::uint8_t>(length >> 8 * (kLengthOctets - 1 - i) & 0xff);
    return std::move(octets_);
  }

 private:
  Bytes octets_;
};

// The first thing that is wrong is remembered and everything after it reads as nothing, so that a message is read in
// one go and asked at its end.
class Reader {
 public:
  Reader(ByteView message, std::uint8_t type) : rest_(message) {
    if (number(1) != type) fail("another type");
  }

  std::uint64_t number(std::size_t octets = 8) {
    std::uint64_t value = 0;
    for (std::uint8_t const octet : fixed(octets)) value = value << 8 | octet;
    return value;
  }
  bool flag() {
    auto const value = number(1);
    if (value > 1) fail("a flag that is neither 0 nor 1");
    return value == 1;
  }
  Time time() {
    auto const value = static_cast<long long>(number());
    if (value < 0 || value >= kYear10000) fail("a time outside the years that can be written");
    return from_unix(good() ? value : 0);
  }
  std::optional<Time> optional_time() { return flag() ? std::optional(time()) : std::nullopt; }
  ByteView fixed(std::size_t octets) {
    if (octets > rest_.size()) fail("too short");
    if (!good()) return {};
    auto const view = rest_.first(octets);
    rest_ = rest_.subspan(octets);
    return view;
  }
  ByteView counted(std::size_t most) {
    auto const size = static_cast<std::size_t>(number(4));
    if (size > most) fail("a part that is too long");
    return good() ? fixed(size) : ByteView();
  }
  std::string text(std::size_t most) { return std::string(as_text(counted(most))); }
  Sha256 hash() {
    Sha256 value{};
    std::ranges::copy(fixed(value.size()), value.begin());
    return value;
  }
  ByteView rest() { return std::exchange(rest_, {}); }

  void fail(char const* why) {
    if (why_ == nullptr) why_ = why;
  }
  bool good() const { return why_ == nullptr; }
  Result<> end() {
    if (!rest_.empty()) fail("octets behind its end");
    if (!good()) return Error(Errc::malformed, std::string("a message for the signer: ") + why_);
    return {};
  }

 private:
  ByteView rest_;
  char const* why_ = nullptr;
};

}  // namespace lenscap::ca::parts
