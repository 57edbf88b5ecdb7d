// Refusals on their way into the audit trail: those of one who asked by one rule are counted, and told together, so
// that a client that is refused a thousand times a second makes a line every ten minutes. Pure; where the lines go is
// not known here, nor who those are that ask: of each kind (accounts, keys) there is a tally.
//
// Guaranteed: in each `window` there are at most `lines_max` lines, and one more for each rule, whatever clients do.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace lenscap::acme {

struct Refusal {
  std::string who;     // an account, a key
  Errc rule{};         // by which rule
  std::string what;    // what was asked for: a URL of the server
  std::string detail;  // as the client was told

  bool operator==(Refusal const&) const = default;
};

// What is told of a number of them.
struct RefusalLine {
  Refusal latest;  // its `who` is empty when they are of several
  Time first{}, last{};
  std::uint64_t count = 0;

  bool operator==(RefusalLine const&) const = default;
};

class RefusalTally {
 public:
  struct Limits {
    Seconds window{10 * kMinute};
    // 64 accounts with a rule each; who makes more accounts than that in order to be refused is counted with the
    // others. At a kilobyte a line that is 14 MB a day at the very most, and nothing where nobody is refused.
    std::size_t lines_max = 64;
    std::size_t text_octets = 512;  // of `what` and of `detail`
  };
  RefusalTally() : RefusalTally(Limits{}) {}
  explicit RefusalTally(Limits limits) : limits_(limits) {}

  void count(Refusal refusal, Time now);

  // What is to be told now: the first refusal at once, and whatever followed it when the window is over. What was
  // given out is not given out again.
  std::vector<RefusalLine> take_due(Time now);
  // Also what could wait: for the end of the program.
  std::vector<RefusalLine> take_all();

 private:
  struct Counted {
    RefusalLine line;  // since the last one that was told; its count is zero when there was none
    Time quiet_until{};
  };
  std::vector<RefusalLine> take(Time now, bool all);

  Limits limits_;
  std::map<std::pair<std::string, Errc>, Counted> counted_;
  std::size_t named_ = 0;  // of these, how many are of one who is named
};

}  // namespace lenscap::acme
