#include "base/x509/name_constraints.h"

#include <algorithm>
#include <bit>

#include "base/x509/certificate_names.h"
#include "base/x509/der.h"

namespace lenscap::x509 {

NameConstraints NameConstraints::permit_only(std::vector<DnsName> dns, std::vector<IpBlock> ip) {
  NameConstraints out;
  out.excludes_all_dns = dns.empty();
  auto const is_v6 = [](IpBlock const& block) { return block.base().is_v6(); };
  if (std::all_of(ip.begin(), ip.end(), is_v6)) out.excluded_ip.push_back(IpBlock::all_v4());
  if (std::none_of(ip.begin(), ip.end(), is_v6)) out.excluded_ip.push_back(IpBlock::all_v6());
  out.permitted_dns.assign(dns.begin(), dns.end());
  out.permitted_ip = std::move(ip);
  out.permitted_mail.push_back(MailSubtree::parse(kNobody).value());
  out.permitted_uri.push_back(UriSubtree::parse(kNobody).value());
  out.excluded_uri = out.permitted_uri;
  return out;
}

namespace {

constexpr std::uint8_t kMail = der::context(1);
constexpr std::uint8_t kDnsName = der::context(2);
constexpr std::uint8_t kDirectoryName = der::context_constructed(4);
constexpr std::uint8_t kUri = der::context(6);
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

struct Subtrees {
  std::vector<DnsSubtree> dns = {};
  std::vector<IpBlock> ip = {};
  std::vector<MailSubtree> mail = {};
  std::vector<UriSubtree> uri = {};
  std::vector<DirectoryName> directory = {};
  bool empty_dns = false, empty_mail = false, empty_uri = false, other = false;
  std::string unreadable = {};  // why, of the first that is
};

Bytes write_subtrees(Subtrees const& all) {
  Bytes out;
  for (auto const& name : all.dns) append_subtree(out, kDnsName, as_bytes(name.text()));
  if (all.empty_dns) append_subtree(out, kDnsName, {});
  for (auto const& block : all.ip) append_subtree(out, kIpAddress, address_and_mask(block));
  for (auto const& mail : all.mail) append_subtree(out, kMail, as_bytes(mail.text()));
  if (all.empty_mail) append_subtree(out, kMail, {});
  for (auto const& uri : all.uri) append_subtree(out, kUri, as_bytes(uri.text()));
  if (all.empty_uri) append_subtree(out, kUri, {});
  for (auto const& name : all.directory) append_subtree(out, kDirectoryName, name.der());
  return out;
}

}  // namespace

Bytes NameConstraints::to_der() const {
  if (!is_known()) bug("name constraints that are not known here cannot be written again");
  Bytes const permitted = write_subtrees({.dns = permitted_dns,
                                          .ip = permitted_ip,
                                          .mail = permitted_mail,
                                          .uri = permitted_uri,
                                          .directory = permitted_directory});
  Bytes const excluded = write_subtrees({.dns = excluded_dns,
                                         .ip = excluded_ip,
                                         .mail = excluded_mail,
                                         .uri = excluded_uri,
                                         .directory = excluded_directory,
                                         .empty_dns = excludes_all_dns,
                                         .empty_mail = excludes_all_mail,
                                         .empty_uri = excludes_all_uri});
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

// A text from outside, fit for a message.
std::string printable(ByteView octets) {
  std::string out;
  for (char const c : as_text(octets).substr(0, 80)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return out;
}

// Of a type that is known here.
Result<> read_name(der::Element const& name, Subtrees& out) {
  bool const is_empty = name.content.empty();
  switch (name.tag) {
    case kDnsName: {
      if (is_empty) {
        out.empty_dns = true;
        return {};
      }
      TRY(auto dns, DnsSubtree::parse(as_text(name.content)));
      out.dns.push_back(std::move(dns));
      return {};
    }
    case kIpAddress: {
      TRY(auto block, read_block(name.content));
      out.ip.push_back(std::move(block));
      return {};
    }
    case kMail: {
      if (is_empty) {
        out.empty_mail = true;
        return {};
      }
      auto mail = MailSubtree::parse(as_text(name.content));
      if (!mail.ok())
        return std::move(mail).error().with_context("the mail subtree '" + printable(name.content) + "': ");
      out.mail.push_back(*std::move(mail));
      return {};
    }
    case kUri: {
      if (is_empty) {
        out.empty_uri = true;
        return {};
      }
      auto uri = UriSubtree::parse(as_text(name.content));
      if (!uri.ok()) return std::move(uri).error().with_context("the URI subtree '" + printable(name.content) + "': ");
      out.uri.push_back(*std::move(uri));
      return {};
    }
    default: {
      TRY(auto directory, DirectoryName::from_der(name.content));
      out.directory.push_back(std::move(directory));
      return {};
    }
  }
}

Result<> read_subtree(der::Reader subtree, Subtrees& out) {
  TRY(auto const name, subtree.next());
  switch (name.tag) {
    case der::context_constructed(0):  // otherName
    case der::context_constructed(3):  // x400Address
    case der::context_constructed(5):  // ediPartyName
    case der::context(8):              // registeredID
      out.other = true;
      return {};
    case kDnsName:
    case kIpAddress:
    case kMail:
    case kUri:
    case kDirectoryName:
      break;
    default:
      return subtree.refuse("has a subtree that is no GeneralName");
  }
  auto const read =
      subtree.at_end() ? read_name(name, out)
                       : Result<>(Error(Errc::malformed, "a subtree has a minimum or maximum, which RFC 5280 forbids"));
  if (!read.ok() && out.unreadable.empty()) out.unreadable = read.error().detail();
  return {};
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
  // Permitting the empty name permits every name, as if no DNS subtree were there. RFC 5280 does not say what the empty
  // mail address and host mean, and readers differ: to exclude it excludes all, to permit it permits none.
  if (!permitted.empty_dns) out.permitted_dns = std::move(permitted.dns);
  bool const permits_no_mail = permitted.empty_mail && permitted.mail.empty();
  bool const permits_no_uri = permitted.empty_uri && permitted.uri.empty();
  out.permitted_mail = std::move(permitted.mail);
  out.permitted_uri = std::move(permitted.uri);
  out.permitted_directory = std::move(permitted.directory);
  out.excluded_mail = std::move(excluded.mail);
  out.excluded_uri = std::move(excluded.uri);
  out.excluded_directory = std::move(excluded.directory);
  out.excludes_all_mail = excluded.empty_mail || permits_no_mail;
  out.excludes_all_uri = excluded.empty_uri || permits_no_uri;
  out.permitted_ip = std::move(permitted.ip);
  out.excluded_dns = std::move(excluded.dns);
  out.excluded_ip = std::move(excluded.ip);
  out.excludes_all_dns = excluded.empty_dns;
  out.has_other_types = permitted.other || excluded.other;
  out.unreadable = permitted.unreadable.empty() ? std::move(excluded.unreadable) : std::move(permitted.unreadable);
  return out;
}

namespace {

Error forbidden(std::string const& name, std::string const& why) {
  return {Errc::rejected_identifier, name + " cannot be certified: " + why};
}

// Why nothing at all is permitted; nullptr when names have to be looked at.
char const* refuses_all(NameConstraints const& constraints) {
  if (constraints.has_other_types) return "the issuer has name constraints of a type that is not supported";
  if (!constraints.unreadable.empty()) return "the issuer has name constraints that cannot be read";
  return nullptr;
}

template <class List>
std::string list_text(List const& list) {
  std::string out;
  for (auto const& entry : list) out += (out.empty() ? "" : ", ") + entry.text();
  return out;
}

}  // namespace

Result<> NameConstraints::test(DnsName const& name) const {
  if (auto const* why = refuses_all(*this)) return forbidden(name.text(), why);
  if (excludes_all_dns) return forbidden(name.text(), "the issuer's name constraints exclude all DNS names");
  for (auto const& suffix : excluded_dns) {
    if (suffix.contains(name)) {
      return forbidden(name.text(), "the issuer's name constraints exclude " + suffix.text());
    }
    if (name.is_wildcard() && suffix.is_met_by_wildcard(name)) {
      return forbidden(name.text(), "it would cover " + suffix.text() + ", which the name constraints exclude");
    }
  }
  if (permitted_dns.empty()) return {};
  for (auto const& suffix : permitted_dns) {
    if (suffix.contains(name)) return {};
  }
  return forbidden(name.text(), "the issuer's name constraints permit only " + list_text(permitted_dns));
}

Result<> NameConstraints::test(IpAddress const& address) const {
  if (auto const* why = refuses_all(*this)) return forbidden(address.text(), why);
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

namespace {

// One of the types whose subtrees all say the same way what lies in them.
template <class Subtree, class Contains>
Result<> test_lists(std::string const& name, std::vector<Subtree> const& permitted,
                    std::vector<Subtree> const& excluded, Contains const& contains) {
  for (auto const& subtree : excluded)
    if (contains(subtree)) return forbidden(name, "the issuer's name constraints exclude " + subtree.text());
  if (permitted.empty() || std::ranges::any_of(permitted, contains)) return {};
  return forbidden(name, "the issuer's name constraints permit only " + list_text(permitted));
}

}  // namespace

Result<> NameConstraints::test_mail(std::string const& address) const {
  if (auto const* why = refuses_all(*this)) return forbidden(address, why);
  if (permitted_mail.empty() && excluded_mail.empty() && !excludes_all_mail) return {};
  if (excludes_all_mail) return forbidden(address, "the issuer's name constraints exclude all mail addresses");
  if (!is_mail_address(address)) return forbidden(address, "it is not a mail address, and these are constrained");
  return test_lists(address, permitted_mail, excluded_mail,
                    [&](MailSubtree const& subtree) { return subtree.contains(address); });
}

Result<> NameConstraints::test_uri(std::string const& uri) const {
  if (auto const* why = refuses_all(*this)) return forbidden(uri, why);
  if (permitted_uri.empty() && excluded_uri.empty() && !excludes_all_uri) return {};
  if (excludes_all_uri) return forbidden(uri, "the issuer's name constraints exclude all URIs");
  auto const host = host_of_uri(uri);
  if (!host.ok()) return forbidden(uri, host.error().detail() + ", and URIs are constrained by their hosts");
  return test_lists(uri, permitted_uri, excluded_uri,
                    [&](UriSubtree const& subtree) { return subtree.contains_host(*host); });
}

Result<> NameConstraints::test(DirectoryName const& name) const {
  if (auto const* why = refuses_all(*this)) return forbidden(name.text(), why);
  for (auto const& mail : name.mail_addresses()) CHECK_OK(test_mail(mail));
  return test_lists(name.text(), permitted_directory, excluded_directory,
                    [&](DirectoryName const& subtree) { return name.is_within(subtree); });
}

Result<> NameConstraints::test(CertificateNames const& names) const {
  CHECK_OK(test(names.hosts));
  bool const limits_dns = excludes_all_dns || !permitted_dns.empty() || !excluded_dns.empty();
  if (limits_dns && !names.unreadable_dns.empty())
    return forbidden(names.unreadable_dns.front(), "it is not a DNS name, and these are constrained");
  if (!(permitted_ip.empty() && excluded_ip.empty()) && !names.unreadable_ip.empty())
    return forbidden(names.unreadable_ip.front(), "it is not an IP address, and these are constrained");
  for (auto const& mail : names.mail) CHECK_OK(test_mail(mail));
  for (auto const& uri : names.uri) CHECK_OK(test_uri(uri));
  for (auto const& name : names.directory) CHECK_OK(test(name));
  return {};
}

namespace {

// "a", "a or b", "a, b or c".
std::string listed(std::vector<std::string> const& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i)
    out += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return out;
}

// Does nothing but kNobody lie in it?
template <class Subtree>
bool permits_nobody(std::vector<Subtree> const& permitted) {
  return permitted.size() == 1 && permitted.front().text() == NameConstraints::kNobody;
}

}  // namespace

std::string NameConstraints::text() const {
  std::string out;
  auto add = [&](std::string const& part) { out += (out.empty() ? "" : "; ") + part; };
  auto blocks = excluded_ip;
  bool const no_v4 = std::erase(blocks, IpBlock::all_v4()) > 0;
  bool const no_v6 = std::erase(blocks, IpBlock::all_v6()) > 0;
  bool const no_mail = excludes_all_mail || permits_nobody(permitted_mail);
  bool const no_uri = excludes_all_uri || permits_nobody(permitted_uri);
  if (!permitted_dns.empty()) add("DNS " + list_text(permitted_dns));
  if (!permitted_ip.empty()) add("IP " + list_text(permitted_ip));
  if (!no_mail && !permitted_mail.empty()) add("mail " + list_text(permitted_mail));
  if (!no_uri && !permitted_uri.empty()) add("URI " + list_text(permitted_uri));
  for (auto const& name : permitted_directory) add("directory " + name.text());
  if (!excludes_all_dns && !excluded_dns.empty()) add("not DNS " + list_text(excluded_dns));
  if (!blocks.empty()) add("not IP " + list_text(blocks));
  if (!no_mail && !excluded_mail.empty()) add("not mail " + list_text(excluded_mail));
  if (!no_uri && !excluded_uri.empty()) add("not URI " + list_text(excluded_uri));
  for (auto const& name : excluded_directory) add("not directory " + (name.empty() ? "of any kind" : name.text()));
  std::vector<std::string> none;
  if (excludes_all_dns) none.emplace_back("DNS names");
  if (no_v4 || no_v6) none.emplace_back(no_v4 && no_v6 ? "IP addresses" : no_v4 ? "IPv4 addresses" : "IPv6 addresses");
  if (no_mail) none.emplace_back("mail addresses");
  if (no_uri) none.emplace_back("URIs");
  if (!none.empty()) add("no " + listed(none));
  if (has_other_types) add("and rules for other types of names");
  if (!unreadable.empty()) add("and rules that cannot be read");
  return out.empty() ? "no constraints" : out;
}

}  // namespace lenscap::x509
