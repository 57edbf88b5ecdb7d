#include "acme/flow/refusal_tally.h"

#include "base/utf8.h"

namespace lenscap::acme {

void RefusalTally::count(Refusal refusal, Time now) {
  auto key = std::pair(refusal.who, refusal.rule);
  auto found = counted_.find(key);
  if (found == counted_.end() && named_ >= limits_.lines_max) {
    key.first.clear();
    refusal.who.clear();
    found = counted_.find(key);
  }
  if (found == counted_.end()) {
    named_ += key.first.empty() ? 0 : 1;
    found = counted_.emplace(std::move(key), Counted{}).first;
  }
  cut_utf8(refusal.what, limits_.text_octets);
  cut_utf8(refusal.detail, limits_.text_octets);
  auto& line = found->second.line;
  if (line.count++ == 0) line.first = now;
  line.last = now;
  line.latest = std::move(refusal);
}

std::vector<RefusalLine> RefusalTally::take_due(Time now) { return take(now, false); }
std::vector<RefusalLine> RefusalTally::take_all() { return take({}, true); }

std::vector<RefusalLine> RefusalTally::take(Time now, bool all) {
  std::vector<RefusalLine> due;
  for (auto at = counted_.begin(); at != counted_.end();) {
    auto& [key, counted] = *at;
    // A clock that was set back far must not keep anybody quiet for longer than a window.
    bool const waits = now < counted.quiet_until && counted.quiet_until <= now + limits_.window;
    if (waits && !all) {
      ++at;
      continue;
    }
    if (counted.line.count == 0) {  // a whole window without one
      named_ -= key.first.empty() ? 0 : 1;
      at = counted_.erase(at);
      continue;
    }
    due.push_back(std::exchange(counted.line, {}));
    counted.quiet_until = now + limits_.window;
    ++at;
  }
  return due;
}

}  // namespace lenscap::acme
