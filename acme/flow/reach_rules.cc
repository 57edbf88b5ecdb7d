#include "acme/flow/reach_rules.h"

#include <algorithm>
#include <array>

namespace lenscap::acme {
namespace {

template <std::size_t kCount>
std::array<x509::IpBlock, kCount> blocks(std::array<char const*, kCount> const& texts) {
  return [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    return std::array<x509::IpBlock, kCount>{x509::IpBlock::parse(texts[kIndex]).value()...};
  }
  (std::make_index_sequence<kCount>());
}

auto const& never() {
  static auto const list = blocks(std::to_array<char const*>({
      "0.0.0.0/8",       // "this network"; a connection to 0.0.0.0 ends at the machine itself
      "224.0.0.0/4",     // multicast
      "240.0.0.0/4",     // reserved, broadcast
      "::/96",           // unspecified and IPv4-compatible; ::1 is looked at before
      "64:ff9b::/96",    // NAT64 (RFC 6052)
      "64:ff9b:1::/48",  // NAT64 of the local network (RFC 8215)
      "2001::/32",       // Teredo
      "2002::/16",       // 6to4
      "ff00::/8",        // multicast
  }));
  return list;
}

auto const& only_if_named() {
  static auto const list =
      blocks(std::to_array<char const*>({"127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10"}));
  return list;
}

}  // namespace

bool may_contact(x509::IpAddress const& address, std::vector<x509::IpBlock> const& may_reach) {
  for (auto const& special : only_if_named()) {
    if (!special.contains(address)) continue;
    return std::any_of(may_reach.begin(), may_reach.end(),
                       [&](auto const& block) { return special.contains(block) && block.contains(address); });
  }
  auto const holds = [&](auto const& block) { return block.contains(address); };
  if (std::any_of(never().begin(), never().end(), holds)) return false;
  return std::any_of(may_reach.begin(), may_reach.end(), holds);
}

}  // namespace lenscap::acme
