// Points in time as whole seconds UTC, the clock as an object that can be replaced, and their text by RFC 3339 and
// HTTP.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lenscap {

using Seconds = std::chrono::seconds;
using Time = std::chrono::sys_seconds;  // seconds since 1970 UTC, without leap seconds

constexpr Seconds kMinute{60};
constexpr Seconds kHour{3600};
constexpr Seconds kDay{86'400};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() const override;
};

std::string to_rfc3339(Time time);  // "2026-01-02T03:04:05Z": no fraction, since certbot once broke on one
Result<Time> parse_rfc3339(std::string_view text);

std::string to_http_date(Time time);  // "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7), whatever the locale
// The form above alone: nobody has sent the two obsolete ones for decades. The day of the week is not looked at.
Result<Time> parse_http_date(std::string_view text);

// "90d", "36h", "15m", "30s"; one number and one unit.
Result<Seconds> parse_duration(std::string_view text);

inline long long to_unix(Time time) { return time.time_since_epoch().count(); }
inline Time from_unix(long long seconds) { return Time(Seconds(seconds)); }

}  // namespace lenscap
