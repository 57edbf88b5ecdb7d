// The audit trail: what the CA did, for whom, what it refused and by which rule. Entries are only ever added, in the
// same transaction as what they tell of, and each is bound by a hash to all before it.
//
// Guaranteed: who changes, removes, swaps or puts back an entry has to write all later ones anew, and then no head that
// was kept elsewhere fits any more (audit_head.h). Not guaranteed: that nothing was cut off at the end, where no such
// head is at hand.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/time.h"
#include "store/store.h"

namespace lenscap::ca {

// Baseline Requirements 5.4.1, as far as they apply. Each has a word of its own that never changes its meaning.
enum class AuditEvent {
  certificate_issued,
  certificate_revoked,
  request_refused,  // an authenticated one
  account_created,
  account_changed,  // contact, key, end
  eab_created,
  eab_revoked,
  service_started,  // with the issuing key and the profiles that it works by
  clock_accepted,
  restored,
  audit_break_accepted,  // see audit_break.h
  issuer_changed,
  root_changed,
  key_moved,
  backup_made,
  policy_changed,  // the rules that bind issuing
};
std::string_view to_string(AuditEvent event);  // the enumerator's own spelling
std::optional<AuditEvent> audit_event_of(std::string_view word);

struct AuditEntry {
  Time at{};
  AuditEvent event{};
  std::string actor;    // who: "account ID", "operator uid 0", "server"
  std::string subject;  // what: a serial, an account, a key id
  std::string rule;     // by which it was granted or refused: a profile, an error number, an EAB key
  std::string detail;   // for people

  bool operator==(AuditEntry const&) const = default;
};

// A row: what it says, and what binds it to all before it.
struct NumberedEntry {
  std::uint64_t number = 0;
  AuditEntry entry;
  std::string text{};  // the entry as it stands there, octet for octet
  Sha256 hash{};       // of the chain up to and with it, as it stands there
};
constexpr std::size_t kAuditTextMax = 128 * 1024;  // octets of a text; more is no entry of ours
// Of a row's text; the hash stays empty. Errc::malformed.
Result<NumberedEntry> read_audit_entry(std::string_view text);
// The hash of SHA-256 that binds `text` to all before it; `before` is all zero where a chain begins.
Sha256 chain_audit(Sha256 const& before, std::string_view text);

// Adds the entry behind the last one and gives its number: 1, 2, 3 and so on. Whatever stands at the end: what happened
// has to be on record also when somebody else wrote there, and verify_audit finds that.
std::uint64_t append_audit(store::WriteTxn& txn, AuditEntry const& entry);
// Begins a chain that is bound to nothing before it, with this number, which is above that of the last entry. Takes
// away what stands behind it: rows that are no entries, which no chain could pass. For audit_break.h alone.
void begin_audit_anew(store::WriteTxn& txn, std::uint64_t number, AuditEntry const& entry);

// From this number on, oldest first; false stops. Throws store::Broken at an entry that cannot be read.
void visit_audit(store::ReadTxn& txn, std::uint64_t from,
                 std::function<bool(std::uint64_t number, AuditEntry const&)> const& visit);

// The same for who has to see what is left of a trail that was changed: what cannot be read comes as the error. `key`
// is the row's own, 16 hex digits of its number if it is an entry's.
void visit_audit_rows(store::ReadTxn& txn, std::uint64_t from,
                      std::function<bool(std::string_view key, Result<NumberedEntry> const&)> const& visit);

// How far the trail goes, and a hash of all of it.
struct AuditHead {
  std::uint64_t number = 0;
  Sha256 hash{};

  bool operator==(AuditHead const&) const = default;
};
// Nothing when there is no entry yet. Rows that are no entries count for nothing; of a last entry that cannot be read
// the hash is all zero.
std::optional<AuditHead> find_audit_head(store::ReadTxn& txn);
// The hash of the trail up to and with this entry, as it was written; nothing when there is no such entry.
std::optional<Sha256> find_audit_hash(store::ReadTxn& txn, std::uint64_t number);

struct AuditVerdict {
  AuditHead last;  // the last entry that is good, with all before it
  // What is wrong with the first bad entry, in a sentence that names it; empty when nothing is.
  std::string fault;
};
// A part of the trail.
struct AuditPart {
  // An entry that was found good before, and has to be the same still; without a hash (all zero): a chain begins
  // behind this number.
  AuditHead after = {};
  std::size_t entries_most = std::numeric_limits<std::size_t>::max();
};
// Walks the whole trail or a part of it, and holds it against heads that were kept elsewhere, in any order; an entry is
// read once and forgotten. Of the heads those of the part count.
AuditVerdict verify_audit(store::ReadTxn& txn, std::vector<AuditHead> kept = {}, AuditPart const& part = {});

}  // namespace lenscap::ca
