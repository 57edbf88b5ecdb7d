#include "acme/server/use_table.h"

#include <cstring>

#include "base/bytes.h"
#include "base/digest.h"

namespace lenscap::acme {
namespace {

std::uint64_t key_of(std::string_view who) {
  auto const hash = sha256(as_bytes(who));
  std::uint64_t key = 0;
  std::memcpy(&key, hash.data(), sizeof key);
  return key;
}

}  // namespace

Seconds UseTable::time_to_wait(std::string_view who, Time now) {
  if (limit_.is_none()) return Seconds(0);
  auto const key = key_of(who);
  std::lock_guard const lock(mutex_);
  return acme::time_to_wait(limit_, find(key), now);
}

void UseTable::count_use(std::string_view who, Time now) {
  if (limit_.is_none()) return;
  auto const key = key_of(who);
  std::lock_guard const lock(mutex_);
  keep(key, acme::count_use(limit_, find(key), now));
}

std::size_t UseTable::size() {
  std::lock_guard const lock(mutex_);
  return young_.size() + old_.size();
}

RateUse UseTable::find(std::uint64_t key) {
  if (auto const it = young_.find(key); it != young_.end()) return it->second;
  auto const it = old_.find(key);
  if (it == old_.end()) return {};
  auto const use = it->second;
  old_.erase(it);
  keep(key, use);
  return use;
}

void UseTable::keep(std::uint64_t key, RateUse use) {
  if (young_.size() >= entries_max_ && !young_.contains(key)) {
    old_ = std::move(young_);
    young_.clear();
  }
  young_[key] = use;
}

}  // namespace lenscap::acme
