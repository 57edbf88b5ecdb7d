// After a restore: what happened between the back-up and the restore is not on record, so nothing is issued until a
// person has said that he knows. Kept in the ledger, where every intent asks.
#pragma once

#include <optional>

#include "base/time.h"
#include "store/store.h"

namespace lenscap::ca {

struct Gap {
  Time from{};   // the moment that the back-up shows
  Time until{};  // when it was restored

  bool operator==(Gap const&) const = default;
};

// With the restore itself, before anything else happens to the store.
void open_gap(store::WriteTxn& txn, Gap const& gap);
// Nothing when there is none, or when it was closed.
std::optional<Gap> find_gap(store::ReadTxn& txn);
// When this store was last restored, agreed to or not. What was signed before that may be on record on a lost machine
// alone.
std::optional<Time> restored_at(store::ReadTxn& txn);
// Errc::unavailable, with what to do, while there is one.
Result<> check_no_gap(store::ReadTxn& txn);
// A person knows of it. Lifts the clock's mark to `now`: serial numbers begin with their time, so none of the gap comes
// again; and the numbers of revocation lists above those of the gap. Gives the gap, if there was one.
std::optional<Gap> close_gap(store::WriteTxn& txn, Time now);

}  // namespace lenscap::ca
