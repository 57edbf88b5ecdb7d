// How many certificates may be signed in a minute and in a day, whoever asks, also when the clock is set back
// meanwhile. Pure: the time is a parameter.
#pragma once

#include <cstddef>
#include <deque>

#include "base/time.h"

namespace lenscap::ca {

struct SigningCaps {
  std::size_t per_minute = 3'000;  // 0: as many as there are
  std::size_t per_day = 100'000;   // 0: as many as there are
};

class SigningCap {
 public:
  explicit SigningCap(SigningCaps const& caps) : caps_(caps) {}

  // One was signed at this time.
  void count(Time at);
  // How long to wait for the next one; 0: it may be signed now.
  Seconds wait(Time now);

 private:
  void put_right(Time now);

  SigningCaps caps_;
  std::deque<Time> signed_;  // as far back as a cap looks; never falling
};

}  // namespace lenscap::ca
