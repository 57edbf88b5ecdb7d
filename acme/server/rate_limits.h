// The limits of RFC 8555 6.6, for whom they count, and what is said to who meets one. Counted in memory alone, so that
// nobody can make the server write by asking, and forgotten with the process.
//
// Each limit is asked for before something is done (may_...) and counted when it was done, or had failed. Requests that
// are under way at the same moment may therefore go beyond a limit, as many as there are; they are counted all the
// same.
#pragma once

#include <span>
#include <string>

#include "acme/server/use_table.h"
#include "acme/wire/identifier.h"

namespace lenscap::acme {

// [acme.limits]. The defaults are for what goes wrong, not for what is much: a hundred thousand cameras behind one
// account and one address are renewed in a day, and are free of them when they renew by RFC 9773.
struct RateLimitSettings {
  RateLimit new_accounts{1'000, kHour};     // of one address: cameras with a client of their own, behind one router
  RateLimit eab_failures{300, kHour};       // of one address
  RateLimit account_changes{60, kHour};     // of one account: each stays in the audit trail, or is a write at least
  RateLimit new_orders{20'000, kHour};      // of one account
  RateLimit orders_for_name{60, kHour};     // of one account, for one identifier: a device that asks in a loop
  RateLimit failed_validations{20, kHour};  // of one account, for one identifier; each had up to three attempts
  RateLimit validations_of_network{1'200, kMinute};  // attempts towards one /24, or one IPv6 /64
  std::size_t validations_at_host = 8;               // attempts at the same time towards one address
};

// Thread-safe. An address is as in Request::peer; of IPv6 its /64 counts (net::address_group).
// Refusals are Errc::rate_limited, with the seconds to wait (8555-6.6-1, -2).
class RateLimits {
 public:
  explicit RateLimits(RateLimitSettings const& settings);

  // Accounts that exist may be looked up without end.
  Result<> may_make_account(std::string const& peer, Time now);
  void account_made(std::string const& peer, Time now);

  // Asked before a MAC is looked at: so many tries, and no more, has who guesses.
  Result<> may_bind(std::string const& peer, Time now);
  void binding_failed(std::string const& peer, Time now);

  // Whatever an account can say of itself as often as it likes. Not its end: that comes once, and is not put off.
  Result<> may_change_account(std::string const& account, Time now);
  void account_changed(std::string const& account, Time now);

  // For one account, so that none can use up a name for another.
  Result<> may_order(std::string const& account, std::span<Identifier const> identifiers, Time now);
  void order_made(std::string const& account, std::span<Identifier const> identifiers, Time now);

  // May another proof of this name be begun? A wildcard counts as its base.
  Result<> may_validate(std::string const& account, Identifier const& identifier, Time now);
  void validation_failed(std::string const& account, Identifier const& identifier, Time now);

 private:
  UseTable new_accounts_, eab_failures_, account_changes_, new_orders_, orders_for_name_, failed_validations_;
};

}  // namespace lenscap::acme
