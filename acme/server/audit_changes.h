// What an auditor has to know of when it changes, and what no single command could tell of for sure, since files can be
// changed by hand, too: issuers, roots, where their keys are, the last back-up, and the rules that bind issuing. What
// is there is compared with what was last on record, and each difference is an entry of the audit trail.
//
// Not guaranteed: that something is seen that was changed and changed back between two looks, and who did it.
#pragma once

#include <map>
#include <string>

#include "acme/server/settings.h"
#include "base/time.h"
#include "ca/authority.h"
#include "store/store.h"

namespace lenscap::acme {

// By what it is: "issuer plant4" -> "SHA-256 of its certificate ..."
using Inventory = std::map<std::string, std::string>;

// Issuers, roots, places of keys, the last back-up. Looks at files: may block.
Inventory what_is_installed(Settings const& settings, ca::Authority const& authority);
// The rules by which this process issues: limits of names, profiles, caps, who may order, what has to be proved.
Inventory what_binds_issuing(Settings const& settings, ca::Authority const& authority);

// In one transaction that compares, adds entries (one for each thing installed, and one for all rules together, whose
// subject is a hash of them), and remembers. Where nothing differs it writes nothing. At the start, and by the chores.
// Blocks.
void note_changes(store::Store& store, Settings const& settings, ca::Authority const& authority, Time now);

}  // namespace lenscap::acme
