// Signs how far the audit trail goes, by itself (ca/audit_head.h says when): into the store, and as a line `audit.head`
// into the log, which is the copy that somebody else keeps: journald, syslog, another machine. Such a line is a head
// as it is, for `lenscap-ca audit verify --head`.
#pragma once

#include "acme/server/db.h"
#include "base/log.h"
#include "base/seal.h"
#include "base/time.h"

namespace lenscap::acme {

enum class HeadEffort {
  when_due,
  when_new,  // at the end of the service
};

// Blocks. Where the trail is broken nothing is signed: a new head must not take the place of what shows it. The watch
// (audit_watch.h) says so.
Result<> sign_audit_head_if_due(store::Store& store, Db& db, Sealer const& sealer, Log const& log, Time now,
                                HeadEffort effort = HeadEffort::when_due);

}  // namespace lenscap::acme
