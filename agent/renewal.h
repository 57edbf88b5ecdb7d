// When a device's certificate is renewed, and how long to wait after a failure. Pure: time is a parameter, and what
// looks random is drawn from the device's serial number, so that a restart moves nothing and a fleet is spread out.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace lenscap::agent {

struct Validity {
  Time not_before;
  Time not_after;
  bool operator==(Validity const&) const = default;
};

// What the server suggested (RFC 9773 4.2), when it was asked, and how long that counts.
struct RenewalWindow {
  Time start;
  Time end;
  Time fetched;
  Seconds retry_after{6 * 3600};
  bool operator==(RenewalWindow const&) const = default;
};

// The moment from which on the certificate is due. The server's window counts while it is younger than its Retry-After
// and makes sense; otherwise two thirds of the lifetime, earlier or later by up to a tenth of that. Never so late that
// less than a tenth of the lifetime is left.
Time due_at(Time now, Validity certificate, std::optional<RenewalWindow> const& window, std::string_view serial);
bool is_due(Time now, Validity certificate, std::optional<RenewalWindow> const& window, std::string_view serial);

constexpr Seconds kRetryFloor = 15 * kMinute;
constexpr Seconds kRetryCeiling = kDay;

// How long to wait after so many failures in a row (1 or more): 15 min, doubled each time up to a day, and up to a
// tenth more by serial. When `left` of the certificate's lifetime is known, never more than a quarter of it; but never
// under the floor, whatever happens.
Seconds retry_delay(int failures, std::string_view serial, std::optional<Seconds> left);

}  // namespace lenscap::agent
