// When is there too little room to begin something new? A CA whose disk is full can no longer revoke: so it stops
// taking orders, accounts and authorizations while there is enough left for what is under way, for revocations and for
// revocation lists, which go on. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lenscap::acme {

struct RoomLeft {
  std::optional<std::uint64_t> disk_free = {};  // octets; nothing: not known
  std::uint64_t store_used = 0;
  std::uint64_t store_max = 0;  // what the store may grow to; 0: it knows no bound
};

enum class Room { enough, low, for_old_alone };

struct RoomVerdict {
  Room room = Room::enough;
  std::string why = {};  // empty when there is enough; for the operator
};

// `free_min`: of the disk; 0: it is not looked at. Four times as much is low.
RoomVerdict judge_room(RoomLeft const& left, std::uint64_t free_min);

// May so much of the disk be put by (acme/server/ballast.h)? Only where enough is left afterwards, by `free_min` as
// above, and as much again: what is put by must not be what is missing.
bool may_put_by(RoomLeft const& left, std::uint64_t free_min, std::uint64_t octets);

}  // namespace lenscap::acme
