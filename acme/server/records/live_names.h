// Which names of an account stand in a certificate that has not ended: for the limit of its EAB key.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "acme/flow/policy.h"
#include "store/store.h"

namespace lenscap::acme {

// The account's names with an unexpired certificate, counted only when the scope limits them.
struct LiveNames {
  std::size_t count = 0;
  x509::NameSet wanted;  // those of `identifiers` that are among them
};
LiveNames load_live_names(store::ReadTxn& txn, std::string_view account, Scope const& scope,
                          std::vector<Identifier> const& identifiers, Time now);
// Names of a certificate that was issued to an account whose scope has a live_names_max: without one nothing is
// counted.
void record_live_names(store::WriteTxn& txn, std::string_view account, x509::NameSet const& names, Time not_after);
// After a revocation: until when the account's name is live now, or nothing. A name that was never counted stays so.
void replace_live_name(store::WriteTxn& txn, std::string_view account, Identifier const& identifier,
                       std::optional<Time> not_after);

// Those of these names whose last certificate has ended.
void remove_ended_names(store::WriteTxn& txn, std::string_view account, std::vector<Identifier> const& identifiers,
                        Time now);

}  // namespace lenscap::acme
