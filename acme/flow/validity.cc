#include "acme/flow/validity.h"

#include <algorithm>

namespace lenscap::acme {

Result<> check_validity(AskedValidity const& asked, ProfileRule const& profile, IssuerReach const& issuer, Time ordered,
                        Time now) {
  if (!asked.not_before && !asked.not_after) return {};
  Time const begin = ordered - profile.backdate;
  Time const earliest = std::max(begin, issuer.begins);
  // Both ends belong to a certificate's validity (RFC 5280 4.1.2.5).
  Time const latest = std::min(begin + profile.lifetime - Seconds(1), issuer.ends);
  auto const refuse = [&](std::string_view why) {
    return Error(Errc::malformed, std::string(why) + "; certificates of profile " + profile.name +
                                      " ordered now are valid from " + to_rfc3339(earliest) + " to " +
                                      to_rfc3339(latest) +
                                      ": ask for a part of that, or leave notBefore and notAfter out");
  };
  if (asked.not_before && *asked.not_before < earliest) return refuse("notBefore is too early");
  if (asked.not_before && *asked.not_before >= latest) return refuse("notBefore is too late");
  if (asked.not_after && *asked.not_after > latest) return refuse("notAfter is too late");
  if (asked.not_after && *asked.not_after <= now) return refuse("notAfter has passed");
  if (asked.not_before && asked.not_after && *asked.not_after <= *asked.not_before)
    return refuse("notAfter is not after notBefore");
  return {};
}

}  // namespace lenscap::acme
