// Refusals of those who are known, on their way into the audit trail (acme/flow/refusal_tally.h says how many entries
// there may be). A request waits for nothing here: the server's chores write what was gathered, in one transaction. So
// a kill of the process loses the refusals of the last minute, and the repetitions of the last ten; the log has each.
#pragma once

#include <array>
#include <mutex>
#include <string>

#include "acme/flow/refusal_tally.h"
#include "acme/server/db.h"
#include "base/x509/key.h"

namespace lenscap::acme {

// Who asked. Each kind is counted by itself, so that those of one take no lines from another.
class Asker {
 public:
  static Asker account(std::string id) { return {Kind::account, std::move(id)}; }
  // Who signed with a key that belongs to no account, as a certificate's own key may (8555-7.6-2): known by that alone.
  static Asker key(x509::PublicKey const& key);
  static Asker user(unsigned uid);  // of this machine

 private:
  friend class Refusals;
  enum class Kind { account, key, user };
  Asker(Kind kind, std::string name) : kind_(kind), name_(std::move(name)) {}
  Kind kind_;
  std::string name_;
};

class Refusals {
 public:
  // Safe from any thread. Passes over what is no refusal (acme/flow/refusal_rules.h).
  void note(Asker asker, std::string const& what, Error const& error, Time now);

  // Adds what is due to the trail. Blocks; writes nothing when nothing is due.
  void write_due(Db& db, Time now);
  void write_all(Db& db);

 private:
  // Anybody can make keys, and be refused with each: there are few lines for those.
  static constexpr RefusalTally::Limits kOfStrangers{.lines_max = 16};
  struct Counted {
    std::string name;    // "account ": before the name of one
    std::string others;  // where there are too many
    RefusalTally tally;
  };
  template <class Take>
  void write(Db& db, Take const& take);

  std::mutex mutex_;
  std::array<Counted, 3> counted_{
      // by Asker::Kind
      Counted{"account ", "several accounts", RefusalTally()},
      Counted{"key ", "several keys", RefusalTally(kOfStrangers)},
      Counted{"uid ", "several users", RefusalTally(kOfStrangers)},
  };
};

}  // namespace lenscap::acme
