#include "acme/server/account_records.h"

#include "acme/flow/account_end.h"
#include "acme/server/records.h"

namespace lenscap::acme {

void save_ended_account(store::WriteTxn& txn, Account const& account, Error const& why) {
  save_account(txn, account);
  for (auto& order : load_open_orders(txn, account.id)) {
    auto authorizations = load_authorizations(txn, order);
    auto const ended = end_order(std::move(order), std::move(authorizations), why);
    save_order(txn, ended.order);
    for (auto const& authorization : ended.authorizations) save_authorization(txn, authorization);
  }
}

}  // namespace lenscap::acme
