// The names that certificates carry: DNS names and IP addresses, normalised once, compared as sets.
#pragma once

#include <compare>
#include <set>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace lenscap::x509 {

// A host name in certificate form: lower-case LDH labels (A-labels checked by IDNA), no trailing dot, at most 253
// octets, labels of at most 63; a leading "*." is allowed and marks a wildcard. Single labels and private suffixes are
// fine. A name that reads as an IP address, or whose last label is all digits, is refused (8555-7.1.4-2).
class DnsName {
 public:
  static Result<DnsName> parse(std::string_view text);  // Errc::malformed; upper case is folded, not refused
  std::string const& text() const { return text_; }
  bool is_wildcard() const { return text_.starts_with("*."); }
  DnsName base() const;  // without "*."
  // Is this name `suffix` itself or below it, by whole labels? A wildcard counts as its base.
  bool is_within(DnsName const& suffix) const;
  auto operator<=>(DnsName const&) const = default;

 private:
  explicit DnsName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// An IPv4 or IPv6 address. Text is RFC 1123 2.1 dotted decimal or RFC 5952; any other spelling is refused, so are zone
// ids, brackets, leading zeros and IPv4-mapped IPv6 (8738-3-1).
class IpAddress {
 public:
  static Result<IpAddress> parse(std::string_view text);
  static Result<IpAddress> from_octets(ByteView octets);  // 4 or 16
  std::string text() const;
  ByteView octets() const { return octets_; }
  bool is_v6() const { return octets_.size() == 16; }
  std::string url_host() const;  // with brackets for IPv6
  auto operator<=>(IpAddress const&) const = default;

 private:
  explicit IpAddress(Bytes octets) : octets_(std::move(octets)) {}
  Bytes octets_;
};

// A block of addresses such as 10.20.0.0/15; host bits must be zero.
class IpBlock {
 public:
  static Result<IpBlock> parse(std::string_view text);
  static Result<IpBlock> make(IpAddress base, int bits);
  static IpBlock all_v4();
  static IpBlock all_v6();
  std::string text() const;
  IpAddress const& base() const { return base_; }
  int bits() const { return bits_; }
  bool contains(IpAddress const& address) const;
  bool contains(IpBlock const& other) const;
  auto operator<=>(IpBlock const&) const = default;

 private:
  IpBlock(IpAddress base, int bits) : base_(std::move(base)), bits_(bits) {}
  IpAddress base_;
  int bits_;
};

struct NameSet {
  std::set<DnsName> dns;
  std::set<IpAddress> ip;
  bool empty() const { return dns.empty() && ip.empty(); }
  std::size_t size() const { return dns.size() + ip.size(); }
  std::string text() const;  // "cam1.example, 10.0.0.1" for people
  bool operator==(NameSet const&) const = default;
};

}  // namespace lenscap::x509
