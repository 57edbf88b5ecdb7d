// Asks the ACME server when live certificates are to be renewed (RFC 9773) and writes its windows down, where due_at
// (renewal.h) finds them. Nothing depends on an answer: without one, two thirds of the lifetime count.
#pragma once

#include "agent/runner.h"

namespace lenscap::agent {

// In one round, and so in one minute: a fleet of some thousand certificates is asked about within the six hours for
// which an answer counts.
constexpr std::size_t kAsksPerRound = 50;
// After a question that got no window.
constexpr Seconds kAskAgain = kHour;
// A certificate this young is not asked about (or a tenth of its lifetime, if that is less): a server that wants
// everything renewed at once, always, gets four certificates a day and no more.
constexpr Seconds kAskFirst = 6 * kHour;

// Is there something to ask about this certificate now? Pure.
bool wants_window(LiveCertificate const& live, Time now);

// Serial numbers of the devices to ask about, at most kAsksPerRound; those whose answer is missing longest come first.
std::vector<std::string> windows_to_ask(store::ReadTxn& txn, Time now);

// Asks, one after the other, and saves each answer. Ends at the first question that the server does not answer at all.
// Gives the number of windows that were written. A server without renewal information is asked for its directory alone.
net::Awaitable<std::size_t> ask_windows(Workshop& shop, std::vector<std::string> serials);

}  // namespace lenscap::agent
