#include "acme/server/audit_watch.h"

#include "acme/server/audit_key.h"
#include "ca/audit_break.h"

namespace lenscap::acme {
namespace {

// 40,000 hashes and as many small JSON texts: some 0.2 s.
constexpr std::size_t kEntriesPerLook = 40'000;
// After this time a walk that has come to the end begins anew.
constexpr Seconds kWalkEvery = kHour;

// One that cannot be read is a fault that is found anyway.
std::optional<ca::SignedAuditHead> begin_of(store::ReadTxn& txn) {
  try {
    return ca::find_audit_begin(txn);
  } catch (store::Broken const&) {
    return std::nullopt;
  }
}

}  // namespace

std::string AuditWatch::find_fault(store::ReadTxn& txn, Time now) {
  auto const own = find_audit_key(txn);
  if (auto const recent = ca::verify_audit_since_head(txn, own); !recent.fault.empty()) return recent.fault;
  auto const end = ca::find_audit_head(txn).value_or(ca::AuditHead{});
  if (walked_.number >= end.number && now - began_ >= kWalkEvery) walked_ = {};
  if (walked_.number == 0) began_ = now;
  auto const walk = ca::verify_audit_trail(txn, own, {}, {.after = walked_, .entries_most = kEntriesPerLook});
  walked_ = walk.last;
  return walk.fault;
}

void AuditWatch::look(Time now) {
  struct Found {
    std::optional<ca::AuditBreak> broken;
    std::optional<ca::SignedAuditHead> begin;
    bool is_new = false;
  };
  auto const look = [&](store::ReadTxn& txn) -> Found {
    if (auto known = ca::find_audit_break(txn)) return {.broken = std::move(known), .begin = {}};
    auto fault = find_fault(txn, now);
    if (fault.empty()) return {};
    return {.broken = ca::AuditBreak{now, std::move(fault)}, .begin = begin_of(txn), .is_new = true};
  };
  auto const found = db_.read_blocking(look);
  // Not if somebody has accepted it since.
  auto const note = [&found](store::WriteTxn& txn) -> Result<> {
    auto const begin = begin_of(txn);
    if (begin.has_value() == found.begin.has_value() && (!begin || begin->head == found.begin->head))
      ca::note_audit_break(txn, *found.broken);
    return {};
  };
  if (found.is_new) (void)db_.write_blocking(note);
  if (found.broken) {
    walked_ = {};
    if (!told_)
      log_.error("audit.trail_changed",
                 {{"why", found.broken->fault},
                  {"found", to_rfc3339(found.broken->found)},
                  {"what", "nothing is issued and no head is signed; revocation and lists go on"},
                  {"what_to_do", "lenscap-ca audit verify; see docs/operations.md, The audit trail"}});
  } else if (told_) {
    log_.info("audit.break_accepted");
  }
  told_ = found.broken.has_value();
}

}  // namespace lenscap::acme
