#include "acme/flow/authorization.h"

namespace lenscap::acme {

std::string authorization_id(std::string_view order_id, std::size_t number) {
  return std::string(order_id) + "." + std::to_string(number);
}

std::string_view order_of(std::string_view authorization_id) {
  auto const stop = authorization_id.find('.');
  return stop == authorization_id.npos ? std::string_view() : authorization_id.substr(0, stop);
}

Identifier ordered_identifier(Authorization const& authorization) {
  if (!authorization.wildcard) return authorization.identifier;
  return Identifier::parse("dns", "*." + authorization.identifier.value()).value();
}

Challenge const* find_challenge(Authorization const& authorization, std::string_view challenge_id) {
  for (auto const& challenge : authorization.challenges) {
    if (challenge.id == challenge_id) return &challenge;
  }
  return nullptr;
}

}  // namespace lenscap::acme
