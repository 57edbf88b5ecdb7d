#include "base/x509/name.h"

#include <arpa/inet.h>
#include <idn2.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace lenscap::x509 {
namespace {

constexpr std::size_t kNameOctetsMax = 253;  // RFC 1035 3.1: 255 in wire form
constexpr std::size_t kLabelOctetsMax = 63;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

// Text from outside, fit for an error: bounded, printable.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (char c : text.substr(0, 80)) out += c >= 0x20 && c < 0x7f ? c : '?';
  if (text.size() > 80) out += "...";
  return out + "'";
}

Error bad_name(std::string_view text, std::string_view why) {
  return {Errc::malformed, quoted(text) + " is not a DNS name: " + std::string(why)};
}

struct FreeIdn {
  void operator()(char* text) const { idn2_free(text); }
};
using IdnText = std::unique_ptr<char, FreeIdn>;

// An A-label is right when it decodes to Unicode that IDNA 2008 encodes to the same A-label (8555-7.1.4-2). That
// refuses bad punycode, code points that IDNA forbids, upper case, and an "A-label" of plain ASCII.
bool is_a_label(std::string const& label) {
  char* unicode = nullptr;
  if (idn2_to_unicode_8z8z(label.c_str(), &unicode, IDN2_NO_TR46) != IDN2_OK) return false;
  IdnText const decoded(unicode);
  unsigned char* again = nullptr;
  if (idn2_lookup_u8(reinterpret_cast<unsigned char const*>(decoded.get()), &again, IDN2_NO_TR46) != IDN2_OK) {
    return false;
  }
  IdnText const encoded(reinterpret_cast<char*>(again));
  return decoded.get() != label && encoded.get() == label;
}

Result<> check_label(std::string const& label, std::string_view text) {
  if (label.empty()) return bad_name(text, "it has an empty label (a dot too many, at its start or end?)");
  if (label.size() > kLabelOctetsMax) return bad_name(text, "a label has more than 63 characters");
  for (char c : label) {
    if (!is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-') {
      return bad_name(text, "only letters, digits, hyphens and dots are allowed, and '*.' at the start");
    }
  }
  if (label.front() == '-' || label.back() == '-') return bad_name(text, "a label begins or ends with a hyphen");
  if (label.starts_with("xn--")) {
    if (!is_a_label(label)) return bad_name(text, "'" + label + "' is not a valid internationalised label (IDNA 2008)");
  } else if (label.size() >= 4 && label[2] == '-' && label[3] == '-') {
    return bad_name(text, "a label with hyphens in third and fourth place is reserved (RFC 5890)");
  }
  return {};
}

// Would some resolver or URL parser take a name with this last label for an address? ("10.1", "0x7f000001")
bool ends_in_number(std::string_view last_label) {
  if (std::all_of(last_label.begin(), last_label.end(), is_digit)) return true;
  if (!last_label.starts_with("0x")) return false;
  auto const rest = last_label.substr(2);
  return std::all_of(rest.begin(), rest.end(), is_hex_digit);
}

}  // namespace

Result<DnsName> DnsName::parse(std::string_view text) {
  if (text.empty()) return Error(Errc::malformed, "a DNS name is empty");
  if (text.size() > kNameOctetsMax) return bad_name(text, "it has more than 253 characters");
  std::string name(text);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  std::size_t begin = name.starts_with("*.") ? 2 : 0;
  std::string label;
  for (;;) {
    std::size_t const dot = name.find('.', begin);
    label = name.substr(begin, dot == std::string::npos ? dot : dot - begin);
    CHECK_OK(check_label(label, text));
    if (dot == std::string::npos) break;
    begin = dot + 1;
  }
  if (ends_in_number(label)) return bad_name(text, "it reads as an IP address; use type 'ip' for an address");
  return DnsName(std::move(name));
}

DnsName DnsName::base() const { return is_wildcard() ? DnsName(text_.substr(2)) : *this; }

bool DnsName::is_within(DnsName const& suffix) const {
  std::string_view name = text_;
  if (is_wildcard()) name.remove_prefix(2);
  std::string_view const end = suffix.text_;
  if (!name.ends_with(end)) return false;
  return name.size() == end.size() || name[name.size() - end.size() - 1] == '.';
}

namespace {

bool is_v4_mapped(ByteView octets) {
  static constexpr std::array<std::uint8_t, 12> kPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return octets.size() == 16 && std::equal(kPrefix.begin(), kPrefix.end(), octets.begin());
}

// RFC 5952 section 4: lower case, no leading zeros, "::" for the first longest run of two or more zero groups. Unlike
// inet_ntop it never writes dotted decimal.
std::string v6_text(ByteView octets) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = static_cast<unsigned>(octets[2 * i]) << 8 | octets[2 * i + 1];
  std::size_t run_begin = 8;
  std::size_t run_size = 1;  // one zero group is written out
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > run_size) {
      run_begin = i;
      run_size = end - i;
    }
    i = end + 1;
  }
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == run_begin) {
      out += "::";
      i += run_size - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    char group[8];
    std::snprintf(group, sizeof group, "%x", groups[i]);
    out += group;
  }
  return out;
}

}  // namespace

Result<IpAddress> IpAddress::from_octets(ByteView octets) {
  if (octets.size() != 4 && octets.size() != 16) {
    return Error(Errc::malformed, "an IP address has 4 or 16 octets, not " + std::to_string(octets.size()));
  }
  if (is_v4_mapped(octets)) {
    return Error(Errc::malformed, "an IPv4-mapped IPv6 address is not accepted; use the IPv4 address");
  }
  return IpAddress(to_bytes(octets));
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() > 45 || text.find('\0') != std::string_view::npos) {
    return Error(Errc::malformed, quoted(text) + " is not an IP address");
  }
  std::string const copy(text);
  std::array<std::uint8_t, 16> octets{};
  ByteView found;
  if (inet_pton(AF_INET, copy.c_str(), octets.data()) == 1) {
    found = ByteView(octets).first(4);
  } else if (inet_pton(AF_INET6, copy.c_str(), octets.data()) == 1) {
    found = octets;
  } else {
    return Error(Errc::malformed, quoted(text) + " is not an IP address (neither 192.0.2.1 nor 2001:db8::1 in form)");
  }
  auto address = from_octets(found);
  if (!address.ok()) return std::move(address).error().with_context(quoted(text) + ": ");
  // inet_pton takes several spellings of an IPv6 address; only RFC 5952's is an identifier (RFC 8738 section 3).
  if (address->text() != text) {
    return Error(Errc::malformed, quoted(text) + " is not in the usual spelling; write " + address->text());
  }
  return address;
}

std::string IpAddress::text() const {
  if (is_v6()) return v6_text(octets_);
  std::string out = std::to_string(octets_[0]);
  for (std::size_t i = 1; i < 4; ++i) out.append(1, '.').append(std::to_string(octets_[i]));
  return out;
}

std::string IpAddress::url_host() const { return is_v6() ? "[" + text() + "]" : text(); }

namespace {

// The octets with all bits after the first `bits` cleared.
Bytes masked(ByteView octets, int bits) {
  Bytes out = to_bytes(octets);
  for (std::size_t i = 0; i < out.size(); ++i) {
    int const keep = std::clamp(bits - static_cast<int>(8 * i), 0, 8);
    out[i] = static_cast<std::uint8_t>(out[i] & (0xff00U >> keep));
  }
  return out;
}

}  // namespace

Result<IpBlock> IpBlock::make(IpAddress base, int bits) {
  int const most = base.is_v6() ? 128 : 32;
  if (bits < 0 || bits > most) {
    return Error(Errc::malformed, "a prefix length for " + base.text() + " is 0 to " + std::to_string(most));
  }
  Bytes const network = masked(base.octets(), bits);
  if (!std::equal(network.begin(), network.end(), base.octets().begin())) {
    std::string const prefix = "/" + std::to_string(bits);
    auto const fixed = IpAddress::from_octets(network);
    return Error(Errc::malformed, base.text() + prefix + " has bits set after the prefix; " +
                                      (fixed.ok() ? "is " + fixed->text() + prefix + " meant?" : "clear them"));
  }
  return IpBlock(std::move(base), bits);
}

Result<IpBlock> IpBlock::parse(std::string_view text) {
  std::size_t const slash = text.find('/');
  if (slash == std::string_view::npos) {
    TRY(auto address, IpAddress::parse(text));
    return Error(Errc::malformed, address.text() + " has no prefix length; for this one address write " +
                                      address.text() + (address.is_v6() ? "/128" : "/32"));
  }
  TRY(auto base, IpAddress::parse(text.substr(0, slash)));
  auto const digits = text.substr(slash + 1);
  bool const plain = !digits.empty() && digits.size() <= 3 && std::all_of(digits.begin(), digits.end(), is_digit) &&
                     (digits.size() == 1 || digits[0] != '0');
  if (!plain) return Error(Errc::malformed, quoted(text) + " has no prefix length as in 10.20.0.0/15");
  return make(std::move(base), std::atoi(std::string(digits).c_str()));
}

IpBlock IpBlock::all_v4() { return {IpAddress::from_octets(Bytes(4)).value(), 0}; }
IpBlock IpBlock::all_v6() { return {IpAddress::from_octets(Bytes(16)).value(), 0}; }

std::string IpBlock::text() const { return base_.text() + "/" + std::to_string(bits_); }

bool IpBlock::contains(IpAddress const& address) const {
  if (address.is_v6() != base_.is_v6()) return false;
  Bytes const network = masked(address.octets(), bits_);
  return std::equal(network.begin(), network.end(), base_.octets().begin());
}

bool IpBlock::contains(IpBlock const& other) const { return other.bits_ >= bits_ && contains(other.base_); }

std::string NameSet::text() const {
  std::string out;
  for (auto const& name : dns) out += (out.empty() ? "" : ", ") + name.text();
  for (auto const& address : ip) out += (out.empty() ? "" : ", ") + address.text();
  return out;
}

}  // namespace lenscap::x509
