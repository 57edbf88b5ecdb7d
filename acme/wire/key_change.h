// The payload of keyChange (RFC 8555 7.3.5): a JWS, signed by the new key, around the account's URL and its old key. So
// the holder of the new key agrees to what the holder of the old one asks for.
#pragma once

#include <string>
#include <string_view>

#include "acme/wire/jws.h"

namespace lenscap::acme {

struct KeyChange {
  x509::PublicKey new_key;  // it signed the inner JWS; good enough for an account (read_jwk)
  std::string url = {};     // of the inner JWS: whoever decides compares it with the outer one
  std::string account = {};
  x509::PublicKey old_key;
};

// Form, header rules and signature of the inner JWS are checked (8555-7.3.5-1). Whose account and keys these are, and
// whether they fit the outer request, is NOT.
//   Errc::malformed                         no JWS, a kid, a nonce, no url, a wrong signature, members missing
//   Errc::bad_signature_algorithm, bad_public_key   as parse_jws
Result<KeyChange> read_key_change(std::string_view payload);

// For clients: the payload of the outer request. `url` is that of keyChange, `account` the exact URL from Location.
std::string make_key_change(x509::PrivateKey const& new_key, std::string_view url, std::string_view account,
                            x509::PublicKey const& old_key);

}  // namespace lenscap::acme
