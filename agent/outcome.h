// What a journal makes of the device's record (inventory.h): the certificate that is live on it once that is proven,
// and at the end of a run the success or the failure, with what is left over on the device.
#pragma once

#include "agent/journal.h"

namespace lenscap::agent {

// In one transaction: the verified staging becomes the device's live certificate and pin, the predecessors (ours only)
// become left-overs to remove, plain HTTP is not accepted any more, and the failures are forgotten. Repeatable. A bug
// unless the journal is verified.
struct Promoted {
  Journal journal;
  Device device;
};
Promoted promote(Journal journal, Device device, Time now);                 // the values
Promoted promote(store::WriteTxn& txn, std::string_view serial, Time now);  // load, promote, save

// At the end of a run, whatever came of it: the device with the failure or success, and with what is left over on it.
Device with_outcome(Device device, Journal const& journal, Time now);

}  // namespace lenscap::agent
