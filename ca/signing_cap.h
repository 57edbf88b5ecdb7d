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

// What may be signed above the caps of what the CA needs for itself: without a certificate of its own and a signer of
// OCSP answers the server could tell nobody what is revoked, and come back from no restart. Far more than a day of
// restarts takes.
constexpr SigningCaps kOwnReserve{.per_minute = 100, .per_day = 500};

class SigningCap {
 public:
  explicit SigningCap(SigningCaps const& caps) : caps_(caps) {}

  // One was signed at this time.
  void count(Time at);
  // How long to wait for the next one; 0: it may be signed now.
  Seconds wait(Time now);
  // The same for one that the CA needs for itself.
  Seconds wait_for_own(Time now);

 private:
  void put_right(Time now);
  Seconds wait(Time now, SigningCaps const& above);

  SigningCaps caps_;
  std::deque<Time> signed_;  // as far back as a cap looks; never falling
};

}  // namespace lenscap::ca
