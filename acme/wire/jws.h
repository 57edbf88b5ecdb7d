// Flattened JSON Web Signatures (RFC 7515 7.2.2) as RFC 8555 6.2 narrows them, and the inner JWS of an external account
// binding (RFC 8555 7.3.4). Reading tells what is there and refuses every wrong form; it does NOT know nonces, accounts
// or URLs, and nothing in a Jws may be believed before `verify` said so.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "acme/wire/jwk.h"
#include "base/secret.h"

namespace lenscap::acme {

// One row for each signature algorithm that works, in order of preference (8555-6.2-10, 8555-6.2-11). The key decides
// the algorithm; the header has to agree (8555-6.2-18).
struct SignatureAlgorithm {
  std::string_view name;         // "ES256": RFC 7518 3.1, RFC 8037 3.1
  x509::KeyType key;             // the one kind of key that it fits
  HashAlgorithm hash;            // ignored by Ed25519
  std::size_t signature_octets;  // of r || s, or of the Ed25519 signature; 0: as long as the modulus
};
std::span<SignatureAlgorithm const> signature_algorithms();
SignatureAlgorithm const* find_signature_algorithm(std::string_view name);  // nullptr: not supported
SignatureAlgorithm const& signature_algorithm_for(x509::KeyType type);

// A JWS whose form is right. Exactly one of `jwk` and `kid` is there.
struct Jws {
  SignatureAlgorithm const* algorithm = nullptr;  // never null in one that was parsed
  std::string nonce = {};
  std::string url = {};
  std::optional<x509::PublicKey> jwk = {};  // well-formed and good enough; whose it is, nobody knows yet
  std::string kid = {};                     // empty when there is a jwk
  std::string payload = {};                 // decoded; empty means POST-as-GET (8555-6.3-2)
  std::string signing_input = {};           // the octets that were signed
  Bytes signature = {};

  bool is_post_as_get() const { return payload.empty(); }
};

// `body` is a whole request body. Everything of RFC 8555 6.2 that needs no more than the text is checked:
//   Errc::malformed                JSON, members, base64url, jwk and kid both or neither, crit, b64, a nonce that is
//   not
//                                  base64url (8555-6.5.2-1), an ECDSA signature of the wrong length
//   Errc::bad_signature_algorithm  an `alg` that is not in the table, does not fit the jwk, or differs from the jwk's
//   own Errc::bad_public_key           see read_jwk Errc::bad_nonce                no nonce (8555-6.5-5)
//   Errc::unauthorized             no url (8555-6.4-1)
Result<Jws> parse_jws(std::string_view body);

// A JWS that is the payload of another one (7.3.5): signed by the key that it carries, with a url and without a nonce
// (8555-7.3.5-1). Everything that parse_jws refuses is refused here too, and as malformed: a kid, a nonce, no url.
Result<Jws> parse_inner_jws(std::string_view body);

// Does the signature belong to `key` (the jwk, or the key of the account that kid names)? A key of another kind than
// the algorithm's is Errc::bad_signature_algorithm; r or s outside 1..n-1 and a wrong signature are Errc::malformed.
Result<> verify(Jws const& jws, x509::PublicKey const& key);

// For clients: a request body. The header carries `kid` unless it is empty, and the key itself (`jwk`) if it is. An
// empty payload makes a POST-as-GET, an empty nonce an inner JWS.
struct SigningHeader {
  std::string url = {};
  std::string nonce = {};
  std::string kid = {};
};
std::string sign_jws(x509::PrivateKey const& key, SigningHeader const& header, std::string_view payload);

// --- external account binding, RFC 8555 7.3.4 ---

enum class MacAlgorithm { hs256, hs384, hs512 };

std::string_view to_string(MacAlgorithm algorithm);  // "HS256"

// The inner JWS of the newAccount field `externalAccountBinding`; its MAC is not checked yet.
struct EabJws {
  MacAlgorithm algorithm = MacAlgorithm::hs256;
  std::string kid = {};  // ASCII (8555-7.3.4-1)
  std::string url = {};
  x509::PublicKey key;  // the payload: the account's key
  std::string signing_input = {};
  Bytes mac = {};
};

// The first two of the five checks (8555-7.3.4-4): a well-formed JWS, and the header rules: MAC algorithm, kid, url, no
// nonce, no jwk (8555-7.3.4-2). Errc::malformed with the reason, or bad_public_key for the payload.
Result<EabJws> read_eab(json::Object const& binding);
// In constant time (8555-7.3.4-6). Errc::unauthorized.
Result<> verify(EabJws const& eab, SecretBytes const& mac_key);
// For clients: the value of `externalAccountBinding`. `url` is that of newAccount.
json::Object make_eab(std::string_view kid, SecretBytes const& mac_key, MacAlgorithm algorithm, std::string_view url,
                      x509::PublicKey const& account_key);

}  // namespace lenscap::acme
