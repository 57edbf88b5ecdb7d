#include "acme/flow/room_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lenscap::acme {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

struct Case {
  char const* name;
  RoomLeft left;
  std::uint64_t free_min;
  Room room;
  char const* why;
};

TEST(JudgeRoom, TableOfRooms) {
  constexpr auto kMin = 256 * kMiB;
  Case const cases[] = {
      {"nothing is known", {}, kMin, Room::enough, ""},
      {"a GiB", {.disk_free = 1024 * kMiB}, kMin, Room::enough, ""},
      {"less than a GiB", {.disk_free = 1024 * kMiB - 1}, kMin, Room::low, "1023 MiB left"},
      {"just enough", {.disk_free = kMin}, kMin, Room::low, "256 MiB left"},
      {"one octet less", {.disk_free = kMin - 1}, kMin, Room::for_old_alone, "255 MiB left"},
      {"a full disk", {.disk_free = 0}, kMin, Room::for_old_alone, " 0 MiB left"},
      {"the disk is not looked at", {.disk_free = 0}, 0, Room::enough, ""},
      {"another limit", {.disk_free = 9 * kMiB}, 10 * kMiB, Room::for_old_alone, "9 MiB left"},
      {"the store has grown", {.store_used = 799'999, .store_max = 1'000'000}, kMin, Room::enough, ""},
      {"to four fifths", {.store_used = 800'000, .store_max = 1'000'000}, kMin, Room::low, "80 %"},
      {"nearly to its end", {.store_used = 949'999, .store_max = 1'000'000}, kMin, Room::low, "94 %"},
      {"too near", {.store_used = 950'000, .store_max = 1'000'000}, kMin, Room::for_old_alone, "95 %"},
      {"the store alone", {.store_used = 960'000, .store_max = 1'000'000}, 0, Room::for_old_alone, "96 %"},
      {"it counts in large numbers",
       {.store_used = std::uint64_t{62} << 30, .store_max = std::uint64_t{64} << 30},
       kMin,
       Room::for_old_alone,
       "96 %"},
      {"the worse one counts",
       {.disk_free = 300 * kMiB, .store_used = 97, .store_max = 100},
       kMin,
       Room::for_old_alone,
       "97 %"},
      {"the worse one counts, either way",
       {.disk_free = 3 * kMiB, .store_used = 85, .store_max = 100},
       kMin,
       Room::for_old_alone,
       "3 MiB"},
  };
  for (auto const& c : cases) {
    auto const verdict = judge_room(c.left, c.free_min);
    EXPECT_EQ(verdict.room, c.room) << c.name;
    EXPECT_THAT(verdict.why, ::testing::HasSubstr(c.why)) << c.name;
    EXPECT_EQ(verdict.why.empty(), c.room == Room::enough) << c.name;
  }
}

TEST(MayPutBy, OnlyWhatIsNotMissingAfterwards) {
  constexpr auto kBallast = 64 * kMiB;
  struct {
    char const* name;
    RoomLeft left;
    std::uint64_t free_min;
    bool may;
  } const cases[] = {
      {"the disk is not known", {}, 256 * kMiB, false},
      {"a full disk", {.disk_free = 0}, 256 * kMiB, false},
      {"a GiB, and then less", {.disk_free = 1024 * kMiB}, 256 * kMiB, false},
      {"a GiB beside it", {.disk_free = 1088 * kMiB}, 256 * kMiB, true},
      {"one octet less", {.disk_free = 1088 * kMiB - 1}, 256 * kMiB, false},
      {"no limit, and as much again", {.disk_free = 128 * kMiB}, 0, true},
      {"no limit, and less", {.disk_free = 128 * kMiB - 1}, 0, false},
      {"a full store on a large disk",
       {.disk_free = 10'000 * kMiB, .store_used = 99, .store_max = 100},
       256 * kMiB,
       true},
  };
  for (auto const& c : cases) EXPECT_EQ(may_put_by(c.left, c.free_min, kBallast), c.may) << c.name;
}

}  // namespace
}  // namespace lenscap::acme
