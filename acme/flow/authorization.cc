#include "acme/flow/authorization.h"

namespace lenscap::acme {

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
