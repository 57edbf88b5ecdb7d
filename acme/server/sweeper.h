// Sets right what time left behind: expires orders and authorizations, removes what was kept long enough
// (acme/flow/retention_rules.h), and takes up validations again that were under way when the process ended. Each finds
// what it looks for by an index, in transactions of a few objects: the writer belongs to the requests. Blocking
// functions; the server calls them from a thread of its own. It does NOT look after orders whose certificate was being
// made: recovery.h.
#pragma once

#include <functional>

#include "base/time.h"

namespace lenscap::acme {

struct App;

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
