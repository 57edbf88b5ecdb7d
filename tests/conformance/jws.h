// Signed requests in their parts, so that a check can make each part wrong. Right ones come from `sign`; nothing here
// refuses anything. RFC 8555 6.2.
#pragma once

#include <string>

#include "base/json.h"
#include "base/x509/key.h"

namespace lenscap::conformance {

std::string algorithm_of(x509::KeyType type);  // "ES256"

// The flattened JWS: members `protected`, `payload`, `signature`. `header` is written as it is; what signs is `key`, by
// its own algorithm, whatever `alg` says.
json::Object sign(x509::PrivateKey const& key, json::Object const& header, std::string_view payload);
// The same over parts that are encoded already.
json::Object sign_encoded(x509::PrivateKey const& key, std::string const& protected_text,
                          std::string const& payload_text);
// r and s as DER instead of side by side: what RFC 7518 3.4 forbids.
json::Object sign_with_der(x509::PrivateKey const& key, json::Object const& header, std::string_view payload);
// By a MAC: external account bindings. `alg` of the header decides between HS256, HS384 and HS512.
json::Object sign_by_mac(ByteView mac_key, json::Object const& header, std::string_view payload);

std::string base64url_of(std::string_view text);
json::Object without(json::Object const& object, std::string_view member);

}  // namespace lenscap::conformance
