// What becomes of orders, authorizations and accounts with time: expired, kept for a while so that people can look at
// what happened, then removed. Each rule looks at one object at one moment, and says when to look at it again; who
// asks, and how he finds what is due, is in acme/server/sweeper.h. Certificates are never removed: see ca/ledger.h.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "acme/flow/authz_rules.h"
#include "acme/flow/order_rules.h"

namespace lenscap::acme {

// As long as somebody may still ask what happened, and a season longer than a camera is away for repair.
constexpr Seconds kKeepOrders{30 * kDay};
constexpr Seconds kKeepUnusedAccounts{365 * kDay};

struct Retention {
  // An order that failed, from its end on; an order with a certificate, from the end of that on.
  Seconds orders = kKeepOrders;
  // An account that nobody vouched for and that never came to anything. Zero: for ever.
  Seconds unused_accounts = kKeepUnusedAccounts;

  bool operator==(Retention const&) const = default;
};

struct OrderSweep {
  std::optional<Order> changed = {};    // to be saved
  std::vector<std::string> gone = {};   // authorizations to be removed
  std::optional<Time> look_again = {};  // later than now; nothing: the order itself is to be removed
};

// `authorizations`: those of the order that are there still. `certificate_ends`: of an order that has a certificate.
//
// An open order past its time is expired (8555-7.4-3). With the certificate there, authorizations go as soon as they
// have expired: nothing can be made of them, and what they proved is in the log. A failed order keeps its own, since
// they say why it failed; of those that it shares with others some may be gone before.
// No open order ever loses an authorization: it expires at the latest when the first of them does.
OrderSweep sweep_order(Order const& order, std::span<Authorization const> authorizations,
                       std::optional<Time> certificate_ends, Retention const& retention, Time now);

struct AuthorizationSweep {
  std::optional<Authorization> changed = {};  // to be saved
  std::optional<Time> look_again = {};        // later than now; nothing: it is to be removed
};

// One that newAuthz made, so that no order looks after it.
AuthorizationSweep sweep_authorization(Authorization const& authorization, Retention const& retention, Time now);

enum class AccountFate { look_again, keep_for_ever, remove };
struct AccountSweep {
  AccountFate fate = AccountFate::keep_for_ever;
  Time at{};  // look_again: later than now
};

// What the store knows of an account beside its record.
struct AccountUse {
  bool has_certificate = false;  // or had one
  bool has_objects = false;      // orders or authorizations that were not swept yet
};

// For ever: accounts of an external account key, since a key may bind one account only and its client would stand
// outside; deactivated ones, since their key must never be an account's again (8555-7.3.6-2); and those that have or
// had a certificate, whose owner they are. Any other is removed when it has had no order for so long, and its key then
// is unknown: a client that comes back makes a new account. See docs/adr/0013.
AccountSweep sweep_account(Account const& account, AccountUse const& use, Retention const& retention, Time now);

}  // namespace lenscap::acme
