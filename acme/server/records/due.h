// What is due when: one row for each object that time will change, in the order of time, so that a sweep reads what is
// due and nothing else. An order's row stands for its authorizations as well. An object has its row from its creation
// on; whoever sweeps it puts the next one, in the same transaction. Nothing else moves a row: the rules look at the
// object and not at the row, so one that is too early, doubled or without its object does no harm.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "store/store.h"

namespace lenscap::acme {

// A pending order is one that was born so: only those can have validations under way.
enum class DueKind : char { order = 'o', pending_order = 'p', authorization = 'z', account = 'a' };

struct Due {
  Time at{};
  DueKind kind = DueKind::order;
  std::string id = {};

  bool operator==(Due const&) const = default;
};

void put_due(store::WriteTxn& txn, Due const& due);
void erase_due(store::WriteTxn& txn, Due const& due);
// Those at `now` or before, soonest first, at most `count`.
std::vector<Due> list_due(store::ReadTxn& txn, Time now, std::size_t count);

// Orders that were born pending and end in [from, until], soonest first; those behind `after`, at most `count`. What
// became of them meanwhile is to be seen in the order.
std::vector<Due> list_pending_orders(store::ReadTxn& txn, Time from, Time until, Due const& after, std::size_t count);

}  // namespace lenscap::acme
