// Input: a type, a line end, a value. An identifier that is accepted has one spelling, which means the same to
// inet_pton as to us and to nobody both a name and an address; what is refused is told in printable text.
#include <arpa/inet.h>

#include <algorithm>

#include "acme/wire/identifier.h"

using namespace lenscap;

namespace {

// Octets of an address as the C library reads it; empty when it is none.
Bytes by_c_library(std::string const& text) {
  Bytes octets(16);
  if (inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) return octets;
  octets.resize(4);
  return inet_pton(AF_INET, text.c_str(), octets.data()) == 1 ? octets : Bytes();
}

void check_name(x509::DnsName const& name, std::string const& text) {
  if (text.empty() || text.size() > 253 || text.front() == '.' || text.back() == '.') bug("a name of no good form");
  auto const is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
  auto const rest = name.is_wildcard() ? text.substr(2) : text;
  if (name.is_wildcard() != text.starts_with("*.")) bug("a star that is no wildcard");
  if (!std::all_of(rest.begin(), rest.end(), is_plain)) bug("a name with other characters");
  if (rest.find("..") != std::string::npos) bug("an empty label");
  for (std::size_t at = 0; at <= rest.size();) {
    auto const dot = std::min(rest.find('.', at), rest.size());
    if (dot == at || dot - at > 63) bug("a label of no good size");
    at = dot + 1;
  }
  in_addr number{};
  if (!by_c_library(text).empty() || inet_aton(rest.c_str(), &number) != 0) bug("a name that is an address to others");
  if (!(name.base().is_within(name.base()) && !name.base().is_wildcard())) bug("a base that is none");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const end = std::min(text.find('\n'), text.size());
  auto const type = text.substr(0, end);
  auto const value = end == text.size() ? std::string_view() : text.substr(end + 1);

  auto const identifier = acme::Identifier::parse(type, value);
  auto const host = acme::Identifier::from_host(value);
  if (!identifier.ok()) {
    auto const known = type == "dns" || type == "ip";
    if (identifier.error().code() != (known ? Errc::malformed : Errc::unsupported_identifier)) bug("another code");
    auto const& detail = identifier.error().detail();
    if (!std::all_of(detail.begin(), detail.end(), [](char c) { return c >= ' ' && c < '\x7f'; })) bug("odd text");
    return 0;
  }
  auto const normal = identifier->value();
  auto const again = acme::Identifier::parse(type, normal);
  if (!again.ok() || *again != *identifier || again->value() != normal) bug("more than one normal form");
  if (!host.ok() || *host != *identifier) bug("a host that is something else");
  auto const read = acme::read_identifier(acme::to_json(*identifier));
  if (!read.ok() || *read != *identifier) bug("an identifier does not survive JSON");
  if (identifier->dns() != nullptr) {
    if (value.size() != normal.size()) bug("a name that became longer or shorter");
    check_name(*identifier->dns(), normal);
  } else {
    if (normal != value) bug("an address with two spellings");
    if (by_c_library(normal) != to_bytes(identifier->ip()->octets())) bug("an address that is another to others");
  }
  return 0;
}
