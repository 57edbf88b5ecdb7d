// A file that holds room on the disk of the state directory and nothing else: when the disk is full to its last octet,
// a person deletes it (docs/when-something-is-wrong.md, "When the disk fills up"), and what has to go on has room at
// once. It is made again when there is enough. No part of a back-up.
#pragma once

#include <cstdint>
#include <string>

#include "acme/server/room_watch.h"
#include "acme/server/settings.h"
#include "base/log.h"

namespace lenscap::acme {

std::string ballast_file(std::string const& state_dir);
std::uint64_t ballast_size(std::string const& state_dir);  // octets; 0: there is none

class Ballast {
 public:
  Ballast(RoomWatch const& room, Settings const& settings, Log log)
      : room_(room),
        state_dir_(settings.state_dir),
        octets_(settings.ballast),
        free_min_(settings.free_space_min),
        log_(std::move(log)) {}

  // Makes it where it is not and there is enough room; removes it where there is to be none. That it cannot be made is
  // in the log, once, and no failure. From one thread. Blocks: an instant, where the file system can allocate.
  void look_after();

 private:
  void tell_lack(std::string const& why);

  RoomWatch const& room_;
  std::string state_dir_;
  std::uint64_t octets_, free_min_;
  Log log_;
  bool is_sure_ = false;  // that the disk holds the room, whoever put the file there
  bool told_lack_ = false;
};

}  // namespace lenscap::acme
