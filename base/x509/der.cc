#include "base/x509/der.h"

#include <algorithm>

namespace lenscap::x509::der {

Result<Header> Reader::header() {
  if (rest_.size() < 2) return refuse("ends too early");
  std::uint8_t const tag = rest_[0];
  if ((tag & 0x1f) == 0x1f) return refuse("has a tag of several octets, which nothing here uses");
  std::size_t header = 2;
  std::size_t length = rest_[1];
  if (length == 0x80) return refuse("has an indefinite length: this is BER, not DER");
  if (length > 0x80) {
    std::size_t const count = length & 0x7f;
    if (count > 4) return refuse("has a length of more than four octets");
    if (rest_.size() < 2 + count) return refuse("ends inside a length");
    length = 0;
    for (std::size_t i = 0; i < count; ++i) length = length << 8 | rest_[2 + i];
    header += count;
    bool const minimal = length >= 0x80 && (count == 1 || length >> (8 * (count - 1)) != 0);
    if (!minimal) return refuse("has a length that is not written in the shortest way: this is BER, not DER");
  }
  rest_ = rest_.subspan(header);
  return Header{tag, length, header};
}

Result<Element> Reader::next() {
  auto const whole = rest_;
  TRY(auto const found, header());
  if (found.length > rest_.size()) {
    rest_ = whole;
    return refuse("ends inside an element");
  }
  rest_ = rest_.subspan(found.length);
  return Element{found.tag, whole.subspan(found.octets, found.length), whole.first(found.octets + found.length)};
}

Result<Element> Reader::next(std::uint8_t tag, std::string_view name) {
  if (rest_.empty()) return refuse("has no " + std::string(name));
  if (rest_[0] != tag) return refuse("has something else where its " + std::string(name) + " should be");
  return next();
}

Result<Reader> Reader::enter(std::uint8_t tag, std::string_view name) {
  TRY(auto inner, next(tag, name));
  return Reader(inner.content, code_, what_ + ", " + std::string(name));
}

namespace {

bool is_minimal_integer(ByteView content) {
  if (content.empty()) return false;
  if (content.size() == 1) return true;
  bool const top = (content[1] & 0x80) != 0;
  return !(content[0] == 0x00 && !top) && !(content[0] == 0xff && top);
}

}  // namespace

Result<ByteView> Reader::unsigned_integer(std::string_view name) {
  TRY(auto found, next(kInteger, name));
  if (!is_minimal_integer(found.content)) return refuse(std::string(name) + " is not a DER integer");
  if ((found.content[0] & 0x80) != 0) return refuse(std::string(name) + " is negative");
  return found.content[0] == 0 ? found.content.subspan(1) : found.content;
}

Result<ByteView> Reader::bit_string(std::string_view name) {
  TRY(auto found, next(kBitString, name));
  if (found.content.empty() || found.content[0] != 0) {
    return refuse(std::string(name) + " is not a bit string of whole octets");
  }
  return found.content.subspan(1);
}

Result<bool> Reader::boolean(std::string_view name) {
  TRY(auto found, next(kBoolean, name));
  if (found.content.size() != 1 || (found.content[0] != 0x00 && found.content[0] != 0xff)) {
    return refuse(std::string(name) + " is not a DER boolean");
  }
  return found.content[0] != 0;
}

Result<> Reader::end() const {
  if (!rest_.empty()) return refuse("has octets after its end");
  return {};
}

namespace {

bool is_oid(ByteView content) {
  if (content.empty() || (content.back() & 0x80) != 0) return false;
  bool first = true;  // of an arc: a leading 0x80 would be a zero digit
  for (std::uint8_t octet : content) {
    if (first && octet == 0x80) return false;
    first = (octet & 0x80) == 0;
  }
  return true;
}

Result<> check_elements(Reader reader, bool is_set, Errc code, std::string const& what, int depth) {
  if (depth > 32) return reader.refuse("is nested too deeply");
  ByteView previous;
  while (!reader.at_end()) {
    TRY(auto found, reader.next());
    bool const constructed = (found.tag & 0x20) != 0;
    bool const universal = (found.tag & 0xc0) == 0;
    if (universal) {
      unsigned const number = found.tag & 0x1f;
      bool const may_nest =
          number == 8 || number == 11 || number == 16 || number == 17;  // EXTERNAL, PDV, SEQUENCE, SET
      if (number == 0 || constructed != may_nest) return reader.refuse("has an element in a form that DER forbids");
      ByteView const c = found.content;
      bool fine = true;
      if (found.tag == kBoolean) fine = c.size() == 1 && (c[0] == 0x00 || c[0] == 0xff);
      if (found.tag == kInteger) fine = is_minimal_integer(c);
      if (found.tag == kNull) fine = c.empty();
      if (found.tag == kOid) fine = is_oid(c);
      if (found.tag == kBitString) fine = !c.empty() && c[0] <= 7 && (c.size() > 1 || c[0] == 0);
      if (!fine) return reader.refuse("has a value in a form that DER forbids");
    }
    if (is_set) {
      if (!previous.empty() &&
          std::lexicographical_compare(found.whole.begin(), found.whole.end(), previous.begin(), previous.end())) {
        return reader.refuse("has a SET that is not in DER's order");
      }
      previous = found.whole;
    }
    // [0] of a request holds a SET OF without its tag; other context tags hold what we cannot know, so no order there.
    if (constructed)
      CHECK_OK(check_elements(Reader(found.content, code, what), found.tag == kSet, code, what, depth + 1));
  }
  return {};
}

}  // namespace

Result<> check_strict(ByteView input, Errc code, std::string const& what) {
  Reader reader(input, code, what);
  TRY(auto only, reader.next());
  CHECK_OK(reader.end());
  return check_elements(Reader(only.whole, code, what), false, code, what, 0);
}

Bytes element(std::uint8_t tag, ByteView content) {
  Bytes out{tag};
  std::size_t const size = content.size();
  if (size < 0x80) {
    out.push_back(static_cast<std::uint8_t>(size));
  } else {
    int octets = 1;
    while (size >> (8 * octets) != 0) ++octets;
    out.push_back(static_cast<std::uint8_t>(0x80 | octets));
    while (octets-- > 0) out.push_back(static_cast<std::uint8_t>(size >> (8 * octets) & 0xff));
  }
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

Bytes element(std::uint8_t tag, std::initializer_list<ByteView> parts) {
  Bytes content;
  for (ByteView part : parts) content.insert(content.end(), part.begin(), part.end());
  return element(tag, ByteView(content));
}

Bytes unsigned_integer(ByteView big_endian) {
  while (!big_endian.empty() && big_endian[0] == 0) big_endian = big_endian.subspan(1);
  Bytes content;
  if (big_endian.empty() || (big_endian[0] & 0x80) != 0) content.push_back(0);
  content.insert(content.end(), big_endian.begin(), big_endian.end());
  return element(kInteger, ByteView(content));
}

Bytes bit_string(ByteView octets) {
  std::uint8_t const unused_bits = 0;
  return element(kBitString, {ByteView(&unused_bits, 1), octets});
}

}  // namespace lenscap::x509::der
