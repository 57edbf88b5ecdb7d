// Rules for orders (RFC 8555 7.4): create, readiness, finalize, complete, fail, expire. Every function gives the next
// value of an order or says why there is none; a refusal leaves the order as it was.
//
//   pending -> ready -> processing -> valid      pending, ready, processing -> invalid
//   processing -> ready: when the process died after the claim and nothing was issued, and when the signer was not able
//   to sign for a while (return_to_ready)
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "acme/flow/account_rules.h"
#include "acme/flow/authorization.h"
#include "acme/flow/renewal_rules.h"
#include "acme/flow/validity.h"
#include "acme/wire/order.h"
#include "base/x509/csr.h"

namespace lenscap::acme {

struct Order {
  std::string id = {};
  std::string account_id = {};
  OrderStatus status = OrderStatus::pending;
  Time created{};
  Time expires{};
  std::vector<Identifier> identifiers = {};      // never change (8555-7.1.3-3)
  std::vector<std::string> authorizations = {};  // ids, one for each identifier, in the same order; never change
  std::string profile = {};
  AskedValidity validity = {};      // as asked for and accepted
  std::string replaces = {};        // RFC 9773 5: as accepted; empty: nothing
  std::optional<Error> error = {};  // why it is invalid
  std::string certificate = {};     // reference of the certificate, once valid

  bool operator==(Order const&) const = default;
};

// What the store and the CA know that newOrder needs.
struct OrderContext {
  std::vector<Authorization> reusable =
      {};                          // authorizations of the account for names of this order; unfit ones are skipped
  std::size_t pending_orders = 0;  // of the account: pending, ready or processing
  std::size_t live_names = 0;      // of the account; counted only when the scope limits them
  std::optional<Predecessor> predecessor = {};  // that `replaces` names
  x509::NameSet already_live = {};         // those of the order's names that are among them: renewal needs no new room
  std::optional<IssuerReach> issuer = {};  // of the scope's issuer, where it names one; see reach_for()
};

struct NewOrder {
  Order order;
  std::vector<Authorization> created = {};  // to be saved; reused ones are only referred to
  std::string replaces_ignored = {};        // why `replaces` was passed over; empty: it was not
  bool is_timely_renewal = false;           // free of rate limits (renewal_rules.h)
};

// Which identifiers each authorization stands for is settled name by name: granted (born valid, with the reason and one
// challenge in status valid, 8555-7.4.1-1), reused, or to be proved. An order whose authorizations are all valid is
// born ready. Refused identifiers are named one by one (8555-7.4-4).
//   Errc::rejected_identifier  outside the scope, the issuer's name constraints, or what the server can validate
//   Errc::invalid_profile      unknown, or not for this account
//   Errc::rate_limited         too many open orders, or more live names than the scope allows
//   Errc::unauthorized         the scope's issue-until has passed
//   Errc::malformed            notBefore or notAfter outside what the profile gives (8555-7.4-2)
//   Errc::already_replaced, and with ReplacesPolicy::strict others: see judge_replaces
Result<NewOrder> new_order(Account const& account, Scope const& scope, NewOrderRequest const& request,
                           OrderContext const& context, Policy const& policy, Time now);

// Looks at the whole set: a pending order becomes ready when all are valid; a pending or ready one becomes invalid when
// one can no longer be used (8555-7.5.1-7, 8555-7.5.2-1). `authorizations` are those of the order. Other orders stay.
Order update_readiness(Order order, std::span<Authorization const> authorizations, Time now);

// What may be issued for an order: the key and the names, nothing else of the CSR.
struct CheckedOrder {
  std::string order_id = {};
  std::string account_id = {};
  x509::PublicKey key;
  x509::NameSet names = {};
  std::string profile = {};
  AskedValidity validity = {};
};

struct FinalizeContext {
  std::span<Authorization const> authorizations;  // of the order
  bool is_account_key = false;                    // the CSR's key is that of any account (8555-11.1-1)
  // As in OrderContext: several orders may have been made while there was room for one.
  std::size_t live_names = 0;
  x509::NameSet already_live = {};
  bool is_compromised_key = false;         // a certificate of the CSR's key was revoked as keyCompromise
  bool is_blocked_key = false;             // the operator has said that nobody may use the CSR's key
  std::optional<IssuerReach> issuer = {};  // as in OrderContext
  // A certificate of the CSR's key is in use (with another account, or, where the profile asks for one key for each
  // device, with any), and none of that key with a name of the order.
  bool is_key_of_another_device = false;
};

// Everything of 7.4 that can refuse, before anything is built: owner, expiry, ready (8555-7.4-7), authorizations still
// good, profile and scope still allow it, the names (8555-7.4-5), the key. A bad CSR leaves the order ready
// (8555-7.4-6).
//   Errc::not_found        the order is another account's: reads like one that does not exist (8555-6.3-5)
//   Errc::order_not_ready, bad_csr, bad_public_key, invalid_profile, unauthorized
//   Errc::malformed        the validity that the order asks for is over, or the profile was narrowed since
//   Errc::rate_limited     more live names than the scope allows; the order stays ready
// With a profile that takes names from the order, a CSR stands for all names of the order when it has no subjectAltName
// or one with some of them and no other, if its common name is empty or one of them.
Result<CheckedOrder> check_finalize(Order const& order, Account const& account, Scope const& scope,
                                    x509::Csr const& csr, FinalizeContext const& context, Policy const& policy,
                                    Time now);

// What a client is told whose CSR has an RSA key that shares a prime with another one. Whose it is, it is not told.
Error refuse_shared_prime();

// The claim: ready -> processing, for one of two requests at once (8555-7.4-8). Else Errc::order_not_ready.
Result<Order> begin_finalize(Order order, Time now);
// processing -> valid. Errc::order_not_ready from any other status.
Result<Order> complete_order(Order order, std::string certificate);
// pending, ready, processing -> invalid with the reason (8555-7.4-9). Errc::order_not_ready from a final one.
Result<Order> fail_order(Order order, Error why);
// processing -> ready: nothing was issued for the claim. Errc::order_not_ready from any other status.
Result<Order> return_to_ready(Order order);
// pending or ready, and past its time: invalid (8555-7.4-3). Any other order stays as it is.
Order expire_order(Order order, Time now);

bool is_final(OrderStatus status);  // valid or invalid

}  // namespace lenscap::acme
