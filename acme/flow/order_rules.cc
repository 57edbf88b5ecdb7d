#include "acme/flow/order_rules.h"

#include <algorithm>

#include "acme/flow/settle.h"
#include "acme/flow/terms_rules.h"
#include "base/random.h"

namespace lenscap::acme {
namespace {

// The profile that counts, if this account may have it now: what was asked for, else the first (profiles-4-1,
// profiles-4-3). A profile that takes names from the order is for accounts whose scope lists it, and for no other.
Result<ProfileRule const*> choose_profile(Scope const& scope, std::optional<std::string> const& asked,
                                          Policy const& policy) {
  std::vector<std::string> allowed = scope.profiles;
  if (allowed.empty()) {
    auto const is_for_all = [](ProfileRule const& rule) { return !rule.names_from_order; };
    auto const first = std::find_if(policy.profiles.begin(), policy.profiles.end(), is_for_all);
    if (first != policy.profiles.end()) allowed.push_back(first->name);
  }
  if (allowed.empty()) return Error(Errc::invalid_profile, "this server has no profile to issue by");
  std::string const& name = asked ? *asked : allowed.front();
  bool const is_allowed = std::find(allowed.begin(), allowed.end(), name) != allowed.end();
  auto const* rule = policy.find_profile(name);
  if (is_allowed && rule != nullptr) return rule;
  std::string list;
  for (auto const& candidate : allowed) list += (list.empty() ? "" : ", ") + candidate;
  return Error(Errc::invalid_profile, "this account has no such profile; it may use: " + list);
}

// `context`: an OrderContext or a FinalizeContext.
template <class Context>
Result<> check_live_names(Scope const& scope, std::vector<Identifier> const& identifiers, Context const& context) {
  if (!scope.live_names_max) return {};
  std::size_t added = 0;
  for (auto const& identifier : identifiers) {
    bool const is_live = identifier.dns() != nullptr ? context.already_live.dns.contains(*identifier.dns())
                                                     : context.already_live.ip.contains(*identifier.ip());
    if (!is_live) ++added;
  }
  if (added == 0 || context.live_names + added <= *scope.live_names_max) return {};
  return rate_limited("this account may have " + std::to_string(*scope.live_names_max) +
                      " names with a live certificate, and has " + std::to_string(context.live_names) +
                      "; revoke some, or ask for a wider external account key");
}

bool is_usable(Authorization const& authorization, Time now) {
  return authorization.status == AuthorizationStatus::valid && now < authorization.expires;
}

// Why an authorization can never be used for an order any more; nothing while it may still be.
std::optional<SubError> why_dead(Authorization const& authorization, Time now) {
  if (is_usable(authorization, now)) return std::nullopt;
  if (authorization.status == AuthorizationStatus::pending && now < authorization.expires) return std::nullopt;
  SubError dead{Errc::unauthorized, "its authorization is " + std::string(to_string(authorization.status)),
                std::string(to_string(authorization.identifier.type())), ordered_identifier(authorization).value()};
  if (authorization.status == AuthorizationStatus::pending || authorization.status == AuthorizationStatus::valid) {
    dead.detail = "its authorization has expired";
  }
  if (authorization.status == AuthorizationStatus::invalid) {
    for (auto const& challenge : authorization.challenges) {
      if (!challenge.error) continue;
      dead.code = challenge.error->code();
      dead.detail = challenge.type + ": " + challenge.error->detail();
    }
  }
  return dead;
}

Authorization const* find_authorization(std::span<Authorization const> authorizations, std::string const& id) {
  auto const it = std::find_if(authorizations.begin(), authorizations.end(),
                               [&](auto const& authorization) { return authorization.id == id; });
  return it != authorizations.end() ? &*it : nullptr;
}

Error not_ready(Order const& order) {
  return Error(Errc::order_not_ready,
               "the order is " + std::string(to_string(order.status)) +
                   (order.status == OrderStatus::pending ? "; complete its authorizations first" : ""));
}

bool is_part(x509::NameSet const& some, x509::NameSet const& all) {
  return !some.empty() && std::includes(all.dns.begin(), all.dns.end(), some.dns.begin(), some.dns.end()) &&
         std::includes(all.ip.begin(), all.ip.end(), some.ip.begin(), some.ip.end());
}

// 8555-7.4-5
Result<> check_names(Order const& order, x509::Csr const& csr, ProfileRule const& profile) {
  auto const ordered = to_name_set(order.identifiers);
  auto const is_ordered = [&](std::string const& name) {
    auto const host = Identifier::from_host(name);
    return host.ok() && std::find(order.identifiers.begin(), order.identifiers.end(), *host) != order.identifiers.end();
  };
  bool const is_common_name_ordered = csr.common_name.empty() || is_ordered(csr.common_name);
  if (csr.names == ordered && is_common_name_ordered) return {};
  if (!is_common_name_ordered) {
    return Error(Errc::bad_csr, "the CSR's common name is not one of the order's names (" + ordered.text() + ")");
  }
  if (profile.names_from_order && (!csr.has_subject_alt_name || is_part(csr.names, ordered))) return {};
  return Error(Errc::bad_csr, "the CSR names " + (csr.names.empty() ? std::string("nothing") : csr.names.text()) +
                                  "; the order names " + ordered.text());
}

// Does the scope still allow what the authorizations were given for?
Result<> check_scope(Order const& order, Scope const& scope, std::span<Authorization const> authorizations) {
  std::vector<SubError> refused;
  for (auto const& identifier : order.identifiers) {
    auto const allowed = access(scope, identifier);
    bool const was_granted =
        std::any_of(authorizations.begin(), authorizations.end(), [&](Authorization const& authorization) {
          return !authorization.granted.empty() && ordered_identifier(authorization) == identifier;
        });
    if (allowed == Access::refuse || (was_granted && allowed != Access::grant)) {
      refused.push_back({Errc::rejected_identifier, "this account may not ask for this name any more",
                         std::string(to_string(identifier.type())), identifier.value()});
    }
  }
  if (!refused.empty()) return refuse_identifiers(std::move(refused));
  return {};
}

}  // namespace

bool is_final(OrderStatus status) { return status == OrderStatus::valid || status == OrderStatus::invalid; }

Result<NewOrder> new_order(Account const& account, Scope const& scope, NewOrderRequest const& request,
                           OrderContext const& context, Policy const& policy, Time now) {
  CHECK_OK(check_valid(account));
  CHECK_OK(check_agreed(account, policy));
  CHECK_OK(check_issue_until(scope, now));
  if (request.identifiers.empty() || request.identifiers.size() > policy.identifiers_max) {
    return Error(Errc::malformed, "an order names 1 to " + std::to_string(policy.identifiers_max) + " identifiers");
  }
  Replacement replacement;
  if (request.replaces) {
    TRY(replacement, judge_replaces(*request.replaces, context.predecessor, account.id, request.identifiers, policy));
  }
  // 8555-10.3-1. A renewal is not held up by it (9773-5-5): there are only so many certificates to replace, each once.
  if (replacement.replaces.empty() && context.pending_orders >= policy.pending_orders_max) {
    return rate_limited("this account has " + std::to_string(context.pending_orders) +
                        " open orders; finish them or let them expire");
  }
  TRY(auto const* profile, choose_profile(scope, request.profile, policy));
  auto const& issuer = reach_for(scope, context.issuer, policy);
  AskedValidity const validity{request.not_before, request.not_after};
  CHECK_OK(check_validity(validity, *profile, issuer, now, now));

  NewOrder result;
  result.order.id = new_id(now);
  std::vector<Authorization> authorizations;
  std::vector<SubError> refused;
  for (auto const& identifier : request.identifiers) {
    auto settled = settle(account, scope, identifier, context.reusable, policy, issuer, now);
    if (!settled.ok()) {
      refused.push_back({settled.error().code(), settled.error().detail(), std::string(to_string(identifier.type())),
                         identifier.value()});
      continue;
    }
    if (settled->is_new) settled->authorization.id = authorization_id(result.order.id, result.created.size() + 1);
    authorizations.push_back(settled->authorization);
    if (settled->is_new) result.created.push_back(std::move(settled->authorization));
  }
  if (!refused.empty()) return refuse_identifiers(std::move(refused));
  CHECK_OK(check_live_names(scope, request.identifiers, context));
  result.replaces_ignored = std::move(replacement.ignored);
  result.is_timely_renewal =
      !replacement.replaces.empty() && is_timely_renewal(*context.predecessor, request.identifiers, policy, now);

  Order& order = result.order;
  order.replaces = std::move(replacement.replaces);
  order.account_id = account.id;
  order.created = now;
  order.expires = now + policy.pending_lifetime;
  order.identifiers = request.identifiers;
  order.profile = profile->name;
  order.validity = validity;
  for (auto const& authorization : authorizations) {
    order.authorizations.push_back(authorization.id);
    order.expires = std::min(order.expires, authorization.expires);  // it is of no use beyond
  }
  order = update_readiness(std::move(order), authorizations, now);
  return result;
}

Order update_readiness(Order order, std::span<Authorization const> authorizations, Time now) {
  if (order.status != OrderStatus::pending && order.status != OrderStatus::ready) return order;
  bool all_usable = true;
  std::vector<SubError> dead;
  for (std::size_t i = 0; i < order.authorizations.size(); ++i) {
    auto const* authorization = find_authorization(authorizations, order.authorizations[i]);
    if (authorization == nullptr) bug("an order's authorization was not given");
    all_usable = all_usable && is_usable(*authorization, now);
    if (auto why = why_dead(*authorization, now)) dead.push_back(*std::move(why));
  }
  if (!dead.empty()) {
    order.status = OrderStatus::invalid;
    order.error = refuse_identifiers(std::move(dead));
  } else if (all_usable) {
    order.status = OrderStatus::ready;
  }
  return order;
}

Result<CheckedOrder> check_finalize(Order const& order, Account const& account, Scope const& scope,
                                    x509::Csr const& csr, FinalizeContext const& context, Policy const& policy,
                                    Time now) {
  if (order.account_id != account.id) return Error(Errc::not_found, "there is no such order");  // 8555-6.3-5
  CHECK_OK(check_valid(account));
  CHECK_OK(begin_finalize(order, now));  // 8555-7.4-7; the claim itself is made later, in a transaction
  auto const is_good = [&](std::string const& id) {
    auto const* authorization = find_authorization(context.authorizations, id);
    return authorization != nullptr && is_usable(*authorization, now);
  };
  if (!std::all_of(order.authorizations.begin(), order.authorizations.end(), is_good)) {
    return Error(Errc::order_not_ready, "an authorization of the order is not valid any more");  // 8555-7.5.2-1
  }
  CHECK_OK(check_issue_until(scope, now));
  CHECK_OK(check_scope(order, scope, context.authorizations));
  CHECK_OK(check_live_names(scope, order.identifiers, context));
  TRY(auto const* profile, choose_profile(scope, order.profile, policy));
  CHECK_OK(check_validity(order.validity, *profile, reach_for(scope, context.issuer, policy), order.created, now));
  CHECK_OK(check_names(order, csr, *profile));
  if (context.is_account_key || csr.key == account.key) {  // 8555-11.1-1
    return Error(Errc::bad_public_key, "the CSR's key is the key of an account; a certificate needs a key of its own");
  }
  if (context.is_compromised_key) {
    return Error(Errc::bad_public_key, "a certificate of the CSR's key was revoked as compromised; make another key");
  }
  if (context.is_blocked_key)
    return Error(Errc::bad_public_key,
                 "the CSR's key is blocked: nobody gets a certificate for it any more; make another key");
  if (context.is_key_of_another_device) {
    return Error(Errc::bad_public_key,
                 "the CSR's key is that of a certificate in use for other names; make a key for this device");
  }
  CHECK_OK(x509::check_key(csr.key, profile->allow_ed25519));
  return CheckedOrder{order.id,      order.account_id, csr.key, to_name_set(order.identifiers),
                      order.profile, order.validity};
}

Error refuse_shared_prime() {
  return {Errc::bad_public_key,
          "the CSR's key (RSA) shares a prime with the key of another certificate, so anybody can compute both private "
          "keys: a generator that has too little to draw from makes such keys; make another one, best EC P-256"};
}

Result<Order> begin_finalize(Order order, Time now) {
  if (order.status != OrderStatus::ready) return not_ready(order);
  if (now >= order.expires) return Error(Errc::order_not_ready, "the order has expired; make a new one");
  order.status = OrderStatus::processing;
  return order;
}

Result<Order> complete_order(Order order, std::string certificate) {
  if (order.status != OrderStatus::processing) return not_ready(order);
  order.status = OrderStatus::valid;
  order.certificate = std::move(certificate);
  return order;
}

Result<Order> fail_order(Order order, Error why) {
  if (is_final(order.status)) return not_ready(order);
  order.status = OrderStatus::invalid;
  order.error = std::move(why);
  return order;
}

Result<Order> return_to_ready(Order order) {
  if (order.status != OrderStatus::processing) return not_ready(order);
  order.status = OrderStatus::ready;
  return order;
}

Order expire_order(Order order, Time now) {
  bool const is_open = order.status == OrderStatus::pending || order.status == OrderStatus::ready;
  if (!is_open || now < order.expires) return order;
  order.status = OrderStatus::invalid;
  order.error = Error(Errc::order_not_ready, "the order expired at " + to_rfc3339(order.expires));
  return order;
}

}  // namespace lenscap::acme
