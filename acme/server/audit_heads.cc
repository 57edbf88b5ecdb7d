#include "acme/server/audit_heads.h"

#include "acme/server/audit_key.h"
#include "ca/audit_head.h"

namespace lenscap::acme {
namespace {

struct Found {
  std::optional<ca::AuditHead> trail;
  std::optional<ca::SignedAuditHead> last;
  bool fits = true;
};

Found look(store::ReadTxn& txn) {
  Found found{ca::find_audit_head(txn), ca::last_audit_head(txn)};
  if (found.last) found.fits = ca::find_audit_hash(txn, found.last->head.number) == found.last->head.hash;
  return found;
}

void tell(Log const& log, ca::SignedAuditHead const& made) {
  auto const head = ca::to_json(made);
  auto const member = [&head](std::string_view name) { return Log::Field{name, *head.find(name)}; };
  log.info("audit.head",
           {member("number"), member("hash"), member("at"), member("signed"), member("signature"), member("key")});
}

}  // namespace

Result<> sign_audit_head_if_due(store::Store& store, Db& db, Sealer const& sealer, Log const& log, Time now,
                                HeadEffort effort) {
  auto const found = db.read_blocking([](store::ReadTxn& txn) { return look(txn); });
  if (!found.fits) {
    log.error("audit.trail_changed", {{"number", static_cast<std::int64_t>(found.last->head.number)},
                                      {"what_to_do", "see docs/operations.md: lenscap-ca audit verify"}});
    return {};
  }
  if (!found.trail) return {};
  bool const is_new = !found.last || found.last->head.number != found.trail->number;
  if (effort == HeadEffort::when_new ? !is_new : !ca::is_audit_head_due(found.last, found.trail->number, now))
    return {};
  TRY(auto const key, open_audit_key(store, sealer));
  auto const head = ca::sign_audit_head(key, *found.trail, now);
  auto const keep = [&head](store::WriteTxn& txn) -> Result<> {
    ca::keep_audit_head(txn, head);
    return {};
  };
  CHECK_OK(db.write_blocking(keep));
  tell(log, head);
  return {};
}

}  // namespace lenscap::acme
