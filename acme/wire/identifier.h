// An ACME identifier (RFC 8555 9.7.7, RFC 8738): a DNS name or an IP address, normalised when it is read, so that two
// spellings of one name are equal. A wildcard stands in orders only, never in an authorization (8555-7.1.4-3).
// Which names may be asked for is NOT decided here.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/x509/name.h"

namespace lenscap::acme {

enum class IdentifierType { dns, ip };

std::string_view to_string(IdentifierType type);  // "dns", "ip"

class Identifier {
 public:
  Identifier(x509::DnsName name) : name_(std::move(name)) {}          // NOLINT(google-explicit-constructor)
  Identifier(x509::IpAddress address) : name_(std::move(address)) {}  // NOLINT(google-explicit-constructor)

  // Errc::unsupported_identifier for a type that is neither "dns" nor "ip" (8555-7.4-4), Errc::malformed for a value
  // that is not in certificate form: an address as "dns" is refused, so is any address spelled otherwise than in
  // RFC 1123 2.1 or RFC 5952.
  static Result<Identifier> parse(std::string_view type, std::string_view value);
  // A host as people write it: an address if it reads as one, else a DNS name.
  static Result<Identifier> from_host(std::string_view host);

  IdentifierType type() const { return dns() != nullptr ? IdentifierType::dns : IdentifierType::ip; }
  x509::DnsName const* dns() const { return std::get_if<x509::DnsName>(&name_); }     // nullptr when it is an address
  x509::IpAddress const* ip() const { return std::get_if<x509::IpAddress>(&name_); }  // nullptr when it is a name
  std::string value() const;                                                          // normalised text
  bool is_wildcard() const;                                                           // "*.example"
  Identifier base() const;  // without "*.": what an authorization carries (8555-7.1.3-2)
  auto operator<=>(Identifier const&) const = default;

 private:
  std::variant<x509::DnsName, x509::IpAddress> name_;
};

json::Object to_json(Identifier const& identifier);
Result<Identifier> read_identifier(json::Object const& object);

// Every identifier of a list that cannot be read, or that is there twice after normalisation, is named by a sub-error
// of one refusal (8555-6.7.1-1). An empty list is refused, and one longer than limits::kNamesPerOrder (8555-7.4-1).
Result<std::vector<Identifier>> read_identifiers(json::Array const& array);
json::Array to_json(std::vector<Identifier> const& identifiers);

x509::NameSet to_name_set(std::vector<Identifier> const& identifiers);
std::vector<Identifier> to_identifiers(x509::NameSet const& names);  // DNS names first, each kind in order

// One refusal out of those of several identifiers: alone it keeps its code, several become Errc::compound. Each stays
// as a sub-error. Bug when `refused` is empty.
Error refuse_identifiers(std::vector<SubError> refused);

}  // namespace lenscap::acme
