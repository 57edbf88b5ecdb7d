// Subtrees of name constraints for mail addresses and URIs (RFC 5280 4.2.1.10). Names of these types are never issued
// here; they are judged because a chain's certificates may hold them. Both may be about one host ("mail.example") or
// about all hosts below a domain (".example", which is not "example" itself).
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace lenscap::x509 {

// Also a single mailbox: "postmaster@mail.example". A mailbox's local part is compared as it is, hosts without case.
class MailSubtree {
 public:
  static Result<MailSubtree> parse(std::string_view text);  // Errc::malformed
  std::string text() const { return mailbox_.empty() ? host_ : mailbox_ + "@" + host_; }
  bool contains(std::string_view address) const;  // an address that is none lies nowhere; see is_mail_address()
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
