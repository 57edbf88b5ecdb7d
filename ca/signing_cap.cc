#include "ca/signing_cap.h"

#include <algorithm>

namespace lenscap::ca {
namespace {

// The one that has to be old enough for the next is `most` before the end.
Seconds wait_for(std::deque<Time> const& times, std::size_t most, Seconds window, Time now) {
  if (most == 0 || times.size() < most) return Seconds(0);
  return std::max(Seconds(0), window - (now - times[times.size() - most]));
}

}  // namespace

void SigningCap::count(Time at) {
  if (caps_.per_minute != 0 || caps_.per_day != 0) signed_.push_back(at);
}

Seconds SigningCap::wait(Time now) {
  Seconds const kept = caps_.per_day != 0 ? kDay : kMinute;
  while (!signed_.empty() && signed_.front() + kept <= now) signed_.pop_front();
  while (!signed_.empty() && signed_.back() > now) signed_.pop_back();  // of a clock that was ahead
  return std::max(wait_for(signed_, caps_.per_minute, kMinute, now), wait_for(signed_, caps_.per_day, kDay, now));
}

}  // namespace lenscap::ca
