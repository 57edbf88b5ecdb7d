#include "base/x509/subtree.h"

#include <algorithm>

namespace lenscap::x509 {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

// A host, or with a dot in front all hosts below a domain; in lower case.
Result<std::string> parse_host(std::string_view text) {
  bool const domain = text.starts_with('.');
  TRY(auto name, DnsName::parse(domain ? text.substr(1) : text));
  if (name.is_wildcard())
    return Error(Errc::malformed, "\"" + std::string(text) + "\": a dot alone, without \"*\", stands for all below");
  return (domain ? "." : "") + name.text();
}

bool host_is_within(std::string_view host, std::string_view subtree) {
  auto const folded = lower(host);
  if (!subtree.starts_with('.')) return folded == subtree;
  return folded.size() > subtree.size() && folded.ends_with(subtree);
}

// All hosts of the one in the other?
bool subtree_is_within(std::string_view inner, std::string_view outer) {
  return inner == outer || (outer.starts_with('.') && host_is_within(inner, outer));
}

bool is_mailbox(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Result<DnsSubtree> DnsSubtree::parse(std::string_view text) {
  bool const below_only = text.starts_with('.');
  TRY(auto name, DnsName::parse(below_only ? text.substr(1) : text));
  if (name.is_wildcard())
    return Error(Errc::malformed, "'" + std::string(below_only ? "." : "") + name.text() +
                                      "' has a wildcard, which a subtree cannot have");
  return DnsSubtree(std::move(name), below_only);
}

bool DnsSubtree::contains(DnsName const& name) const {
  return name.is_within(name_) && (!below_only_ || name.is_wildcard() || !(name == name_));
}

bool DnsSubtree::contains(DnsSubtree const& other) const {
  return other.name_.is_within(name_) && (!below_only_ || other.below_only_ || !(other.name_ == name_));
}

Result<MailSubtree> MailSubtree::parse(std::string_view text) {
  auto const at = text.rfind('@');
  if (at == text.npos) {
    TRY(auto host, parse_host(text));
    return MailSubtree({}, std::move(host));
  }
  if (!is_mail_address(text))
    return Error(Errc::malformed, "not a mail address, a host, or a domain with a dot in front");
  return MailSubtree(std::string(text.substr(0, at)), lower(text.substr(at + 1)));
}

bool MailSubtree::contains(std::string_view address) const {
  auto const at = address.rfind('@');
  if (at == address.npos) return false;
  if (!mailbox_.empty() && mailbox_ != address.substr(0, at)) return false;
  return host_is_within(address.substr(at + 1), host_);
}

bool MailSubtree::contains(MailSubtree const& other) const {
  return (mailbox_.empty() || mailbox_ == other.mailbox_) && subtree_is_within(other.host_, host_);
}

Result<UriSubtree> UriSubtree::parse(std::string_view text) {
  if (text.find(':') != text.npos || text.find('/') != text.npos)
    return Error(Errc::malformed,
                 "a URI subtree is a host, or a domain with a dot in front, without scheme, port and path");
  TRY(auto host, parse_host(text));
  return UriSubtree(std::move(host));
}

bool UriSubtree::contains_host(std::string_view host) const { return host_is_within(host, host_); }

bool UriSubtree::contains(UriSubtree const& other) const { return subtree_is_within(other.host_, host_); }

bool is_mail_address(std::string_view text) {
  auto const at = text.rfind('@');
  if (at == text.npos || !is_mailbox(text.substr(0, at))) return false;
  auto const host = DnsName::parse(text.substr(at + 1));
  return host.ok() && !host->is_wildcard();
}

Result<std::string> host_of_uri(std::string_view uri) {
  auto const bad = [&](char const* why) { return Error(Errc::malformed, "the URI " + std::string(uri) + " " + why); };
  auto const colon = uri.find(':');
  if (colon == uri.npos || colon == 0) return bad("has no scheme");
  auto authority = uri.substr(colon + 1);
  if (!authority.starts_with("//")) return bad("names no host");
  authority = authority.substr(2, authority.find_first_of("/?#", 2) - 2);
  if (auto const at = authority.rfind('@'); at != authority.npos) authority.remove_prefix(at + 1);
  if (auto const port = authority.rfind(':'); port != authority.npos && !authority.starts_with('['))
    authority = authority.substr(0, port);
  auto const host = DnsName::parse(authority);
  if (!host.ok() || host->is_wildcard()) return bad("has a host that is no DNS name");
  return host->text();
}

}  // namespace lenscap::x509
