// Which roots this agent trusts, when a root of the CA follows another: a new one is believed when one that is trusted
// already vouches for it, and for nothing that the network says. Asked for once a day; the server is told at the same
// time what is trusted here, so that its operator knows when nobody needs the former root any more.
#pragma once

#include <string>
#include <vector>

#include "agent/runner.h"

namespace lenscap::agent {

constexpr Seconds kAskRoots = kDay;
constexpr Seconds kAskRootsAgain = kHour;  // after a question that nobody answered

// Those of `offered` that are to be trusted from now on beside `trusted`, in the order in which they follow: roots
// whose name and key stand in a certificate, also offered, that a trusted root signed, that is valid at `now`, and that
// has the same name constraints as the root itself. What is limited as issuing certificates are (path length, usages)
// vouches for nobody. Never an older root: who distrusts one does not get it back. No more than kRootsKept in all.
// Pure.
std::vector<x509::Certificate> vouched_for(std::vector<x509::Certificate> const& trusted,
                                           std::vector<x509::Certificate> const& offered, Time now);

// Is the question due?
bool wants_roots(store::ReadTxn& txn, Time now);

// Asks, keeps what is vouched for with the membership, and tells what is trusted then. How many roots are new; they
// count from the next opening of the membership on. The refusals of AcmeClient::roots().
net::Awaitable<Result<std::size_t>> follow_roots(Workshop& shop);

}  // namespace lenscap::agent
