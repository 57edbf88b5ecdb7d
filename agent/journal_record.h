// A journal in the store. A record that does not parse is store::Broken.
#pragma once

#include "agent/journal.h"

namespace lenscap::agent {

constexpr store::Table kJournals{"journals"};  // key: serial number

json::Object to_json(Journal const& journal);
Result<Journal> parse_journal(std::string_view text);
std::optional<Journal> load_journal(store::ReadTxn& txn, std::string_view serial);
void save_journal(store::WriteTxn& txn, Journal const& journal);

}  // namespace lenscap::agent
