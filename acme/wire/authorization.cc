#include "acme/wire/authorization.h"

#include "acme/wire/read_members.h"

namespace lenscap::acme {

json::Object to_json(AuthorizationObject const& authorization) {
  if (authorization.identifier.is_wildcard()) bug("an authorization never names a wildcard");  // 8555-7.1.4-3
  json::Object object{{"identifier", to_json(authorization.identifier)}, {"status", to_string(authorization.status)}};
  if (authorization.expires) object.set("expires", to_rfc3339(*authorization.expires));
  json::Array challenges;
  for (auto const& challenge : authorization.challenges) challenges.emplace_back(to_json(challenge));
  object.set("challenges", std::move(challenges));
  if (authorization.wildcard) object.set("wildcard", true);  // 8555-7.1.4-1: absent otherwise
  return object;
}

Result<AuthorizationObject> parse_authorization(std::string_view body) {
  TRY(auto const object, json::parse_object(body, kObjectLimits));
  TRY(auto const identifier_object, json::need_object(object, "identifier"));
  TRY(auto identifier, read_identifier(identifier_object));
  if (identifier.is_wildcard()) return Error(Errc::malformed, "an authorization never names a wildcard");
  TRY(auto const status_text, json::need_string(object, "status"));
  TRY(auto const status, parse_authorization_status(status_text));
  TRY(auto const expires, get_time(object, "expires"));
  TRY(auto const wildcard, json::get_bool(object, "wildcard"));
  TRY(auto const array, json::need_array(object, "challenges"));
  AuthorizationObject authorization{std::move(identifier), status, expires, wildcard.value_or(false), {}};
  for (auto const& element : array) {
    auto const* challenge_object = element.as_object();
    if (challenge_object == nullptr) return Error(Errc::malformed, "challenges: every element must be an object");
    TRY(auto challenge, read_challenge(*challenge_object));
    authorization.challenges.push_back(std::move(challenge));
  }
  return authorization;
}

Result<Identifier> parse_new_authz(std::string_view payload) {
  TRY(auto const object, json::parse_object(payload));
  TRY(auto identifier, json::need_object(object, "identifier"));
  TRY(auto const identifiers, read_identifiers({json::Value(std::move(identifier))}));
  return identifiers.front();
}

json::Object new_authz_to_json(Identifier const& identifier) { return {{"identifier", to_json(identifier)}}; }

Result<> parse_deactivation(std::string_view payload) {
  TRY(auto const object, json::parse_object(payload));
  TRY(auto const status, json::need_string(object, "status"));
  if (status != to_string(AuthorizationStatus::deactivated)) {
    return Error(Errc::malformed, "status: an authorization can only be set to \"deactivated\"");
  }
  return {};
}

json::Object deactivation_to_json() { return {{"status", to_string(AuthorizationStatus::deactivated)}}; }

}  // namespace lenscap::acme
