// A clock that stands still until it is moved, and a sleep that moves it: a test of ten minutes takes none.
#pragma once

#include <functional>

#include "base/net/awaitable.h"
#include "base/time.h"

namespace lenscap::fakes {

class FakeClock final : public Clock {
 public:
  explicit FakeClock(Time now) : now_(now) {}
  Time now() const override { return now_; }
  void advance(Seconds by) { now_ += by; }

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
  Time now_;
};

}  // namespace lenscap::fakes
