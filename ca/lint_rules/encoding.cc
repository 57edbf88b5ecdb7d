// Lint of the encoding: strict DER, the version, and the form of times.
#include "ca/lint_rules/rules.h"

namespace lenscap::ca::linting {

std::string hex_of(ASN1_STRING const* text) {
  return to_hex({ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))});
}

ByteView octets_of(ASN1_STRING const* text) {
  return {ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))};
}

bool take_element(ByteView& rest, Element& out) {
  if (rest.size() < 2 || (rest[0] & 0x1f) == 0x1f) return false;
  out.tag = rest[0];
  std::size_t length = rest[1];
  std::size_t header = 2;
  if (length >= 0x80) {
    std::size_t const count = length - 0x80;
    if (count == 0 || count > 3 || rest.size() < 2 + count || rest[2] == 0) return false;
    length = 0;
    for (std::size_t i = 0; i < count; ++i) length = length << 8 | rest[2 + i];
    if (length < 0x80) return false;
    header += count;
  }
  if (rest.size() - header < length) return false;
  out.content = rest.subspan(header, length);
  rest = rest.subspan(header + length);
  return true;
}

Time time_of(ASN1_TIME const* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return Time::min();
  return from_unix(timegm(&parts));
}

namespace {

bool is_strict_element(Element const& element, int depth) {
  constexpr int kDepthMax = 16;
  if (depth > kDepthMax) return false;
  if ((element.tag & 0x20) != 0) {
    for (ByteView rest = element.content; !rest.empty();) {
      Element inner;
      if (!take_element(rest, inner) || !is_strict_element(inner, depth + 1)) return false;
    }
    return true;
  }
  switch (element.tag) {
    case 0x01:  // BOOLEAN: FALSE is never written, since everywhere it is the default
      return element.content.size() == 1 && element.content[0] == 0xff;
    case 0x02: {  // INTEGER: shortest form
      if (element.content.empty()) return false;
      if (element.content.size() == 1) return true;
      bool const negative = (element.content[1] & 0x80) != 0;
      return !(element.content[0] == 0 && !negative) && !(element.content[0] == 0xff && negative);
    }
    case 0x03: {  // BIT STRING: the bits that do not count are zero
      if (element.content.empty()) return false;
      unsigned const unused = element.content[0];
      if (unused > 7 || (element.content.size() == 1 && unused != 0)) return false;
      return (element.content.back() & ((1U << unused) - 1)) == 0 || element.content.size() == 1;
    }
    default:
      return true;
  }
}

// UTCTime to 2049, GeneralizedTime from 2050; seconds, Z, no fraction.
bool is_profiled_time(ASN1_TIME const* time) {
  ByteView const text = octets_of(time);
  bool const late = time_of(time) >= from_unix(2524608000);  // 2050-01-01T00:00:00Z
  if (ASN1_STRING_type(time) != (late ? V_ASN1_GENERALIZEDTIME : V_ASN1_UTCTIME)) return false;
  return text.size() == (late ? 15u : 13u) && text.back() == 'Z' &&
         std::all_of(text.begin(), text.end() - 1, [](std::uint8_t c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Finding rule_4_1_der(Octets const& octets) {
  ByteView rest = octets.tbs;
  Element tbs;
  if (!take_element(rest, tbs) || tbs.tag != 0x30 || !is_strict_element(tbs, 0)) return "is not strict DER";
  if (!rest.empty()) return "has octets after its end";
  // Each extension's value is DER of its own.
  for (int i = 0; i < X509_get_ext_count(octets.certificate); ++i) {
    ByteView value = octets_of(X509_EXTENSION_get_data(X509_get_ext(octets.certificate, i)));
    Element inner;
    if (!take_element(value, inner) || !value.empty() || !is_strict_element(inner, 0))
      return "the value of extension " + std::to_string(i + 1) + " is not strict DER";
  }
  Bytes const again = ossl::to_der(octets.certificate, i2d_re_X509_tbs);
  if (!same(again, octets.tbs)) return "encodes differently when OpenSSL writes it again";
  return kFine;
}

Finding rule_4_1_2_1_version(Octets const& octets) {
  if (X509_get_version(octets.certificate) != X509_VERSION_3) return "version is not 3";
  return kFine;
}

Finding rule_4_1_2_5_time_form(Octets const& octets) {
  if (!is_profiled_time(X509_get0_notBefore(octets.certificate))) return "notBefore is in the wrong form";
  if (!is_profiled_time(X509_get0_notAfter(octets.certificate))) return "notAfter is in the wrong form";
  return kFine;
}

}  // namespace lenscap::ca::linting
