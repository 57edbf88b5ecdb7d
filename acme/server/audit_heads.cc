#include "acme/server/audit_heads.h"

#include "acme/server/audit_key.h"
#include "ca/audit_break.h"
#include "ca/audit_head.h"

namespace lenscap::acme {
namespace {

struct Found {
  std::optional<ca::AuditHead> trail;
  std::optional<ca::SignedAuditHead> last;
  bool is_broken = false;
};

Found look(store::ReadTxn& txn) {
  if (ca::find_audit_break(txn)) return {.trail = {}, .last = {}, .is_broken = true};
  bool const fits = ca::verify_audit_since_head(txn, find_audit_key(txn)).fault.empty();
  return {ca::find_audit_head(txn), ca::last_audit_head(txn), !fits};
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
  if (found.is_broken || !found.trail) return {};
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
