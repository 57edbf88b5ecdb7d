#include "acme/wire/revocation.h"

namespace lenscap::acme {

Result<RevocationRequest> parse_revocation(std::string_view payload) {
  TRY(auto const object, json::parse_object(payload));
  TRY(auto const text, json::need_string(object, "certificate"));
  RevocationRequest request;
  auto der = from_base64url(text);
  if (!der.ok() || der->empty())
    return Error(Errc::malformed, "certificate: must be the base64url of DER, without padding");
  request.certificate = *std::move(der);
  TRY(request.reason, json::get_int(object, "reason"));
  return request;
}

json::Object to_json(RevocationRequest const& request) {
  json::Object object{{"certificate", to_base64url(request.certificate)}};
  if (request.reason) object.set("reason", static_cast<long long>(*request.reason));
  return object;
}

}  // namespace lenscap::acme
