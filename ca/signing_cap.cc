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

// A clock that was put right says less than before. What was signed then counts as of now: forgotten, it could be had
// once more, and at its own time it would have to be waited for.
void SigningCap::put_right(Time now) {
  for (auto at = signed_.rbegin(); at != signed_.rend() && *at > now; ++at) *at = now;
}

void SigningCap::count(Time at) {
  put_right(at);
  if (caps_.per_minute != 0 || caps_.per_day != 0) signed_.push_back(at);
}

Seconds SigningCap::wait(Time now) { return wait(now, {.per_minute = 0, .per_day = 0}); }
Seconds SigningCap::wait_for_own(Time now) { return wait(now, kOwnReserve); }

Seconds SigningCap::wait(Time now, SigningCaps const& above) {
  put_right(now);
  Seconds const kept = caps_.per_day != 0 ? kDay : kMinute;
  while (!signed_.empty() && signed_.front() + kept <= now) signed_.pop_front();
  auto const most = [](std::size_t cap, std::size_t more) { return cap == 0 ? 0 : cap + more; };
  return std::max(wait_for(signed_, most(caps_.per_minute, above.per_minute), kMinute, now),
                  wait_for(signed_, most(caps_.per_day, above.per_day), kDay, now));
}

}  // namespace lenscap::ca
