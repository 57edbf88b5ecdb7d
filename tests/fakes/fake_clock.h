// A clock that stands still until it is moved, and a sleep that moves it: a test of ten minutes takes none. The clock
// itself is safe from any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>

#include "base/net/awaitable.h"
#include "base/time.h"

namespace lenscap::fakes {

class FakeClock final : public Clock {
 public:
  explicit FakeClock(Time now) : seconds_(to_unix(now)) {}
  Time now() const override { return from_unix(seconds_.load()); }
  void advance(Seconds by) { seconds_ += by.count(); }

  // For whoever waits; it outlives them.
  std::function<net::Awaitable<>(Seconds)> sleep() {
    return [this](Seconds duration) { return sleep_for(duration); };
  }
  Seconds longest_sleep{0};

 private:
  net::Awaitable<> sleep_for(Seconds duration) {
    longest_sleep = std::max(longest_sleep, duration);
    advance(duration);
    co_return;
  }
  std::atomic<long long> seconds_;
};

}  // namespace lenscap::fakes
