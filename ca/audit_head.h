// A head of the audit trail, signed by a key of its own, to be kept where whoever can write the store cannot: a trail
// that was cut off or written anew does not fit it any more. The signature says that the CA made the head, and keeps
// somebody else from putting another one into the safe.
#pragma once

#include "base/json.h"
#include "base/x509/key.h"
#include "ca/audit.h"

namespace lenscap::ca {

struct SignedAuditHead {
  AuditHead head;
  Time at{};  // of the signature
  x509::PublicKey key;
  Bytes signature;  // ECDSA over SHA-256 of signed_text(), as `openssl dgst -sha256 -verify` reads it
};

SignedAuditHead sign_audit_head(x509::PrivateKey const& key, AuditHead const& head, Time now);

// The octets that are signed, four lines: "lenscap audit head", number, hash in hex, seconds since 1970.
std::string signed_text(AuditHead const& head, Time at);

// Members number, hash, at, signed (the text), signature and key (base64 of the SubjectPublicKeyInfo).
json::Object to_json(SignedAuditHead const& head);
// Errc::malformed for what is no head, Errc::unauthorized when the signature is not that of the key in it. Whose key it
// is, the caller has to know.
Result<SignedAuditHead> read_audit_head(std::string_view text);

}  // namespace lenscap::ca
