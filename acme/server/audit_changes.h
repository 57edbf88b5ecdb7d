// What an auditor has to know of when it changes (audit_inventory.h), and what no single command could tell of for
// sure, since files can be changed by hand, too. What is there is compared with what was last on record, and each
// difference is an entry of the audit trail. A command that changes some of it says so by itself, at once, and the
// difference that the server then sees is laid to whoever ran it.
//
// Not guaranteed: that something is seen that was changed by hand and changed back between two looks, nor who did that.
#pragma once

#include <string>

#include "acme/server/audit_inventory.h"
#include "base/json.h"
#include "base/time.h"
#include "store/store.h"

namespace lenscap::acme {

// What is not as it was; an empty text: it is gone.
struct Changed {
  Inventory installed;
  Inventory rules;

  bool is_nothing() const { return installed.empty() && rules.empty(); }
};
Changed changed_between(OnDisk const& before, OnDisk const& after);
json::Object to_json(Changed const& changed);
Result<Changed> read_changed(json::Object const& arguments);  // Errc::malformed

// An entry for what a command changed ("issuer create"), and a note by which note_changes() knows who did it.
void note_changed(store::WriteTxn& txn, Changed const& changed, std::string const& actor, std::string const& command,
                  Time now);

// In one transaction that compares, adds entries (one for each thing installed, and one for all rules together, whose
// subject is a hash of them), and remembers. Where nothing differs it writes nothing. At the start, and by the chores.
// Blocks.
void note_changes(store::Store& store, Settings const& settings, ca::Authority const& authority, Time now);

}  // namespace lenscap::acme
