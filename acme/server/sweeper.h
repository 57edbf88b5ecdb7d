// Sets right what time or a crash left behind: orders and authorizations past their time, orders in `processing` whose
// process died, validations that were under way. Blocking functions; the server calls them from a thread of its own.
#pragma once

#include "base/time.h"

namespace lenscap::acme {

struct App;

struct SweepResult {
  std::size_t returned_to_ready = 0;  // recover(): claims without a certificate; the next attempt has a new serial
  std::size_t possibly_issued = 0;    // recover(): intents without a certificate, in all
  std::size_t validations = 0;        // recover(): started again
  std::size_t expired = 0;
};

// Once, before requests are served: whatever is `processing` now was left by a process that is gone.
SweepResult recover(App& app, Time now);

// Now and then.
SweepResult sweep(App& app, Time now);

}  // namespace lenscap::acme
