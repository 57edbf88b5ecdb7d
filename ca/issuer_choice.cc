#include "ca/issuer_choice.h"

#include <algorithm>

#include "ca/constraint_order.h"

namespace lenscap::ca {

IssuerState state_at(IssuerRule const& issuer, Time now) {
  if (now >= issuer.ends) return IssuerState::ended;
  if (issuer.revoked_at) return IssuerState::revoked;
  if (now >= issuer.retired_from) return IssuerState::retired;
  return now < issuer.active_from ? IssuerState::published : IssuerState::active;
}

std::string_view to_string(IssuerState state) {
  switch (state) {
    case IssuerState::published:
      return "published";
    case IssuerState::active:
      return "active";
    case IssuerState::retired:
      return "retired";
    case IssuerState::revoked:
      return "revoked";
    case IssuerState::ended:
      return "ended";
  }
  bug("unknown IssuerState");
}

namespace {

Result<> check_listed(IssuerRule const& issuer, Profile const& profile) {
  if (issuer.profiles.empty() || std::ranges::find(issuer.profiles, profile.name) != issuer.profiles.end()) return {};
  return Error(Errc::invalid_profile,
               "the issuer " + issuer.name + " does not serve profile " + profile.name + "; see its issuer.toml");
}

Error revoked(IssuerRule const& issuer) {
  constexpr Seconds kComeAgain = 10 * kMinute;  // a person has to make another issuer first
  Error error(Errc::no_issuer, "the issuer " + issuer.name + " is revoked since " + to_rfc3339(*issuer.revoked_at) +
                                   " and signs nothing any more; the operator of this CA makes another one with "
                                   "lenscap-ca issuer roll-over" +
                                   (issuer.name == kDefaultIssuer ? "" : " --of " + issuer.name));
  error.retry_after = kComeAgain;
  return error;
}

}  // namespace

Result<> check_serves(IssuerRule const& issuer, Profile const& profile, Time now, Holder holder) {
  if (profile.signs_ocsp()) return {};
  if (issuer.revoked_at && holder != Holder::server) return revoked(issuer);
  if (now >= issuer.retired_from)
    return Error(Errc::no_issuer, "the issuer " + issuer.name + " is retired since " + to_rfc3339(issuer.retired_from) +
                                      ", and another signs in its place");
  if (now < issuer.active_from)
    return Error(Errc::no_issuer,
                 "the issuer " + issuer.name + " signs only from " + to_rfc3339(issuer.active_from) + " on");
  return check_listed(issuer, profile);
}

Result<> check_fits(IssuerRule const& issuer, Profile const& profile) {
  if (profile.signs_ocsp()) return {};
  CHECK_OK(check_listed(issuer, profile));
  for (auto const usage : profile.extended_key_usage)
    if (std::ranges::find(issuer.usages, usage) == issuer.usages.end())
      return Error(Errc::invalid_profile, "profile " + profile.name + " is for " + std::string(to_string(usage)) +
                                              ", which the chain of the issuer " + issuer.name + " does not allow");
  return {};
}

namespace {

bool may_issue(IssuerRule const& issuer, Profile const& profile, x509::NameSet const& names, Time now) {
  if (state_at(issuer, now) != IssuerState::active || now < issuer.begins) return false;
  if (!check_fits(issuer, profile)) return false;
  return std::ranges::all_of(issuer.limits, [&](NameLimit const& limit) { return limit.constraints.test(names).ok(); });
}

// Does `a` come before `b`, where neither's constraints lie inside the other's?
bool is_later(IssuerRule const& a, IssuerRule const& b) {
  return a.active_from != b.active_from ? a.active_from > b.active_from : a.name < b.name;
}

bool is_inside(IssuerRule const& a, IssuerRule const& b) {
  return is_narrower_or_equal(a.constraints, b.constraints) && !is_narrower_or_equal(b.constraints, a.constraints);
}

}  // namespace

std::optional<std::size_t> choose_issuer(std::vector<IssuerRule> const& all, Profile const& profile,
                                         x509::NameSet const& names, Time now) {
  std::vector<std::size_t> able;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (may_issue(all[i], profile, names, now)) able.push_back(i);
  if (std::ranges::any_of(able, [&](std::size_t i) { return !all[i].is_default; }))
    std::erase_if(able, [&](std::size_t i) { return all[i].is_default; });
  auto const is_wider = [&](std::size_t i) {
    return std::ranges::any_of(able, [&](std::size_t j) { return is_inside(all[j], all[i]); });
  };
  std::optional<std::size_t> best;
  for (std::size_t const i : able)
    if (!is_wider(i) && (!best || is_later(all[i], all[*best]))) best = i;
  return best;
}

std::optional<std::size_t> find_heir(std::vector<IssuerRule> const& all, std::string_view name, Time now) {
  std::optional<std::size_t> heir;
  // Whoever made the rules saw to it that no line goes in a circle; a step for each issuer is as far as one can be.
  for (std::size_t steps = 0; steps <= all.size(); ++steps) {
    auto const is_next = [&](IssuerRule const& each) {
      return heir ? each.replaces == all[*heir].name && each.active_from <= now : each.name == name;
    };
    auto const next = std::ranges::find_if(all, is_next);
    if (next == all.end()) break;
    heir = static_cast<std::size_t>(next - all.begin());
  }
  return heir;
}

namespace {

Result<> check_state(IssuerRule const& issuer, Time now) {
  auto const refuse = [&](std::string const& why) {
    return Error(Errc::no_issuer, "the issuer " + issuer.name + " " + why);
  };
  if (issuer.revoked_at) return revoked(issuer);
  if (now < issuer.active_from) return refuse("signs only from " + to_rfc3339(issuer.active_from) + " on");
  if (now < issuer.begins) return refuse("has a chain that begins only at " + to_rfc3339(issuer.begins));
  if (now >= issuer.ends) return refuse("has a chain that ended at " + to_rfc3339(issuer.ends));
  if (now >= issuer.retired_from)
    return refuse("is retired since " + to_rfc3339(issuer.retired_from) + ", and nothing has taken its place");
  return {};
}

Error only(std::string_view name, Error const& why) {
  return Error(why).with_context("only the issuer " + std::string(name) + " may sign this: ");
}

}  // namespace

Result<std::size_t> heir_at(std::vector<IssuerRule> const& all, std::string_view name, Time now) {
  auto const heir = find_heir(all, name, now);
  if (!heir) return only(name, Error(Errc::no_issuer, "this CA does not have it (any more)"));
  if (auto const able = check_state(all[*heir], now); !able) return only(name, able.error());
  return *heir;
}

Result<std::size_t> choose_heir(std::vector<IssuerRule> const& all, std::string_view name, Profile const& profile,
                                x509::NameSet const& names, Time now) {
  TRY(auto const heir, heir_at(all, name, now));
  if (auto const fits = check_fits(all[heir], profile); !fits) return only(name, fits.error());
  if (auto const may = test_names(all[heir].limits, names); !may) return only(name, may.error());
  return heir;
}

std::size_t default_at(std::vector<IssuerRule> const& all, Time now) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].is_default || now < all[i].active_from) continue;
    if (!found || all[i].active_from > all[*found].active_from) found = i;
  }
  if (found) return *found;
  // None has become active yet: the clock is wrong, and the first says so.
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].is_default) return i;
  bug("a CA without a default issuer");
}

}  // namespace lenscap::ca
