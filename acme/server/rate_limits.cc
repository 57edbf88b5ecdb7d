#include "acme/server/rate_limits.h"

#include "base/net/address_group.h"

namespace lenscap::acme {
namespace {

std::string key_of(std::string const& account, Identifier const& identifier) {
  return account + " " + std::string(to_string(identifier.type())) + " " + identifier.value();
}

Result<> ask(UseTable& table, std::string_view who, std::string const& what, Time now) {
  auto const wait = table.time_to_wait(who, now);
  if (wait <= Seconds(0)) return {};
  Error error(Errc::rate_limited, "too many " + what + ": at most " + to_string(table.limit()) + "; try again in " +
                                      std::to_string(wait.count()) + " s");
  error.retry_after = wait;
  return error;
}

}  // namespace

RateLimits::RateLimits(RateLimitSettings const& settings)
    : new_accounts_(settings.new_accounts),
      eab_failures_(settings.eab_failures),
      account_changes_(settings.account_changes),
      new_orders_(settings.new_orders),
      orders_for_name_(settings.orders_for_name),
      failed_validations_(settings.failed_validations) {}

Result<> RateLimits::may_make_account(std::string const& peer, Time now) {
  return ask(new_accounts_, net::address_group(peer), "new accounts from this address", now);
}

void RateLimits::account_made(std::string const& peer, Time now) {
  new_accounts_.count_use(net::address_group(peer), now);
}

Result<> RateLimits::may_bind(std::string const& peer, Time now) {
  return ask(eab_failures_, net::address_group(peer), "failed account bindings from this address", now);
}

void RateLimits::binding_failed(std::string const& peer, Time now) {
  eab_failures_.count_use(net::address_group(peer), now);
}

Result<> RateLimits::may_change_account(std::string const& account, Time now) {
  return ask(account_changes_, account, "changes of this account", now);
}

void RateLimits::account_changed(std::string const& account, Time now) { account_changes_.count_use(account, now); }

Result<> RateLimits::may_order(std::string const& account, std::span<Identifier const> identifiers, Time now) {
  CHECK_OK(ask(new_orders_, account, "new orders of this account", now));
  for (auto const& identifier : identifiers)
    CHECK_OK(ask(orders_for_name_, key_of(account, identifier), "new orders for " + identifier.value(), now));
  return {};
}

void RateLimits::order_made(std::string const& account, std::span<Identifier const> identifiers, Time now) {
  new_orders_.count_use(account, now);
  for (auto const& identifier : identifiers) orders_for_name_.count_use(key_of(account, identifier), now);
}

Result<> RateLimits::may_validate(std::string const& account, Identifier const& identifier, Time now) {
  auto const base = identifier.base();
  return ask(failed_validations_, key_of(account, base), "failed validations of " + base.value(), now);
}

void RateLimits::validation_failed(std::string const& account, Identifier const& identifier, Time now) {
  failed_validations_.count_use(key_of(account, identifier.base()), now);
}

}  // namespace lenscap::acme
