#include "acme/flow/retention_rules.h"

#include <algorithm>

namespace lenscap::acme {
namespace {

// An order that is being issued past its time: soon over, one way or the other.
constexpr Seconds kLookAtProcessing = kHour;
// What is kept now may not be kept under other settings.
constexpr Seconds kLookAtAccount{30 * kDay};

}  // namespace

OrderSweep sweep_order(Order const& order, std::span<Authorization const> authorizations,
                       std::optional<Time> certificate_ends, Retention const& retention, Time now) {
  OrderSweep swept;
  auto next = expire_order(order, now);
  if (!is_final(next.status)) {
    swept.look_again = next.status == OrderStatus::processing ? now + kLookAtProcessing : next.expires;
    return swept;
  }
  if (next != order) swept.changed = next;

  auto const is_issued = next.status == OrderStatus::valid;
  auto const remove_at = (is_issued ? certificate_ends.value_or(next.expires) : next.expires) + retention.orders;
  auto const is_over = now >= remove_at;
  std::optional<Time> last_ends;  // of the authorizations that stay because they have not expired
  for (auto const& authorization : authorizations) {
    if (authorization.expires > now)
      last_ends = std::max(last_ends.value_or(now), authorization.expires);
    else if (is_issued || is_over)
      swept.gone.push_back(authorization.id);
  }
  if (is_over)
    swept.look_again = last_ends;
  else
    swept.look_again = is_issued && last_ends ? std::min(*last_ends, remove_at) : remove_at;
  return swept;
}

AuthorizationSweep sweep_authorization(Authorization const& authorization, Retention const& retention, Time now) {
  AuthorizationSweep swept;
  if (now < authorization.expires) {
    swept.look_again = authorization.expires;
    return swept;
  }
  auto const remove_at = authorization.expires + retention.orders;
  if (now >= remove_at) return swept;
  auto next = expire_authorization(authorization, now);
  if (next != authorization) swept.changed = std::move(next);
  swept.look_again = remove_at;
  return swept;
}

AccountSweep sweep_account(Account const& account, AccountUse const& use, Retention const& retention, Time now) {
  if (!account.eab_kid.empty() || account.status != AccountStatus::valid || use.has_certificate)
    return {AccountFate::keep_for_ever, {}};
  if (retention.unused_accounts == Seconds(0)) return {AccountFate::look_again, now + kLookAtAccount};
  auto const unused_at = account.created + retention.unused_accounts;
  if (now < unused_at) return {AccountFate::look_again, unused_at};
  if (use.has_objects) return {AccountFate::look_again, now + std::min(kLookAtAccount, retention.unused_accounts)};
  return {AccountFate::remove, {}};
}

}  // namespace lenscap::acme
