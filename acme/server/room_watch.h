// Looks whether there is room for something new (acme/flow/room_rules.h): on the disks of the state directory and of
// the store, and in the store itself. For newOrder, newAccount and newAuthz, for /health, and for the log.
#pragma once

#include <cstdint>
#include <string>

#include "acme/flow/room_rules.h"
#include "base/log.h"
#include "base/result.h"
#include "store/store.h"

namespace lenscap::acme {

class RoomWatch {
 public:
  RoomWatch(store::Store& store, std::string state_dir, std::uint64_t free_min, Log log)
      : store_(store), state_dir_(std::move(state_dir)), free_min_(free_min), log_(std::move(log)) {}

  RoomLeft left() const;
  RoomVerdict look() const { return judge_room(left(), free_min_); }
  // Errc::unavailable, with a time to come again. Asks the kernel each time: some microseconds.
  Result<> may_begin() const;
  // Logs what has changed since the last call. From one thread.
  void tell();

 private:
  store::Store& store_;
  std::string state_dir_;
  std::uint64_t free_min_;
  Log log_;
  Room told_ = Room::enough;
};

}  // namespace lenscap::acme
