// Octets that somebody has tampered with: messages between front end and signer, field by field and octet by octet, and
// DER whose frames stay whole while what is in them does not.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "base/bytes.h"

namespace lenscap::ca::test {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  std::size_t roll(std::size_t sides) { return std::uniform_int_distribution<std::size_t>(0, sides - 1)(random_); }
  bool once_in(std::size_t times) { return roll(times) == 0; }
  template <class T>
  T const& one_of(std::vector<T> const& all) {
    return all[roll(all.size())];
  }
  std::uint8_t octet() { return static_cast<std::uint8_t>(roll(256)); }

 private:
  std::mt19937_64 random_;
};

inline Bytes big_endian(std::uint64_t value, int octets) {
  Bytes out;
  for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift & 0xff));
  return out;
}
inline Bytes joined(std::vector<Bytes> const& parts) {
  Bytes out;
  for (auto const& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}
inline Bytes in_frame(Bytes const& message) { return joined({big_endian(message.size(), 4), message}); }

// What a length is when it lies: nothing, all there is, one beside the right one, and where signs turn over.
inline std::uint32_t lying_length(Dice& dice, std::size_t right) {
  auto const length = static_cast<std::uint32_t>(right);
  static std::vector<std::uint32_t> const kExtremes{0,          1,          0xff,       0xffff,    0x40000,
                                                    0x7fffffff, 0x80000000, 0xfffffffb, 0xffffffff};
  if (dice.once_in(2)) return dice.one_of(kExtremes);
  return dice.once_in(2) ? length + 1 : length - 1;
}

// --- messages ---

// A message in pieces, each a number or counted octets with their count, as issuer_messages.h writes them: read here
// once more, so that also a message that is none comes apart somehow. Put together again the pieces are the message.
inline std::vector<Bytes> fields_of(Bytes const& message) {
  constexpr std::uint8_t kCertificate = 2;
  std::vector<Bytes> fields;
  std::size_t at = 0;
  auto const take = [&](std::size_t octets) {
    auto const end = at + std::min(octets, message.size() - at);
    fields.emplace_back(message.begin() + static_cast<std::ptrdiff_t>(at),
                        message.begin() + static_cast<std::ptrdiff_t>(end));
    at = end;
  };
  auto const number_at = [&](std::size_t begin, std::size_t octets) {
    std::size_t value = 0;
    for (std::size_t i = begin; i < std::min(begin + octets, message.size()); ++i) value = value << 8 | message[i];
    return value;
  };
  auto const counted = [&] { take(4 + number_at(at, 4)); };
  auto const optional_time = [&] { take(number_at(at, 1) == 1 ? 9 : 1); };
  auto const list = [&] {
    auto const count = std::min<std::size_t>(number_at(at, 2), 200);
    take(2);
    for (std::size_t i = 0; i < count; ++i) counted();
  };
  take(1);    // type
  take(8);    // id
  counted();  // issuer
  if (!message.empty() && message[0] == kCertificate) {
    counted();  // profile
    take(32);   // its hash
    counted();  // serial
    take(8);    // time
    optional_time();
    optional_time();
    counted();  // common name
    counted();  // key
    list();
    list();
  }
  take(message.size() - at);
  std::erase_if(fields, [](Bytes const& field) { return field.empty(); });
  return fields;
}

// Whole fields twice, gone, exchanged, cut, with a count that lies, or from another message.
inline void spoil_fields(Dice& dice, Bytes& message, Bytes const& other) {
  auto fields = fields_of(message);
  auto const strange = fields_of(other);
  if (fields.empty()) return;
  auto const place = dice.roll(fields.size());
  auto const at = fields.begin() + static_cast<std::ptrdiff_t>(place);
  switch (dice.roll(7)) {
    case 0:
      fields.insert(at, Bytes(*at));
      break;
    case 1:
      fields.erase(at);
      break;
    case 2:
      std::swap(*at, fields[dice.roll(fields.size())]);
      break;
    case 3:
      at->resize(dice.roll(at->size() + 1));
      break;
    case 4:  // the message ends here
      fields.erase(at, fields.end());
      break;
    case 5:
      if (at->size() > 4) std::ranges::copy(big_endian(lying_length(dice, at->size() - 4), 4), at->begin());
      break;
    default:  // the same field of another message: its issuer, its profile's hash, its names
      if (place < strange.size()) *at = strange[place];
  }
  message = joined(fields);
}

// Some octets changed, taken away, put in, or taken from another message.
inline void spoil_octets(Dice& dice, Bytes& message, Bytes const& other) {
  for (auto times = dice.roll(3) + 1; times > 0 && !message.empty(); --times) {
    auto const at = message.begin() + static_cast<std::ptrdiff_t>(dice.roll(message.size()));
    auto const rest = static_cast<std::size_t>(message.end() - at);
    switch (dice.roll(7)) {
      case 0:
        *at = dice.octet();
        break;
      case 1:
        *at = static_cast<std::uint8_t>(*at ^ 1U << dice.roll(8));
        break;
      case 2:
        message.erase(at, at + static_cast<std::ptrdiff_t>(std::min(dice.roll(8) + 1, rest)));
        break;
      case 3:
        message.insert(at, dice.roll(4) + 1, dice.octet());
        break;
      case 4: {  // a piece twice
        Bytes const piece(at, at + static_cast<std::ptrdiff_t>(std::min(dice.roll(40) + 1, rest)));
        message.insert(at, piece.begin(), piece.end());
        break;
      }
      case 5:  // a whole frame behind it, or in it
        message = joined({dice.once_in(2) ? message : Bytes(message.begin(), at), in_frame(other)});
        break;
      default:
        if (other.empty()) break;
        message.erase(at, message.end());
        message.insert(message.end(), other.begin() + static_cast<std::ptrdiff_t>(dice.roll(other.size())),
                       other.end());
    }
  }
}

// --- DER ---

inline Bytes der_element(std::uint8_t tag, Bytes const& content) {
  Bytes out{tag};
  if (content.size() < 0x80) {
    out.push_back(static_cast<std::uint8_t>(content.size()));
  } else {
    Bytes length = big_endian(content.size(), 4);
    length.erase(length.begin(), std::ranges::find_if(length, [](std::uint8_t octet) { return octet != 0; }));
    out.push_back(static_cast<std::uint8_t>(0x80 | length.size()));
    out.insert(out.end(), length.begin(), length.end());
  }
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

// The elements in `octets`, each with tag and length; empty when they are no row of elements.
inline std::vector<Bytes> der_elements(Bytes const& octets) {
  std::vector<Bytes> elements;
  for (std::size_t at = 0; at < octets.size();) {
    if (at + 2 > octets.size()) return {};
    std::size_t length = octets[at + 1], header = 2;
    if (length > 0x84) return {};
    if (length >= 0x80) {
      header += length - 0x80;
      if (at + header > octets.size()) return {};
      length = 0;
      for (std::size_t i = at + 2; i < at + header; ++i) length = length << 8 | octets[i];
    }
    if (length > octets.size() - at - header) return {};
    auto const begin = octets.begin() + static_cast<std::ptrdiff_t>(at);
    elements.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(header + length));
    at += header + length;
  }
  return elements;
}

inline Bytes der_content(Bytes const& element) {
  std::size_t const header = element[1] < 0x80 ? 2 : 2 + (element[1] - 0x80U);
  return {element.begin() + static_cast<std::ptrdiff_t>(header), element.end()};
}

// Somewhere in it an element is twice, gone, at another's place, empty, or replaced by one of `other` that stands at
// the same place there; lengths are right all the way up.
inline Bytes restructured(Dice& dice, Bytes const& element, Bytes const& other) {
  constexpr std::uint8_t kConstructed = 0x20;
  auto children = (element[0] & kConstructed) != 0 ? der_elements(der_content(element)) : std::vector<Bytes>{};
  if (children.empty()) return element;
  auto const strange = other.empty() ? std::vector<Bytes>{} : der_elements(der_content(other));
  auto const place = dice.roll(children.size());
  auto const at = children.begin() + static_cast<std::ptrdiff_t>(place);
  Bytes const beside = place < strange.size() ? strange[place] : Bytes{};
  bool const has_children = ((*at)[0] & kConstructed) != 0 && !der_content(*at).empty();
  if (has_children && !dice.once_in(3)) {
    *at = restructured(dice, *at, beside);
    return der_element(element[0], joined(children));
  }
  switch (dice.roll(6)) {
    case 0:
      children.insert(at, Bytes(*at));
      break;
    case 1:
      children.erase(at);
      break;
    case 2:
      std::swap(*at, children[dice.roll(children.size())]);
      break;
    case 3:
      *at = der_element((*at)[0], {});
      break;
    case 4:
      children.insert(at, {0x05, 0x00});  // NULL
      break;
    default:
      if (!beside.empty()) *at = beside;
  }
  return der_element(element[0], joined(children));
}

}  // namespace lenscap::ca::test
