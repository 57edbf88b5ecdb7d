#include "agent/length_text.h"

namespace lenscap::agent {

std::string length_text(Seconds length) {
  struct Unit {
    Seconds seconds;
    char const* name;
  };
  for (auto [seconds, name] : {Unit{kDay, "day"}, Unit{kHour, "hour"}, Unit{kMinute, "minute"}}) {
    // A day and a bit is better told in hours.
    if (length < seconds * (seconds == kMinute ? 1 : 2)) continue;
    auto count = length / seconds;
    return std::to_string(count) + " " + name + (count == 1 ? "" : "s");
  }
  return "less than a minute";
}

}  // namespace lenscap::agent
