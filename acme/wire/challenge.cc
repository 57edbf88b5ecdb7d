#include "acme/wire/challenge.h"

#include "acme/wire/read_members.h"

namespace lenscap::acme {

json::Object to_json(ChallengeObject const& challenge) {
  json::Object object{
      {"type", challenge.type}, {"url", challenge.url}, {"status", to_string(challenge.status)}};  // 8555-8-2
  if (!challenge.token.empty()) object.set("token", challenge.token);
  if (challenge.validated) object.set("validated", to_rfc3339(*challenge.validated));
  if (challenge.error) object.set("error", to_problem(*challenge.error));
  return object;
}

Result<ChallengeObject> read_challenge(json::Object const& object) {
  TRY(auto type, json::need_string(object, "type"));
  TRY(auto url, json::need_string(object, "url"));
  TRY(auto const status_text, json::need_string(object, "status"));
  TRY(auto const status, parse_challenge_status(status_text));
  TRY(auto token, json::get_string(object, "token"));
  TRY(auto const validated, get_time(object, "validated"));
  TRY(auto error, get_problem(object, "error"));
  return ChallengeObject{std::move(type), std::move(url),  status, std::move(token).value_or(""),
                         validated,       std::move(error)};
}

Result<ChallengeObject> parse_challenge(std::string_view body) {
  TRY(auto const object, json::parse_object(body, kObjectLimits));
  return read_challenge(object);
}

Result<> parse_challenge_response(std::string_view payload) {
  auto const object = json::parse_object(payload);
  if (!object.ok()) return Error(Errc::malformed, "the response to a challenge must be a JSON object, usually {}");
  return {};
}

}  // namespace lenscap::acme
