// How much each of many has used of one limit, within fixed memory.
#pragma once

#include <mutex>
#include <string_view>
#include <unordered_map>

#include "acme/flow/rate_limit.h"

namespace lenscap::acme {

// Thread-safe. Holds at most twice `entries_max` uses: when the younger half is full it takes the place of the older
// one, from which uses that are looked at were taken over. So what is forgotten is the oldest, and forgetting is
// lenient: whoever is forgotten begins anew.
class UseTable {
 public:
  static constexpr std::size_t kEntriesMax = 16'384;  // 2 MiB for both halves
  explicit UseTable(RateLimit limit, std::size_t entries_max = kEntriesMax)
      : limit_(limit), entries_max_(entries_max) {}

  RateLimit const& limit() const { return limit_; }
  // How long `who` has to wait; zero: it is allowed now. Counts nothing.
  Seconds time_to_wait(std::string_view who, Time now);
  void count_use(std::string_view who, Time now);

  std::size_t size();  // entries held now

 private:
  // Of a name, which itself is not kept: two names in one entry would share a limit, and are not to be found in 2^64.
  using Entries = std::unordered_map<std::uint64_t, RateUse>;
  RateUse find(std::uint64_t key);            // with the lock
  void keep(std::uint64_t key, RateUse use);  // with the lock

  RateLimit const limit_;
  std::size_t const entries_max_;
  std::mutex mutex_;
  Entries young_, old_;
};

}  // namespace lenscap::acme
