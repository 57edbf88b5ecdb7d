#include "ca/audit_break.h"

#include <algorithm>

#include "ca/ledger_tables.h"

namespace lenscap::ca {
namespace {

constexpr std::string_view kBreak = "audit_break";
constexpr std::string_view kBegin = "audit_begin";

// A person has to come.
constexpr Seconds kComeAgain{10 * 60};

AuditVerdict bad(std::string fault) { return {.last = {}, .fault = std::move(fault)}; }

std::string stranger(std::string const& where) {
  return where +
         " was signed by another key than this store's: it is of another CA, or one of the two was put in the place of "
         "the true one";
}

}  // namespace

std::optional<SignedAuditHead> find_audit_begin(store::ReadTxn& txn) {
  auto const text = txn.get(tables::kState, kBegin);
  if (!text) return std::nullopt;
  auto begin = read_audit_head(*text);
  if (!begin.ok())
    throw store::Broken("the note of where the audit trail begins anew cannot be read: " + begin.error().detail());
  return *std::move(begin);
}

AuditVerdict verify_audit_trail(store::ReadTxn& txn, std::optional<x509::PublicKey> const& own,
                                std::vector<SignedAuditHead> const& elsewhere, AuditPart part) {
  auto const is_own = [&](SignedAuditHead const& head) { return own && head.key == *own; };
  std::vector<AuditHead> kept;
  std::string fault;
  try {
    if (auto const begin = find_audit_begin(txn)) {
      if (!is_own(*begin)) return bad(stranger("the note of where the trail begins anew"));
      kept.push_back(begin->head);
      if (part.after.number < begin->head.number) part.after = {begin->head.number - 1, {}};
    }
    visit_audit_heads(txn, part.after.number + 1, [&](SignedAuditHead const& head) {
      kept.push_back(head.head);
      if (!is_own(head)) fault = stranger("a head in the store");
    });
  } catch (store::Broken const& broken) {
    fault = broken.what();
  }
  for (auto const& head : elsewhere) {
    kept.push_back(head.head);
    if (!is_own(head)) fault = stranger("the head of entry " + std::to_string(head.head.number));
  }
  auto verdict = verify_audit(txn, std::move(kept), part);
  if (verdict.fault.empty()) verdict.fault = std::move(fault);
  return verdict;
}

AuditVerdict verify_audit_since_head(store::ReadTxn& txn, std::optional<x509::PublicKey> const& own) {
  std::optional<SignedAuditHead> last;
  try {
    last = last_audit_head(txn);
  } catch (store::Broken const& broken) {
    return bad(broken.what());
  }
  return verify_audit_trail(txn, own, {}, {.after = last ? last->head : AuditHead{}});
}

void note_audit_break(store::WriteTxn& txn, AuditBreak const& found) {
  if (txn.get(tables::kState, kBreak)) return;
  txn.put(tables::kState, kBreak, json::write(json::Object{{"found", to_unix(found.found)}, {"fault", found.fault}}));
}

std::optional<AuditBreak> find_audit_break(store::ReadTxn& txn) {
  auto const text = txn.get(tables::kState, kBreak);
  if (!text) return std::nullopt;
  // Whatever stands there, it is no reason to go on.
  AuditBreak found{{}, "the note of it cannot be read"};
  if (auto const object = json::parse_object(*text)) {
    auto const at = json::need_int(*object, "found");
    auto const fault = json::need_string(*object, "fault");
    if (at && fault) found = {from_unix(*at), *fault};
  }
  return found;
}

Result<> check_no_audit_break(store::ReadTxn& txn) {
  if (!find_audit_break(txn)) return {};
  Error error(Errc::unavailable,
              "the record of what this CA did (its audit trail) is not as it was written, so nothing is issued until "
              "its operator has looked into that; come again later");
  error.retry_after = kComeAgain;
  return error;
}

SignedAuditHead accept_audit_break(store::WriteTxn& txn, x509::PrivateKey const& key, AuditEntry const& entry) {
  // Above all that was ever signed for, so that no head of the old chain speaks of the new one.
  auto const number = std::max(find_audit_head(txn).value_or(AuditHead{}).number, forget_unreadable_heads(txn)) + 1;
  begin_audit_anew(txn, number, entry);
  auto head = sign_audit_head(key, {number, find_audit_hash(txn, number).value()}, entry.at);
  txn.put(tables::kState, kBegin, json::write(to_json(head)));
  keep_audit_head(txn, head);
  txn.erase(tables::kState, kBreak);
  return head;
}

}  // namespace lenscap::ca
