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

// --- heads that the CA signs by itself ---

// Is it time for another one, when the trail goes to `number` and the last one that was signed is `last`? After 1,000
// entries or ten minutes, when there is something new.
bool is_audit_head_due(std::optional<SignedAuditHead> const& last, std::uint64_t number, Time now);

// They are kept in the store, the latest 1,000 of them: who writes the trail anew has to take them out too, or
// to have the key. Those in the store do not show that the end was cut off by somebody who knows of them.
void keep_audit_head(store::WriteTxn& txn, SignedAuditHead const& head);
std::optional<SignedAuditHead> last_audit_head(store::ReadTxn& txn);
// Those from this number on, oldest first. One that cannot be read or was not signed by the key in it throws
// store::Broken.
void visit_audit_heads(store::ReadTxn& txn, std::uint64_t from,
                       std::function<void(SignedAuditHead const&)> const& visit);

// Takes what is no head out of the store, and gives the highest number that any row of heads has or had: for
// audit_break.h alone.
std::uint64_t forget_unreadable_heads(store::WriteTxn& txn);

}  // namespace lenscap::ca
