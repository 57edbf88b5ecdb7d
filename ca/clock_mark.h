// When this machine's clock is not believed: the highest time that ever stood in an intent (ledger.h) or in a
// revocation list that was begun is kept, and a clock that says less signs nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "base/time.h"
#include "store/store.h"

namespace lenscap::ca {

// A clock that runs back more than this is not believed: refusing for a while costs less than certificates from the
// wrong year.
constexpr Seconds kClockStepBack{300};
// When this program was not there yet no clock is right: a machine whose clock has lost its battery begins in 1970, or
// in the year of its firmware. 2026-01-01T00:00:00Z; a release may move it, and a build on another day does not.
constexpr std::int64_t kProgramBegins = 1'767'225'600;
// Refuses (Errc::unavailable, saying what to look at) when `now` lies more than kClockStepBack before `mark`, or before
// kProgramBegins.
Result<> check_clock(std::optional<Time> mark, Time now);
// The highest time that ever stood in an intent or in a list.
std::optional<Time> clock_mark(store::ReadTxn& txn);
// A person says that the clock is right and the mark is not: once, this machine's clock ran ahead. Lowers the mark to
// `now`; gives the former one when it was later.
std::optional<Time> accept_clock(store::WriteTxn& txn, Time now);
// A certificate or a list is made at this time: lifts the mark where it is lower.
void lift_clock_mark(store::WriteTxn& txn, Time time);

}  // namespace lenscap::ca
