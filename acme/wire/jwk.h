// Public keys as JSON Web Keys (RFC 7517, RFC 7518 6, RFC 8037) and their thumbprint (RFC 7638).
#pragma once

#include <optional>

#include "base/json.h"
#include "base/x509/key.h"

namespace lenscap::acme {

struct Jwk {
  x509::PublicKey key;
  std::optional<std::string> alg =
      {};  // the JWK's own `alg`; whoever verifies refuses one that differs from the header's
};

// EC (P-256, P-384, P-521), RSA and OKP (Ed25519). Refused as Errc::malformed: a member of a wrong type, base64url that
// is not strict, coordinates that are not of full length, numbers with leading zeros, private members. Refused as
// Errc::bad_public_key with the reason: an unknown kind or curve, a point off the curve, a key that x509::check_key
// refuses (8555-6.2-13, 8555-6.2-18). So a key that was read is good enough to verify with.
Result<Jwk> read_jwk(json::Object const& object);

json::Object to_jwk(x509::PublicKey const& key);  // required members only, in RFC 7638's order

// base64url of SHA-256 over the canonical JWK (8555-8.1-1): 43 characters. The same for the same key whatever optional
// members its JWK carried.
std::string thumbprint(x509::PublicKey const& key);

}  // namespace lenscap::acme
