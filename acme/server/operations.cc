#include "acme/server/operations.h"

#include "acme/flow/refusal_rules.h"
#include "acme/server/account_operations.h"
#include "acme/server/audit_operations.h"
#include "acme/server/certificate_operations.h"
#include "acme/server/eab_operations.h"
#include "acme/server/issuer_operations.h"
#include "acme/server/key_operations.h"
#include "acme/server/revoke_many.h"
#include "acme/server/root_status.h"
#include "base/utf8.h"

namespace lenscap::acme {
namespace {

constexpr Operation kOperations[] = {
    // name         writes sealer
    {"eab.create", true, true, create_eab},
    {"eab.list", false, false, list_eab},
    {"eab.revoke", true, false, revoke_eab},
    {"cert.list", false, false, list_certificates},
    {"cert.show", false, false, show_certificate},
    {"cert.revoke", true, false, revoke_certificate},
    {"audit.head", true, true, sign_audit_head},
    {"audit.accept_break", true, true, accept_audit_break},
    {"audit.note_change", true, false, note_change},
    {"cert.revoke_unknown", true, false, revoke_unknown},
    {"cert.revoke_many", true, false, revoke_many},
    {"account.list", false, false, list_accounts},
    {"key.block", true, false, block_keys},
    {"key.unblock", true, false, unblock_key},
    {"key.list", false, false, list_blocked_keys},
    {"root.status", false, false, root_status},
    {"issuer.note_revocation", true, false, note_issuer_revocation},
    {"account.agree", true, false, agree_for_account},
    {"account.deactivate", true, false, deactivate_account},
};

}  // namespace

std::string operator_by(unsigned user) { return "operator uid " + std::to_string(user); }

Operation const* find_operation(std::string_view name) {
  for (auto const& row : kOperations)
    if (row.name == name) return &row;
  return nullptr;
}

namespace {

// Lists of names, keys and addresses can be long; that it was asked for, and why not, is what matters.
constexpr std::size_t kArgumentsMost = 512;
constexpr std::size_t kWhyMost = 512;

// Octets that are no text would make an entry that nobody can read.
std::string text_of(std::string text, std::size_t octets) {
  if (!is_utf8(text)) return "(no text)";
  cut_utf8(text, octets);
  return text;
}

void note_refused(Operation const& operation, OperationContext const& context, json::Object const& arguments,
                  Error const& why) {
  ca::AuditEntry const entry{.at = context.now,
                             .event = ca::AuditEvent::request_refused,
                             .actor = context.actor,
                             .subject = std::string(operation.name),
                             .rule = std::string(error_id(why.code())) + " " + std::string(to_string(why.code())),
                             .detail = text_of(why.detail(), kWhyMost) + "; asked for with " +
                                       text_of(json::write(arguments), kArgumentsMost)};
  context.store.write([&](store::WriteTxn& txn) {
    ca::append_audit(txn, entry);
    return true;
  });
}

}  // namespace

Result<json::Object> run_on_record(Operation const& operation, OperationContext const& context,
                                   json::Object const& arguments) {
  auto outcome = operation.run(context, arguments);
  if (!outcome && operation.writes && is_refusal_of_operation(outcome.error()))
    note_refused(operation, context, arguments, outcome.error());
  return outcome;
}

void note_operation(store::WriteTxn& txn, OperationContext const& context, ca::AuditEvent event,
                    std::string const& subject, std::string detail) {
  ca::append_audit(txn, {.at = context.now,
                         .event = event,
                         .actor = context.actor,
                         .subject = subject,
                         .rule = "",
                         .detail = std::move(detail)});
}

}  // namespace lenscap::acme
