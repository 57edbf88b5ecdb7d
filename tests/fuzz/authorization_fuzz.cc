// Authorizations, challenges, and what clients post to both: what is accepted survives being written and read, never
// names a wildcard, and has no status that RFC 8555 does not have.
#include "acme/wire/authorization.h"
#include "tests/fuzz/objects.h"

using namespace lenscap;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const text = as_text({data, size});
  round_trip(text, acme::parse_authorization);
  round_trip(text, acme::parse_challenge);
  if (auto const authorization = acme::parse_authorization(text); authorization.ok()) {
    if (authorization->identifier.is_wildcard()) bug("an authorization for a wildcard");
    if (acme::to_string(authorization->status).empty()) bug("a status without a text");
  }
  if (auto const identifier = acme::parse_new_authz(text); identifier.ok()) {
    if (!(acme::parse_new_authz(json::write(acme::new_authz_to_json(*identifier))).value() == *identifier))
      bug("another identifier");
  }
  // A response is any object, and a deactivation is one.
  bool const is_object = json::parse_object(text).ok();
  if (acme::parse_challenge_response(text).ok() != is_object)
    bug("a response that is no object, or an object that is none");
  if (acme::parse_deactivation(text).ok() && !is_object) bug("a deactivation that is no object");
  return 0;
}
