// Refusals of requests whose signature was good and whose account is known, on their way into the audit trail
// (acme/flow/refusal_tally.h says how many entries there may be). A request waits for nothing here: the server's chores
// write what was gathered, in one transaction. So a kill of the process loses the refusals of the last minute, and the
// repetitions of the last ten; the log has each.
#pragma once

#include <mutex>

#include "acme/flow/refusal_tally.h"
#include "acme/server/db.h"

namespace lenscap::acme {

class Refusals {
 public:
  // Safe from any thread. Not every answer that is no success is a refusal: a nonce that was used up is the way of the
  // protocol, and a fault of ours judges nobody.
  void note(std::string account, std::string const& what, Error const& error, Time now);

  // Adds what is due to the trail. Blocks; writes nothing when nothing is due.
  void write_due(Db& db, Time now);
  void write_all(Db& db);

 private:
  static void write(Db& db, std::vector<RefusalLine> const& lines);

  std::mutex mutex_;
  RefusalTally tally_;
};

}  // namespace lenscap::acme
