// Strict DER (X.690 section 10 and 11): a reader that refuses what BER allows beyond it, and a small writer.
// For the few structures that we take apart or build ourselves: requests, public keys, name constraints. Everything a
// Reader gives borrows from the octets it was made on. It knows one-octet tags only, which is all that PKIX uses.
#pragma once

#include <initializer_list>
#include <string>

#include "base/bytes.h"

namespace lenscap::x509::der {

// Identifier octets.
constexpr std::uint8_t kBoolean = 0x01;
constexpr std::uint8_t kInteger = 0x02;
constexpr std::uint8_t kBitString = 0x03;
constexpr std::uint8_t kOctetString = 0x04;
constexpr std::uint8_t kNull = 0x05;
constexpr std::uint8_t kOid = 0x06;
constexpr std::uint8_t kUtf8String = 0x0c;
constexpr std::uint8_t kPrintableString = 0x13;
constexpr std::uint8_t kSequence = 0x30;
constexpr std::uint8_t kSet = 0x31;
constexpr std::uint8_t context(unsigned number) { return static_cast<std::uint8_t>(0x80 | number); }
constexpr std::uint8_t context_constructed(unsigned number) { return static_cast<std::uint8_t>(0xa0 | number); }

struct Element {
  std::uint8_t tag = 0;
  ByteView content;
  ByteView whole;  // with tag and length
};

// The first octets of an element.
struct Header {
  std::uint8_t tag = 0;
  std::size_t length = 0;  // of the content
  std::size_t octets = 0;  // of the header itself
};

// Reads one element after the other. Every refusal carries `code` and a text that begins with `what`.
class Reader {
 public:
  Reader(ByteView octets, Errc code, std::string what) : rest_(octets), code_(code), what_(std::move(what)) {}

  bool at_end() const { return rest_.empty(); }
  bool next_is(std::uint8_t tag) const { return !rest_.empty() && rest_[0] == tag; }

  // Steps into the next element without need of its content, which may be still to come.
  Result<Header> header();
  Result<Element> next();                                         // any tag
  Result<Element> next(std::uint8_t tag, std::string_view name);  // this tag
  Result<Reader> enter(std::uint8_t tag, std::string_view name);  // a reader over the content
  Result<ByteView> unsigned_integer(std::string_view name);       // big-endian, no leading zero; zero is empty
  Result<ByteView> bit_string(std::string_view name);             // whole octets only
  Result<bool> boolean(std::string_view name);                    // 0x00 or 0xff
  Result<> end() const;                                           // refuses left-over octets
  ByteView rest() const { return rest_; }
  Error refuse(std::string_view why) const { return {code_, what_ + ": " + std::string(why)}; }

 private:
  ByteView rest_;
  Errc code_;
  std::string what_;
};

// Is the input exactly one element, DER all the way down (lengths, constructed bits, booleans, integers, object
// identifiers, order of SETs)? Octets inside primitive elements are not looked into. At most 32 levels.
Result<> check_strict(ByteView input, Errc code, std::string const& what);

Bytes element(std::uint8_t tag, ByteView content);
Bytes element(std::uint8_t tag, std::initializer_list<ByteView> parts);
Bytes unsigned_integer(ByteView big_endian);
Bytes bit_string(ByteView octets);

}  // namespace lenscap::x509::der
