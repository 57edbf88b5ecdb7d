#include "acme/server/room_watch.h"

#include <sys/statvfs.h>

#include <algorithm>

#include "base/time.h"

namespace lenscap::acme {
namespace {

// Somebody has to make room first.
constexpr Seconds kComeAgain{10 * 60};

}  // namespace

RoomLeft RoomWatch::left() const {
  auto const usage = store_.usage();
  RoomLeft left{.disk_free = usage.disk_free, .store_used = usage.used, .store_max = usage.used_max};
  struct statvfs disk {};
  if (::statvfs(state_dir_.c_str(), &disk) == 0) {
    auto const free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    left.disk_free = std::min(free, left.disk_free.value_or(free));
  }
  return left;
}

Result<> RoomWatch::may_begin() const {
  if (look().room != Room::for_old_alone) return {};
  Error error(Errc::unavailable, "this server is short of room and takes nothing new for now; come again later");
  error.retry_after = kComeAgain;
  return error;
}

void RoomWatch::tell() {
  auto const verdict = look();
  if (verdict.room == told_) return;
  told_ = verdict.room;
  switch (verdict.room) {
    case Room::enough:
      log_.info("room.enough");
      return;
    case Room::low:
      log_.warning("room.low", {{"why", verdict.why}});
      return;
    case Room::for_old_alone:
      log_.error("room.none", {{"why", verdict.why}, {"what", "new orders, accounts and authorizations get 503"}});
      return;
  }
}

}  // namespace lenscap::acme
