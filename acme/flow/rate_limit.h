// How often one may do something (RFC 8555 6.6): a bucket that holds `count` and is filled anew, evenly, in `window`.
// So `count` are allowed at once, and `count` each `window` in the long run. Pure; who is counted, and where, is not
// known here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace lenscap::acme {

struct RateLimit {
  std::int64_t count = 0;  // 0: no limit
  Seconds window = kHour;

  bool is_none() const { return count == 0; }
  bool operator==(RateLimit const&) const = default;
};

// "1000/1h", or "none". At most a million in a day: the arithmetic stays far from its bounds. Errc::settings.
Result<RateLimit> parse_rate_limit(std::string_view text);
std::string to_string(RateLimit const& limit);

// What somebody has used of a limit. In shares of a `count`th of a second, so that whole numbers say it exactly: one
// use costs `window` shares, and each second gives `count` back.
struct RateUse {
  std::int64_t shares = 0;
  Time at{};  // when that was so

  bool operator==(RateUse const&) const = default;
};

// How long until one more is allowed; zero: it is now. A clock that ran back gives nothing back, and takes nothing.
Seconds time_to_wait(RateLimit const& limit, RateUse const& use, Time now);

// One more use, whether or not it was allowed: what was under way already is counted too, but beyond a full bucket
// nothing is owed.
RateUse count_use(RateLimit const& limit, RateUse const& use, Time now);

// Is all given back? Then the use can be forgotten.
bool is_forgettable(RateLimit const& limit, RateUse const& use, Time now);

}  // namespace lenscap::acme
