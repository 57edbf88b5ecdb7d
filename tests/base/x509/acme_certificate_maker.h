// Certificates for tls-alpn-01, right and wrong, made with OpenSSL's X509 interface.
#pragma once

#include "base/digest.h"
#include "tests/base/x509/chain_maker.h"

namespace lenscap::x509::testing {

inline int acme_identifier_nid() {
  static int const nid = OBJ_create("1.3.6.1.5.5.7.1.31", "acmeIdentifier", "ACME Identifier");
  return nid;
}

// The extension as RFC 8737 wants it, or with other octets as its value.
inline Extension acme_identifier(ByteView value, bool critical = true) {
  return {acme_identifier_nid(), critical, to_bytes(value)};
}
inline Extension acme_identifier(std::string_view key_authorization, bool critical = true) {
  auto const digest = sha256(as_bytes(key_authorization));
  Bytes value{0x04, 0x20};
  value.insert(value.end(), digest.begin(), digest.end());
  return acme_identifier(value, critical);
}

inline PrivateKey const& acme_certificate_key() {
  static auto const key = PrivateKey::generate(KeyType::ec_p256);
  return key;
}

// Self-signed, long expired: its dates do not matter.
inline ossl::X509Ptr acme_certificate(std::vector<Extension> extensions,
                                      PrivateKey const& key = acme_certificate_key()) {
  Spec spec;
  spec.common_name = "ACME Challenge";
  spec.not_before = from_unix(1'000'000'000);
  spec.not_after = from_unix(1'000'000'001);
  spec.extensions = std::move(extensions);
  spec.extended_key_usage.reset();
  return build(spec, key.native(), key.native(), nullptr);
}

}  // namespace lenscap::x509::testing
