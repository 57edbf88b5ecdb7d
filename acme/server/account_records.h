// What is saved of an account and of everything that belongs to it at once. No rule is made here.
#pragma once

#include "acme/flow/account_rules.h"
#include "store/store.h"

namespace lenscap::acme {

// An account that is not valid any more, and the end of its open orders for the reason `why` (8555-7.3.6-3).
void save_ended_account(store::WriteTxn& txn, Account const& account, Error const& why);

}  // namespace lenscap::acme
