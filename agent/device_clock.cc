#include "agent/device_clock.h"

#include "agent/length_text.h"

namespace lenscap::agent {
namespace {

constexpr Seconds kUsualLifetime = 90 * kDay;
constexpr Seconds kUsualBackdate = kHour;  // CAs date certificates back by that much, for just such clocks

}  // namespace

std::string clock_note(std::optional<Seconds> const& offset) {
  if (!offset || std::chrono::abs(*offset) <= kClockTolerance) return {};
  return "its clock is " + length_text(std::chrono::abs(*offset)) + (*offset < Seconds(0) ? " behind" : " ahead");
}

DeviceResult<> check_clock(std::optional<Seconds> const& offset, Validity const& validity, Time now) {
  if (!offset) return {};
  Time const there = now + *offset;
  if (there >= validity.not_before && there < validity.not_after) return {};
  std::string const note = clock_note(offset);
  return DeviceError(DeviceErrc::clock_wrong,
                     (note.empty() ? std::string("its clock is off") : note) +
                         ": the certificate would not be valid there. Give the device a time server");
}

Validity expected_validity(std::optional<Validity> const& former, Time now) {
  Seconds const lifetime = former ? former->not_after - former->not_before : kUsualLifetime;
  return {now - kUsualBackdate, now - kUsualBackdate + lifetime};
}

}  // namespace lenscap::agent
