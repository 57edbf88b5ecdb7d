// finalize (RFC 8555 7.4): the issuance cycle. Nothing is signed without a durable intent, no serial twice, and the
// client hears of a certificate only when it is on record:
//   check (pure) -> prepare (no key) -> one transaction: claim the order, record the intent
//   -> finalization.cc: sign once -> one transaction: settle
//   -> answer, `valid` as a rule, or `processing` when the key holder takes its time
// A crash anywhere is repaired by the next start (recovery.h).
#include <algorithm>

#include "acme/server/app.h"
#include "acme/server/caa.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/objects.h"
#include "acme/server/records.h"
#include "acme/server/scope_issuer.h"
#include "acme/server/shared_prime.h"
#include "base/x509/csr.h"
#include "ca/blocked_keys.h"
#include "ca/ledger_visits.h"

namespace lenscap::acme {
namespace {

struct Judged {
  CheckedOrder checked;
  Order order;
  bool counts_names = false;
  std::string only_issuer;  // the account's scope names it; empty: none
};

// For the operator: what keeps the CA from signing, such as its clock or an issuer. The client gets the same as
// a problem.
Error put_off(App const& app, SignedRequest const& request, Error why) {
  if (why.code() == Errc::unavailable || why.code() == Errc::no_issuer)
    app.log.warning("finalize.put_off", {{"order", request.params.at("order")}, {"error", why.detail()}});
  return why;
}

// One key in two devices is one secret in two places, and two cameras that made the same key have a generator that
// cannot be trusted. Where the profile lets it, an account may share a key among what is its own, as web servers do;
// a key that another account's device is known by is refused in any case. Where a certificate of the key shares a name
// with the order it is the same device, come back, perhaps with another account.
bool is_key_of_another_device(store::ReadTxn& txn, x509::PublicKey const& key, Order const& order,
                              bool one_device_per_key, Time now) {
  constexpr int kLookedAt = 64;  // newest first: of one device's key there are two or three in use
  bool is_anothers = false;
  bool is_known_device = false;
  int looked_at = 0;
  ca::visit_by_key(txn, key, [&](ca::CertificateRecord const& record) {
    bool const is_used =
        !record.revocation && record.status != ca::CertificateStatus::not_issued && now < record.not_after;
    auto const names = to_identifiers(record.names);
    auto const is_named = [&](Identifier const& name) { return std::ranges::find(names, name) != names.end(); };
    is_anothers = is_anothers || (is_used && (one_device_per_key || record.subscriber != order.account_id));
    is_known_device = is_known_device || (is_used && std::ranges::any_of(order.identifiers, is_named));
    return !is_known_device && ++looked_at < kLookedAt;
  });
  return is_anothers && !is_known_device;
}

Result<Judged> check(App& app, store::ReadTxn& txn, SignedRequest const& request, x509::Csr const& csr) {
  TRY(auto order, load_order(txn, request.params.at("order"), request.account().id));
  TRY(auto const scope, load_scope(txn, request.account(), app.policy));
  auto const authorizations = load_authorizations(txn, order);
  FinalizeContext context;
  TRY(context.issuer, reach_of(scope, *app.authority, request.now));
  context.authorizations = authorizations;
  auto live = load_live_names(txn, order.account_id, scope, order.identifiers, request.now);
  context.live_names = live.count;
  context.already_live = std::move(live.wanted);
  context.is_account_key = find_account_by_key(txn, csr.key).has_value();  // 8555-11.1-1
  context.is_compromised_key = ca::is_compromised(txn, csr.key);
  context.is_blocked_key = ca::is_blocked(txn, csr.key);
  auto const* profile = app.policy.find_profile(order.profile);  // none: check_finalize refuses
  bool const one_device_per_key = profile != nullptr && profile->one_device_per_key;
  context.is_key_of_another_device = is_key_of_another_device(txn, csr.key, order, one_device_per_key, request.now);
  TRY(auto checked, check_finalize(order, request.account(), scope, csr, context, app.policy, request.now));
  return Judged{std::move(checked), std::move(order), scope.live_names_max.has_value(), scope.issuer};
}

}  // namespace

net::Awaitable<Result<net::Response>> finalize(App& app, SignedRequest const& request) {
  CO_TRY(auto const der, parse_finalize(request.payload, app.settings.csr_padding));
  // A stranger's order is "not found" before its CSR is looked at (8555-6.3-5).
  auto own = [&](store::ReadTxn& txn) { return load_order(txn, request.params.at("order"), request.account().id); };
  CO_TRY(auto const own_order, co_await app.db.read(own));
  CO_TRY(auto const csr, x509::parse_csr(der));

  auto judge = [&](store::ReadTxn& txn) { return check(app, txn, request, csr); };
  auto const judged = co_await app.db.read(judge);  // 8555-7.4-5 .. -7
  if (!judged) co_return put_off(app, request, judged.error());
  auto const& checked = judged->checked;
  CO_CHECK_OK(co_await recheck_caa(app, checked.order_id, checked.account_id, request.now));
  ca::IssueRequest wanted{
      checked.profile,           checked.key, checked.names, csr.common_name, checked.validity.not_before,
      checked.validity.not_after};
  auto prepared = co_await app.issuing.prepare(std::move(wanted), request.now, judged->only_issuer);
  if (!prepared) co_return put_off(app, request, prepared.error());
  auto draft = *std::move(prepared);

  // Behind all that refuses for less: it reads every modulus.
  CO_TRY(auto const compared, co_await compare_primes(app, csr.key));
  auto shared_with = compared.shared_with;
  if (shared_with) {
    co_await block_shared_prime(app, checked.order_id, csr.key, *shared_with, request.now);
    co_return refuse_shared_prime();
  }

  auto claim = [&](store::WriteTxn& txn) -> Result<Order> {
    TRY(auto again, check(app, txn, request, csr));  // what was true a moment ago may not be any more
    shared_with = ca::compare_primes(txn, csr.key, compared.keys).shared_with;
    if (shared_with) return refuse_shared_prime();
    TRY(auto next, begin_finalize(std::move(again.order), request.now));  // 8555-7.4-8: one of two wins
    save_order(txn, next);
    CHECK_OK(ca::record_intent(txn, draft, next.id, next.account_id));
    // From here on they may stand in a certificate: an order that is claimed meanwhile must see them.
    if (again.counts_names) record_live_names(txn, checked.account_id, checked.names, draft.what().not_after);
    return next;
  };
  auto const claimed = co_await app.db.write(claim);
  if (shared_with) co_await block_shared_prime(app, checked.order_id, csr.key, *shared_with, request.now);
  if (!claimed) co_return put_off(app, request, claimed.error());

  ClaimedOrder in_progress{*claimed, checked, std::move(draft)};
  CO_TRY(auto const order, co_await app.finalization.complete(std::move(in_progress)));
  co_return order_response(app.settings.urls, order);
}

}  // namespace lenscap::acme
