// A JWK that is accepted is a good key, and its short form reads back as the same key with the same thumbprint.
#include <cstdint>

#include "acme/wire/jwk.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace lenscap;
  auto const object = json::parse_object(as_text({data, size}));
  if (!object.ok()) return 0;
  auto const jwk = acme::read_jwk(*object);
  if (!jwk.ok()) return 0;
  if (!x509::check_key(jwk->key, true).ok()) bug("a bad key was accepted");
  auto const again = acme::read_jwk(acme::to_jwk(jwk->key));
  if (!again.ok() || !(again->key == jwk->key)) bug("a JWK does not survive a round trip");
  auto const print = acme::thumbprint(jwk->key);
  if (print.size() != 43 || print != acme::thumbprint(again->key)) bug("another thumbprint");
  return 0;
}
