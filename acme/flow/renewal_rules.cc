#include "acme/flow/renewal_rules.h"

#include <algorithm>

namespace lenscap::acme {
namespace {

constexpr Seconds kAskAgain = 6 * kHour;         // RFC 9773 4.3.2 leaves it to the server; its example has six hours
constexpr Seconds kAskAgainWhenRevoked = kHour;  // until the owner is seen to have a new one

}  // namespace

SuggestedWindow suggested_window(Time not_before, Time not_after, std::optional<Time> revoked, RenewalRule const& rule,
                                 Time now) {
  if (revoked) {
    // Well in the past also for a client whose clock is behind.
    Time const end = std::min(*revoked, now) - kHour;
    return {end - kDay, end, kAskAgainWhenRevoked};
  }
  Seconds const lifetime = not_after - not_before + Seconds(1);  // both ends belong to it
  Time const start = not_before + lifetime * rule.from_percent / 100;
  Time const end = not_before + lifetime * rule.until_percent / 100;
  return {start, std::max(end, start + Seconds(1)), kAskAgain};
}

Result<Replacement> judge_replaces(std::string const& asked, std::optional<Predecessor> const& predecessor,
                                   std::string const& account_id, std::vector<Identifier> const& identifiers,
                                   Policy const& policy) {
  auto const unusable = [&](Errc code, std::string why) -> Result<Replacement> {
    if (policy.replaces == ReplacesPolicy::strict) return Error(code, "replaces: " + why);
    return Replacement{{}, std::move(why)};
  };
  if (!predecessor) return unusable(Errc::malformed, "this names no certificate that was issued here");
  if (predecessor->account_id != account_id)
    return unusable(Errc::unauthorized, "this certificate was not issued to this account");
  auto const is_shared = [&](Identifier const& identifier) {
    return std::find(identifiers.begin(), identifiers.end(), identifier) != identifiers.end();
  };
  if (std::none_of(predecessor->identifiers.begin(), predecessor->identifiers.end(), is_shared))
    return unusable(Errc::malformed, "this certificate and the order have no name in common");
  if (!predecessor->replaced_by.empty())
    return Error(Errc::already_replaced,
                 "another order of this account replaces this certificate already; go on with "
                 "that one, or leave replaces out");
  return Replacement{asked, {}};
}

bool is_timely_renewal(Predecessor const& predecessor, std::vector<Identifier> const& identifiers, Policy const& policy,
                       Time now) {
  auto const is_held = [&](Identifier const& identifier) {
    return std::ranges::find(predecessor.identifiers, identifier) != predecessor.identifiers.end();
  };
  if (!std::ranges::all_of(identifiers, is_held)) return false;
  auto const* profile = policy.find_profile(predecessor.profile);
  auto const window = suggested_window(predecessor.not_before, predecessor.not_after, predecessor.revoked,
                                       profile != nullptr ? profile->renewal : RenewalRule{}, now);
  return window.start <= now && now <= predecessor.not_after;
}

}  // namespace lenscap::acme
