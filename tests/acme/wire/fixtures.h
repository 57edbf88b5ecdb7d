// What the tests of this folder share: keys of the RFCs, files of tests/data, and a JWS put together part by part.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "acme/wire/jws.h"
#include "base/json.h"

namespace lenscap::acme::test {

inline std::string read_data(std::string const& name) {
  std::ifstream file(std::string(LENSCAP_SOURCE_DIR) + "/tests/data/" + name);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.empty()) bug(("cannot read tests/data/" + name).c_str());
  return text;
}

inline json::Array read_cases(std::string const& name) {
  auto const value = json::parse(read_data(name), {.bytes = 1024 * 1024, .depth = 16, .members = 100'000}).value();
  return *value.as_array();
}

inline std::string text_of(json::Object const& object, std::string_view member) {
  return json::need_string(object, member).value();
}

inline json::Object object_of(std::string const& text) { return json::parse_object(text).value(); }

inline x509::PublicKey key_of(json::Object const& jwk) { return read_jwk(jwk).value().key; }

// RFC 7515 A.3.1
inline std::string const kRfcEcJwk = R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                                     R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
// RFC 7515 A.4.1
inline std::string const kRfcP521Jwk =
    R"({"kty":"EC","crv":"P-521",)"
    R"("x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",)"
    R"("y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"})";
// RFC 7638 3.1
inline std::string const kRfcRsaJwk =
    R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPe)"
    R"(bWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZg)"
    R"(nYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF4)"
    R"(4-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})";
// RFC 8037 A.2
inline std::string const kRfcEdJwk =
    R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";

// A flattened JWS of texts; every part can be spoiled before `body`.
struct Parts {
  std::string header = {};
  std::string payload = "{}";
  std::string signature = std::string(86, 'A');  // 64 octets
  std::string extra = {};                        // more members: R"(,"header":{})"

  std::string body() const {
    return R"({"protected":")" + to_base64url(as_bytes(header)) + R"(","payload":")" + to_base64url(as_bytes(payload)) +
           R"(","signature":")" + signature + "\"" + extra + "}";
  }
};

}  // namespace lenscap::acme::test
