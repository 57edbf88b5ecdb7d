// Subtrees of name constraints for DNS names, mail addresses and URIs (RFC 5280 4.2.1.10). Names of the latter two
// types are never issued here; they are judged because a chain's certificates may hold them. Both may be about one host
// ("mail.example") or about all hosts below a domain (".example", which is not "example" itself).
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/x509/name.h"

namespace lenscap::x509 {

// A DNS name and all below it; with a dot in front, which RFC 5280 does not know and many corporations write, only what
// is below it: so OpenSSL, Go and NSS read it. Not a wildcard.
class DnsSubtree {
 public:
  DnsSubtree(DnsName name) : name_(std::move(name)) {}     // implicit: a name says all of such a subtree
  static Result<DnsSubtree> parse(std::string_view text);  // Errc::malformed
  std::string text() const { return (below_only_ ? "." : "") + name_.text(); }
  DnsName const& name() const { return name_; }  // without the dot
  bool has_leading_dot() const { return below_only_; }
  bool contains(DnsName const& name) const;  // of a wildcard: all that it covers
  bool contains(DnsSubtree const& other) const;
  // Would the wildcard cover something of it, or something above it?
  bool is_met_by_wildcard(DnsName const& wildcard) const { return name_.is_within(wildcard.base()); }
  auto operator<=>(DnsSubtree const&) const = default;

 private:
  DnsSubtree(DnsName name, bool below_only) : name_(std::move(name)), below_only_(below_only) {}
  DnsName name_;
  bool below_only_ = false;
};

// Also a single mailbox: "postmaster@mail.example". A mailbox's local part is compared as it is, hosts without case.
class MailSubtree {
 public:
  static Result<MailSubtree> parse(std::string_view text);  // Errc::malformed
  std::string text() const { return mailbox_.empty() ? host_ : mailbox_ + "@" + host_; }
  bool contains(std::string_view address) const;  // an address that is none lies nowhere; see is_mail_address()
  bool contains(MailSubtree const& other) const;
  auto operator<=>(MailSubtree const&) const = default;

 private:
  MailSubtree(std::string mailbox, std::string host) : mailbox_(std::move(mailbox)), host_(std::move(host)) {}
  std::string mailbox_;  // empty: every one
  std::string host_;
};

class UriSubtree {
 public:
  static Result<UriSubtree> parse(std::string_view text);  // Errc::malformed
  std::string const& text() const { return host_; }
  bool contains_host(std::string_view host) const;  // see host_of_uri()
  bool contains(UriSubtree const& other) const;
  auto operator<=>(UriSubtree const&) const = default;

 private:
  explicit UriSubtree(std::string host) : host_(std::move(host)) {}
  std::string host_;
};

// "local@host" with a DNS name behind the last @, all of it printable ASCII.
bool is_mail_address(std::string_view text);

// The host of "scheme://user@host:port/path". Errc::malformed for a URI without authority, or whose host is no full
// DNS name, such as an address: where URIs are constrained these are refused (RFC 5280 4.2.1.10).
Result<std::string> host_of_uri(std::string_view uri);

}  // namespace lenscap::x509
