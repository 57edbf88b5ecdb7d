// Watches that the audit trail stays as it was written (ca/audit_break.h says what follows when it is not). Each look
// goes over what came since the last signed head, and over a piece of all the rest: a whole trail of usual length at
// the start, and of a long one some ten thousand entries a minute, so that it is walked again and again.
#pragma once

#include "acme/server/db.h"
#include "base/log.h"
#include "base/time.h"
#include "ca/audit.h"

namespace lenscap::acme {

class AuditWatch {
 public:
  AuditWatch(Db& db, Log log) : db_(db), log_(std::move(log)) {}

  // Puts a break on record, and logs what has changed since the last call. Before anything is added at the start, then
  // by the chores. From one thread. Blocks: a quarter of a second at most.
  void look(Time now);

 private:
  std::string find_fault(store::ReadTxn& txn, Time now);

  Db& db_;
  Log log_;
  ca::AuditHead walked_;  // good up to and with this entry
  Time began_{};          // that walk
  bool told_ = false;
};

}  // namespace lenscap::acme
