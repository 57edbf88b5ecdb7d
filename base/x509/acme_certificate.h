// The certificate that answers tls-alpn-01 (RFC 8737 3): self-signed, one name, and an acmeIdentifier extension with a
// digest. Nothing else of it matters, its dates and subject no more than its key. It is NOT checked here whose name
// and whose digest they are.
#pragma once

#include <optional>
#include <string>

#include "base/digest.h"

namespace lenscap::x509 {

struct AcmeCertificate {
  // Exactly one of the two, as it is written there.
  std::optional<std::string> dns_name = {};
  std::optional<Bytes> ip_address = {};
  Sha256 acme_identifier{};

  bool operator==(AcmeCertificate const&) const = default;
};

// Errc::incorrect_response, saying what is wrong in words of ours (8737-3-2): not one subjectAltName with one name in
// it; the acmeIdentifier missing, there twice, not critical, or not an OCTET STRING of 32 octets and nothing more; not
// signed by its own key.
Result<AcmeCertificate> parse_acme_certificate(ByteView der);

}  // namespace lenscap::x509
