// Certificates and requests as a camera makes and reads them, straight on OpenSSL: none of the house's own certificate
// code is used here, so that the simulator judges it from outside.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/ossl.h"
#include "tests/camsim/keys.h"

namespace lenscap::camsim {

using Dn = std::vector<std::pair<std::string, std::string>>;  // {"CN", "cam"} in the order of the DER encoding

struct SelfSigned {
  Dn subject;
  std::vector<std::string> subject_alt_names{};  // "DNS:cam.example", "IP:192.0.2.1"
  long long not_before = 0;                      // Unix seconds
  long long not_after = 0;
};
// SHA-256. Throws ossl::Failure for a subject or name that cannot be encoded.
Bytes make_self_signed(EVP_PKEY* key, SelfSigned const& what);

struct CsrContents {
  ossl::X509NamePtr subject;
  std::vector<std::string> subject_alt_names;
  bool sha1 = false;  // as firmware of long ago signed
};
Bytes make_csr(EVP_PKEY* key, CsrContents const& what);

ossl::X509NamePtr to_name(Dn const& dn);                 // null when a type or value is not usable
std::optional<Dn> parse_rfc4514(std::string_view text);  // "CN=cam,O=Acme": most specific first, escapes undone
ossl::X509NamePtr subject_of(X509* certificate);
std::vector<std::string> subject_alt_names_of(X509* certificate);  // DNS and IP ones
bool is_usable_alt_name(std::string_view name);

ossl::X509Ptr parse_certificate(ByteView der);  // null when it is none
ossl::X509Ptr parse_certificate(Bytes const& der);
// Every certificate of a PEM text, leaf first; empty when one does not parse or there is none.
std::vector<Bytes> parse_pem_chain(std::string_view pem);
KeyRef parse_private_key_der(ByteView der);  // PKCS#8, PKCS#1 or SEC1; null when it is none
KeyRef parse_private_key_pem(std::string_view pem);
KeyRef public_key_of(X509* certificate);

struct Pkcs12 {
  KeyRef key;
  std::vector<Bytes> chain;  // leaf first
};
std::optional<Pkcs12> open_pkcs12(ByteView der, std::string const& passphrase);

std::string to_pem(std::string_view label, ByteView der);
std::string dn_text(X509_NAME const* name);  // "CN=cam, O=Acme"
std::string serial_hex(X509* certificate);
long long not_before_of(X509* certificate);  // Unix seconds
long long not_after_of(X509* certificate);
std::string sha256_hex(ByteView data);

}  // namespace lenscap::camsim
