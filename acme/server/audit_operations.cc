#include "acme/server/audit_operations.h"

#include "acme/server/audit_changes.h"
#include "acme/server/audit_key.h"
#include "acme/server/db.h"
#include "ca/audit_break.h"
#include "ca/audit_head.h"

namespace lenscap::acme {

using json::Object;

namespace {

// What is on record already, or what is found now. Walks the whole trail: some seconds for a million entries.
std::string find_audit_fault(store::ReadTxn& txn) {
  if (auto const known = ca::find_audit_break(txn)) return known->fault;
  return ca::verify_audit_trail(txn, find_audit_key(txn)).fault;
}

}  // namespace

Result<Object> sign_audit_head(OperationContext const& context, Object const&) {
  TRY(auto const key, open_audit_key(context.store, *context.sealer));
  ca::AuditHead head;
  std::string fault;
  context.store.read([&](store::ReadTxn& txn) {
    fault = find_audit_fault(txn);
    head = ca::find_audit_head(txn).value_or(ca::AuditHead{});
  });
  if (fault.empty()) return ca::to_json(ca::sign_audit_head(key, head, context.now));
  auto const remember = [&](store::WriteTxn& txn) -> Result<> {
    ca::note_audit_break(txn, {context.now, fault});
    return {};
  };
  CHECK_OK(Db(context.store).write_blocking(remember));
  return Error(Errc::conflict, "no head is signed, for the audit trail is not as it was written: " + fault +
                                   ". Find out who could write the store; see docs/operations.md, The audit trail");
}

Result<Object> accept_audit_break(OperationContext const& context, Object const&) {
  TRY(auto const key, open_audit_key(context.store, *context.sealer));
  auto const accept = [&](store::WriteTxn& txn) -> Result<ca::SignedAuditHead> {
    auto const fault = find_audit_fault(txn);
    if (fault.empty()) return Error(Errc::conflict, "the audit trail is as it was written: there is nothing to accept");
    auto const former = ca::find_audit_head(txn).value_or(ca::AuditHead{});
    return ca::accept_audit_break(txn, key,
                                  {.at = context.now,
                                   .event = ca::AuditEvent::audit_break_accepted,
                                   .actor = context.actor,
                                   .subject = "audit trail",
                                   .rule = "audit accept-break",
                                   .detail = fault + "; what came before ended with entry " +
                                             std::to_string(former.number) + ", hash " + to_hex(former.hash)});
  };
  TRY(auto const head, Db(context.store).write_blocking(accept));
  return ca::to_json(head);
}

Result<Object> note_change(OperationContext const& context, Object const& arguments) {
  TRY(auto const command, json::need_text(arguments, "command"));
  TRY(auto const changed, read_changed(arguments));
  context.store.write([&](store::WriteTxn& txn) {
    note_changed(txn, changed, context.actor, std::string(command), context.now);
    return true;
  });
  return Object{{"noted", changed.installed.size() + changed.rules.size()}};
}

}  // namespace lenscap::acme
