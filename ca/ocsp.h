// The messages of the Online Certificate Status Protocol (RFC 6960), as this CA answers them: reads a request, says
// what the ledger knows of a certificate, writes an answer. Pure: signer and times are parameters. It does NOT know
// HTTP, which answers may be kept, or where the signer comes from; acme/server/ocsp_responder.h does.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ca/ledger.h"

namespace lenscap::ca {

// A request for one certificate is of some 80 octets with SHA-1 and 110 with SHA-256; a signed one holds a chain.
constexpr std::size_t kOcspRequestBytesMax = 4096;
constexpr std::size_t kOcspCertificatesMax =
    16;  // in one request; clients ask for one (RFC 5019 2.1.1), some for a chain
constexpr std::size_t kOcspNonceOctetsMax = 32;  // RFC 8954 2.1

// Which certificate is meant (4.1.1).
struct OcspCertId {
  Bytes der;  // as it was sent; the answer repeats it
  enum class Hash { sha1, sha256, other } hash = Hash::other;
  Bytes issuer_name_hash;
  Bytes issuer_key_hash;
  std::string serial_hex;  // as the ledger writes it; empty for zero
};

struct OcspRequest {
  std::vector<OcspCertId> certificates;  // at least one
  std::optional<Bytes> nonce;            // the extension's value as it was sent, DER of an OCTET STRING
};

// Errc::malformed, for OcspRefusal::malformed_request: what is no strict DER of an OCSPRequest of version 1, is larger
// than the above, has a nonce of no octets or more than 32 (RFC 8954 2.1), or an extension that is critical and unknown
// here. A signature is not looked at: anybody may ask (4.1.2).
Result<OcspRequest> parse_ocsp_request(ByteView octets);

// Tells whether a CertID means a certificate of this issuer: by SHA-1, as RFC 5019 2.1.1 wants it, or by SHA-256.
class OcspIssuer {
 public:
  explicit OcspIssuer(x509::Certificate const& issuer);
  bool is_of(OcspCertId const& certificate) const;

 private:
  Bytes name_sha1_, name_sha256_, key_sha1_, key_sha256_;
};

// 2.2
struct OcspStatus {
  enum class Kind { good, revoked, unknown } kind = Kind::unknown;
  Time revoked_at{};                             // of `revoked`
  std::optional<x509::RevocationReason> reason;  // of `revoked`, where one was given

  bool operator==(OcspStatus const&) const = default;
};

// Good: this issuer (CertificateRecord::issuer) issued it, and nobody revoked it; whether it has ended does not count.
// What was only about to be signed is unknown, since nobody was given it, unless it was revoked.
OcspStatus find_ocsp_status(store::ReadTxn& txn, std::string_view issuer, std::string_view serial_hex);

struct OcspSingleAnswer {
  Bytes cert_id;  // OcspCertId::der
  OcspStatus status;
};

struct OcspAnswers {
  std::vector<OcspSingleAnswer> answers;
  Time this_update{};  // when the statuses were looked up, and the answer made
  Time next_update{};
  std::optional<Bytes> nonce;  // OcspRequest::nonce
};

// OCSPResponse, `successful`, with a basic response (4.2.1): the responder is named by its key, and its certificate is
// inside.
Bytes sign_ocsp_answers(OcspAnswers const& what, x509::Certificate const& signer, x509::PrivateKey const& key);

// What is answered without a signature (2.3); the values are those of OCSPResponseStatus.
enum class OcspRefusal {
  malformed_request = 1,
  internal_error = 2,
  try_later = 3,
  unauthorized = 6,  // not a CA that we can speak for (RFC 5019 2.2.3)
};
Bytes write_ocsp_refusal(OcspRefusal refusal);

}  // namespace lenscap::ca
