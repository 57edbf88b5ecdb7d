#include "acme/wire/identifier.h"

#include <algorithm>
#include <set>

#include "acme/wire/names.h"
#include "base/limits.h"

namespace lenscap::acme {

std::string_view to_string(IdentifierType type) { return type == IdentifierType::dns ? names::kDns : names::kIp; }

Result<Identifier> Identifier::parse(std::string_view type, std::string_view value) {
  if (type == names::kDns) {
    TRY(auto name, x509::DnsName::parse(value));
    return Identifier(std::move(name));
  }
  if (type == names::kIp) {  // 8738-3-1
    TRY(auto address, x509::IpAddress::parse(value));
    return Identifier(std::move(address));
  }
  return Error(Errc::unsupported_identifier, "identifiers of this type are not issued here; use \"dns\" or \"ip\"");
}

Result<Identifier> Identifier::from_host(std::string_view host) {
  if (auto address = x509::IpAddress::parse(host); address.ok()) return Identifier(std::move(address).value());
  TRY(auto name, x509::DnsName::parse(host));
  return Identifier(std::move(name));
}

std::string Identifier::value() const { return dns() != nullptr ? dns()->text() : ip()->text(); }

bool Identifier::is_wildcard() const { return dns() != nullptr && dns()->is_wildcard(); }

Identifier Identifier::base() const { return is_wildcard() ? Identifier(dns()->base()) : *this; }

json::Object to_json(Identifier const& identifier) {
  return {{"type", to_string(identifier.type())}, {"value", identifier.value()}};
}

json::Array to_json(std::vector<Identifier> const& identifiers) {
  json::Array array;
  for (auto const& identifier : identifiers) array.emplace_back(to_json(identifier));
  return array;
}

Result<Identifier> read_identifier(json::Object const& object) {
  TRY(auto const type, json::need_string(object, "type"));
  TRY(auto const value, json::need_string(object, "value"));
  return Identifier::parse(type, value);
}

namespace {

// What is echoed is as long as a name can be, not as long as the sender liked, and ends with a whole character.
std::string echo(std::string_view text) {
  constexpr std::size_t kOctetsMax = 253;
  if (text.size() <= kOctetsMax) return std::string(text);
  std::size_t end = kOctetsMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

}  // namespace

Result<std::vector<Identifier>> read_identifiers(json::Array const& array) {
  if (array.empty()) return Error(Errc::malformed, "identifiers: the list is empty; name at least one");
  if (array.size() > limits::kNamesPerOrder) {
    return Error(Errc::malformed, "identifiers: at most " + std::to_string(limits::kNamesPerOrder) + " are allowed");
  }
  std::vector<Identifier> identifiers;
  std::set<Identifier> seen;
  std::vector<SubError> refused;
  for (auto const& element : array) {
    auto const* object = element.as_object();
    if (object == nullptr) return Error(Errc::malformed, "identifiers: every element must be an object");
    TRY(auto const type, json::need_string(*object, "type"));
    TRY(auto const value, json::need_string(*object, "value"));
    auto identifier = Identifier::parse(type, value);
    if (!identifier.ok()) {
      refused.push_back({identifier.error().code(), identifier.error().detail(), echo(type), echo(value)});
    } else if (!seen.insert(*identifier).second) {
      refused.push_back({Errc::malformed, "this identifier is named twice", type, identifier->value()});
    } else {
      identifiers.push_back(std::move(identifier).value());
    }
  }
  if (!refused.empty()) return refuse_identifiers(std::move(refused));
  return identifiers;
}

x509::NameSet to_name_set(std::vector<Identifier> const& identifiers) {
  x509::NameSet names;
  for (auto const& identifier : identifiers) {
    if (auto const* dns = identifier.dns()) {
      names.dns.insert(*dns);
    } else {
      names.ip.insert(*identifier.ip());
    }
  }
  return names;
}

std::vector<Identifier> to_identifiers(x509::NameSet const& names) {
  std::vector<Identifier> identifiers(names.dns.begin(), names.dns.end());
  identifiers.insert(identifiers.end(), names.ip.begin(), names.ip.end());
  return identifiers;
}

Error refuse_identifiers(std::vector<SubError> refused) {
  if (refused.empty()) bug("no identifier was refused");
  bool const alone = refused.size() == 1;
  Error error(alone ? refused.front().code : Errc::compound,
              alone ? refused.front().identifier_value + ": " + refused.front().detail
                    : std::to_string(refused.size()) + " identifiers are refused; see each subproblem");
  error.sub = std::move(refused);
  return error;
}

}  // namespace lenscap::acme
