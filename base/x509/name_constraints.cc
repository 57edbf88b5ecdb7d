#include "base/x509/name_constraints.h"

#include <algorithm>
#include <bit>

#include "base/x509/der.h"

namespace lenscap::x509 {

NameConstraints NameConstraints::permit_only(std::vector<DnsName> dns, std::vector<IpBlock> ip) {
  NameConstraints out;
  out.excludes_all_dns = dns.empty();
  auto const is_v6 = [](IpBlock const& block) { return block.base().is_v6(); };
  if (std::all_of(ip.begin(), ip.end(), is_v6)) out.excluded_ip.push_back(IpBlock::all_v4());
  if (std::none_of(ip.begin(), ip.end(), is_v6)) out.excluded_ip.push_back(IpBlock::all_v6());
  out.permitted_dns = std::move(dns);
  out.permitted_ip = std::move(ip);
  return out;
}

namespace {

constexpr std::uint8_t kDnsName = der::context(2);
constexpr std::uint8_t kIpAddress = der::context(7);

// GeneralSubtree { base, minimum DEFAULT 0, maximum absent } (RFC 5280 4.2.1.10)
void append_subtree(Bytes& out, std::uint8_t tag, ByteView name) {
  auto const subtree = der::element(der::kSequence, {der::element(tag, name)});
  out.insert(out.end(), subtree.begin(), subtree.end());
}

// 8 or 32 octets: the address, then a mask of the same length (5280-4.2.1.10-1).
Bytes address_and_mask(IpBlock const& block) {
  Bytes out = to_bytes(block.base().octets());
  std::size_t const size = out.size();
  for (std::size_t i = 0; i < size; ++i) {
    int const ones = std::clamp(block.bits() - static_cast<int>(8 * i), 0, 8);
    out.push_back(static_cast<std::uint8_t>(0xff00U >> ones & 0xff));
  }
  return out;
}

Bytes subtrees(std::vector<DnsName> const& dns, std::vector<IpBlock> const& ip, bool empty_name) {
  Bytes out;
  for (auto const& name : dns) append_subtree(out, kDnsName, as_bytes(name.text()));
  if (empty_name) append_subtree(out, kDnsName, {});
  for (auto const& block : ip) append_subtree(out, kIpAddress, address_and_mask(block));
  return out;
}

}  // namespace

Bytes NameConstraints::to_der() const {
  if (has_other_types) bug("name constraints with other types than DNS and IP cannot be written again");
  Bytes const permitted = subtrees(permitted_dns, permitted_ip, false);
  Bytes const excluded = subtrees(excluded_dns, excluded_ip, excludes_all_dns);
  if (permitted.empty() && excluded.empty()) bug("empty name constraints must not be written (RFC 5280 4.2.1.10)");
  Bytes content;
  for (auto const& [number, list] : {std::pair{0U, &permitted}, std::pair{1U, &excluded}}) {
    if (list->empty()) continue;
    auto const part = der::element(der::context_constructed(number), ByteView(*list));
    content.insert(content.end(), part.begin(), part.end());
  }
  return der::element(der::kSequence, ByteView(content));
}

namespace {

struct Subtrees {
  std::vector<DnsName> dns;
  std::vector<IpBlock> ip;
  bool all_dns = false;
  bool other = false;
};

Result<IpBlock> read_block(ByteView octets) {
  if (octets.size() != 8 && octets.size() != 32) {
    return Error(Errc::malformed, "an IP subtree has " + std::to_string(octets.size()) + " octets, not 8 or 32");
  }
  auto const mask = octets.subspan(octets.size() / 2);
  int bits = 0;
  for (std::uint8_t octet : mask) bits += std::countl_one(octet);
  TRY(auto base, IpAddress::from_octets(octets.first(octets.size() / 2)));
  TRY(auto block, IpBlock::make(std::move(base), std::min(bits, static_cast<int>(8 * mask.size()))));
  auto const again = address_and_mask(block);
  if (!std::equal(octets.begin(), octets.end(), again.begin(), again.end())) {
    return Error(Errc::malformed, "the mask of an IP subtree has holes");
  }
  return block;
}

Result<> read_subtree(der::Reader subtree, Subtrees& out) {
  TRY(auto name, subtree.next());
  if (!subtree.at_end()) {
    return subtree.refuse("has a subtree with minimum or maximum, which RFC 5280 forbids");
  }
  switch (name.tag) {
    case kDnsName: {
      if (name.content.empty()) {
        out.all_dns = true;
        return {};
      }
      TRY(auto dns, DnsName::parse(as_text(name.content)));
      if (dns.is_wildcard()) return subtree.refuse("has a wildcard as subtree");
      out.dns.push_back(std::move(dns));
      return {};
    }
    case kIpAddress: {
      TRY(auto block, read_block(name.content));
      out.ip.push_back(std::move(block));
      return {};
    }
    case der::context_constructed(0):  // otherName
    case der::context(1):              // rfc822Name
    case der::context_constructed(3):  // x400Address
    case der::context_constructed(4):  // directoryName
    case der::context_constructed(5):  // ediPartyName
    case der::context(6):              // uniformResourceIdentifier
    case der::context(8):              // registeredID
      out.other = true;
      return {};
    default:
      return subtree.refuse("has a subtree that is no GeneralName");
  }
}

Result<Subtrees> read_subtrees(der::Reader& constraints, unsigned number, std::string_view name) {
  Subtrees out;
  std::uint8_t const tag = der::context_constructed(number);
  if (!constraints.next_is(tag)) return out;
  TRY(auto list, constraints.enter(tag, name));
  if (list.at_end()) return list.refuse("is empty");
  while (!list.at_end()) {
    TRY(auto subtree, list.enter(der::kSequence, "subtree"));
    CHECK_OK(read_subtree(std::move(subtree), out));
  }
  return out;
}

}  // namespace

Result<NameConstraints> NameConstraints::from_der(ByteView der) {
  std::string const what = "name constraints";
  CHECK_OK(der::check_strict(der, Errc::malformed, what));
  der::Reader outer(der, Errc::malformed, what);
  TRY(auto constraints, outer.enter(der::kSequence, "value"));
  if (constraints.at_end()) return constraints.refuse("is empty");
  TRY(auto permitted, read_subtrees(constraints, 0, "permitted subtrees"));
  TRY(auto excluded, read_subtrees(constraints, 1, "excluded subtrees"));
  CHECK_OK(constraints.end());

  NameConstraints out;
  // Permitting the empty name permits every name, as if no DNS subtree were there.
  if (!permitted.all_dns) out.permitted_dns = std::move(permitted.dns);
  out.permitted_ip = std::move(permitted.ip);
  out.excluded_dns = std::move(excluded.dns);
  out.excluded_ip = std::move(excluded.ip);
  out.excludes_all_dns = excluded.all_dns;
  out.has_other_types = permitted.other || excluded.other;
  return out;
}

namespace {

Error forbidden(std::string const& name, std::string const& why) {
  return {Errc::rejected_identifier, name + " cannot be certified: " + why};
}

template <class List>
std::string list_text(List const& list) {
  std::string out;
  for (auto const& entry : list) out += (out.empty() ? "" : ", ") + entry.text();
  return out;
}

}  // namespace

Result<> NameConstraints::test(DnsName const& name) const {
  if (has_other_types) return forbidden(name.text(), "the issuer has name constraints of a type that is not supported");
  if (excludes_all_dns) return forbidden(name.text(), "the issuer's name constraints exclude all DNS names");
  for (auto const& suffix : excluded_dns) {
    if (name.is_within(suffix)) {
      return forbidden(name.text(), "the issuer's name constraints exclude " + suffix.text());
    }
    if (name.is_wildcard() && suffix.is_within(name.base())) {
      return forbidden(name.text(), "it would cover " + suffix.text() + ", which the name constraints exclude");
    }
  }
  if (permitted_dns.empty()) return {};
  for (auto const& suffix : permitted_dns) {
    if (name.is_within(suffix)) return {};
  }
  return forbidden(name.text(), "the issuer's name constraints permit only " + list_text(permitted_dns));
}

Result<> NameConstraints::test(IpAddress const& address) const {
  if (has_other_types) {
    return forbidden(address.text(), "the issuer has name constraints of a type that is not supported");
  }
  for (auto const& block : excluded_ip) {
    if (block.contains(address)) {
      return forbidden(address.text(), "the issuer's name constraints exclude " + block.text());
    }
  }
  if (permitted_ip.empty()) return {};
  for (auto const& block : permitted_ip) {
    if (block.contains(address)) return {};
  }
  return forbidden(address.text(), "the issuer's name constraints permit only " + list_text(permitted_ip));
}

Result<> NameConstraints::test(NameSet const& names) const {
  Error refusal(Errc::rejected_identifier, "");
  std::string detail;
  auto note = [&](Result<> const& result, char const* type, std::string const& value) {
    if (result.ok()) return;
    if (!detail.empty()) detail += "; ";
    detail += result.error().detail();
    refusal.sub.push_back({result.error().code(), result.error().detail(), type, value});
  };
  for (auto const& name : names.dns) note(test(name), "dns", name.text());
  for (auto const& address : names.ip) note(test(address), "ip", address.text());
  if (refusal.sub.empty()) return {};
  return std::move(refusal).with_context(detail);
}

std::string NameConstraints::text() const {
  std::string out;
  auto add = [&](std::string const& part) { out += (out.empty() ? "" : "; ") + part; };
  if (!permitted_dns.empty()) add("DNS " + list_text(permitted_dns));
  if (!permitted_ip.empty()) add("IP " + list_text(permitted_ip));
  if (excludes_all_dns) {
    add("no DNS names");
  } else if (!excluded_dns.empty()) {
    add("not DNS " + list_text(excluded_dns));
  }
  auto blocks = excluded_ip;
  bool const no_v4 = std::erase(blocks, IpBlock::all_v4()) > 0;
  bool const no_v6 = std::erase(blocks, IpBlock::all_v6()) > 0;
  if (no_v4 || no_v6) add(no_v4 && no_v6 ? "no IP addresses" : no_v4 ? "no IPv4 addresses" : "no IPv6 addresses");
  if (!blocks.empty()) add("not IP " + list_text(blocks));
  if (has_other_types) add("and rules for other types of names");
  return out.empty() ? "no constraints" : out;
}

}  // namespace lenscap::x509
