// Is a device's clock good enough for certificates? A device that lives in another time serves a certificate which it
// holds for invalid itself, and shows wrong times in everything that it records. Pure.
#pragma once

#include <optional>
#include <string>

#include "agent/device_error.h"
#include "agent/renewal.h"

namespace lenscap::agent {

// Up to this nothing is said: what protocols that compare clocks forgive as well.
constexpr Seconds kClockTolerance = 5 * kMinute;

// "its clock is 3 hours behind", or nothing when that is not worth a word. `offset`: device minus us.
std::string clock_note(std::optional<Seconds> const& offset);

// Refuses (clock_wrong) when a certificate of this validity would not be valid by the device's clock. An offset that is
// not known is no reason to stop.
DeviceResult<> check_clock(std::optional<Seconds> const& offset, Validity const& validity, Time now);

// What a certificate that is ordered now will probably have: as long as the one before it, and an hour back.
Validity expected_validity(std::optional<Validity> const& former, Time now);

}  // namespace lenscap::agent
