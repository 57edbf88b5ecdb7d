// Sets right what time or a crash left behind: expires orders and authorizations, removes what was kept long enough
// (acme/flow/retention_rules.h), gives back orders whose process died while they were `processing`, and takes up
// validations again that were under way. Each finds what it looks for by an index, in transactions of a few objects:
// the writer belongs to the requests. Blocking functions; the server calls them from a thread of its own.
#pragma once

#include <functional>

#include "base/time.h"

namespace lenscap::acme {

struct App;

struct Recovered {
  std::size_t returned_to_ready = 0;  // claims without a certificate; the next attempt has a new serial
  std::size_t possibly_issued = 0;    // intents without a certificate, in all
};

// Once, before requests are served: an order that is `processing` now was left by a process that is gone. Looks at
// intents without a certificate alone, of which each such order has one.
Recovered recover(App& app, Time now);

// Once, when requests are served already: looks at the pending orders of the last day. A validation that has begun
// since goes on as it is. The number of those begun again.
std::size_t resume_validations(App& app, Time now);

struct Swept {
  std::size_t expired = 0;                                   // orders and authorizations that came to their end open
  std::size_t orders = 0, authorizations = 0, accounts = 0;  // removed
  bool more = false;                                         // is something due still? One sweep does a bounded amount
};

// Now and then. `stop`, asked between two transactions, ends it early.
Swept sweep(App& app, Time now, std::function<bool()> const& stop = {});

}  // namespace lenscap::acme
