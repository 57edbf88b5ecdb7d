#include "acme/flow/room_rules.h"

#include <algorithm>

namespace lenscap::acme {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kLowFactor = 4;
// Of what the store may grow to. The rest is for revocations, which need little, and for what is under way.
constexpr std::uint64_t kStoreLowPercent = 80;
constexpr std::uint64_t kStoreFullPercent = 95;

RoomVerdict judge_disk(RoomLeft const& left, std::uint64_t free_min) {
  if (free_min == 0 || !left.disk_free || *left.disk_free / kLowFactor >= free_min) return {};
  return {*left.disk_free < free_min ? Room::for_old_alone : Room::low,
          "the disk has " + std::to_string(*left.disk_free / kMiB) + " MiB left"};
}

RoomVerdict judge_store(RoomLeft const& left) {
  if (left.store_max == 0) return {};
  auto const percent = left.store_used / std::max<std::uint64_t>(left.store_max / 100, 1);
  if (percent < kStoreLowPercent) return {};
  return {percent < kStoreFullPercent ? Room::low : Room::for_old_alone,
          "the store has taken " + std::to_string(percent) + " % of what it may grow to"};
}

}  // namespace

RoomVerdict judge_room(RoomLeft const& left, std::uint64_t free_min) {
  auto disk = judge_disk(left, free_min);
  auto store = judge_store(left);
  return disk.room >= store.room ? disk : store;
}

bool may_put_by(RoomLeft const& left, std::uint64_t free_min, std::uint64_t octets) {
  if (!left.disk_free || *left.disk_free < octets) return false;
  auto const afterwards = *left.disk_free - octets;
  return afterwards >= octets && judge_disk({.disk_free = afterwards}, free_min).room == Room::enough;
}

}  // namespace lenscap::acme
