// What follows when the audit trail is not as it was written. The break is put on record, and from then on nothing is
// issued to subscribers (ledger.h asks) and no head is signed, until a person has looked and accepts it: then a new
// chain begins, with an entry that says so, and a signed head of that entry tells from where on the trail is to be
// whole. Revocation, lists and what the service needs for them go on.
//
// Not guaranteed: that who can write the store cannot take the record of a break out of it; then the next look finds
// the break again.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "ca/audit_head.h"

namespace lenscap::ca {

// --- looking ---

// The whole trail, or a part of it, from where the chain in force begins, held against the heads in the store and those
// that were kept `elsewhere`. `own` is the key that signs heads; a head of any other key is a fault.
AuditVerdict verify_audit_trail(store::ReadTxn& txn, std::optional<x509::PublicKey> const& own,
                                std::vector<SignedAuditHead> const& elsewhere = {}, AuditPart part = {});
// Does the trail go with the last head that was signed of it, and on from there to its end? Some thousand entries.
AuditVerdict verify_audit_since_head(store::ReadTxn& txn, std::optional<x509::PublicKey> const& own);

// The entry with which the chain in force begins, signed; nothing: it is that of the first one. Throws store::Broken.
std::optional<SignedAuditHead> find_audit_begin(store::ReadTxn& txn);

// --- refusing ---

struct AuditBreak {
  Time found{};
  std::string fault;  // as AuditVerdict's

  bool operator==(AuditBreak const&) const = default;
};
// The first one stays.
void note_audit_break(store::WriteTxn& txn, AuditBreak const& found);
std::optional<AuditBreak> find_audit_break(store::ReadTxn& txn);
// Errc::unavailable, with a time to come again, while there is one. In words for a client.
Result<> check_no_audit_break(store::ReadTxn& txn);

// --- going on ---

// Begins the new chain with `entry`, and forgets the break. `key` signs heads.
SignedAuditHead accept_audit_break(store::WriteTxn& txn, x509::PrivateKey const& key, AuditEntry const& entry);

}  // namespace lenscap::ca
