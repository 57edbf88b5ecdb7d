// The file that holds room on the disk: when it is made, and that it really takes the room.
#include "acme/server/ballast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "store/backends.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::acme {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kMiB = 1024 * 1024;

// The disk has as much left as the test says; what the real one has is more.
class DiskOf final : public store::Store {
 public:
  explicit DiskOf(std::uint64_t const& free) : free_(free) {}
  void read(store::ReadBody const&) override {}
  bool write(store::WriteBody const&) override { return false; }
  void write_async(store::WriteBody, std::function<void(std::exception_ptr, bool)>, store::Urgency) override {}
  store::Usage usage() override { return {.disk_free = free_}; }

 private:
  std::uint64_t const& free_;
};

struct BallastFile : ::testing::Test {
  Ballast ballast(char const* size) {
    auto reader = config::Reader::parse(std::string("[server]\nurl = \"https://pki.cams.example\"\n[store]\n") +
                                            "free_space_min = \"1MiB\"\nballast = \"" + size + "\"\n",
                                        "ca.toml");
    auto const settings = read_settings(std::move(reader).value(), dir.path()).value();
    room.emplace(disk, settings.state_dir, settings.free_space_min, log);
    return {*room, settings, log};
  }
  // Octets that the file takes on the disk, however long it is.
  std::uint64_t taken() const {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return 0;
    constexpr std::uint64_t kBlock = 512;  // stat(2)
    return static_cast<std::uint64_t>(status.st_blocks) * kBlock;
  }

  fakes::TempDir dir;
  std::string const file = dir.path("ballast");
  std::uint64_t free = 100 * kMiB;
  DiskOf disk{free};
  std::vector<std::string> lines;
  Log const log = Log::to([this](std::string_view line) { lines.emplace_back(line); });
  std::optional<RoomWatch> room;
};

TEST_F(BallastFile, TakesTheRoomThatItIsToHold) {
  auto made = ballast("2MiB");
  made.look_after();
  EXPECT_EQ(ballast_size(dir.path()), 2 * kMiB);
  EXPECT_GE(taken(), 2 * kMiB);
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  made.look_after();
  EXPECT_THAT(lines, ElementsAre(HasSubstr("ballast.made")));
}

TEST_F(BallastFile, IsMadeAgainWhenThereIsRoom) {
  auto made = ballast("2MiB");
  made.look_after();
  std::filesystem::remove(file);  // in an emergency
  free = 2 * kMiB;                // which this has left
  made.look_after();
  made.look_after();
  EXPECT_EQ(ballast_size(dir.path()), 0U);
  EXPECT_THAT(lines, ElementsAre(HasSubstr("ballast.made"), HasSubstr("ballast.not_made"))) << "told once";
  free = 100 * kMiB;
  made.look_after();
  EXPECT_EQ(ballast_size(dir.path()), 2 * kMiB);
  EXPECT_THAT(lines.back(), HasSubstr("ballast.made"));
}

TEST_F(BallastFile, IsOfTheSizeOfTheSettings) {
  ballast("2MiB").look_after();
  ballast("1MiB").look_after();
  EXPECT_EQ(ballast_size(dir.path()), kMiB);
  ballast("3MiB").look_after();
  EXPECT_EQ(ballast_size(dir.path()), 3 * kMiB);
  EXPECT_GE(taken(), 3 * kMiB);
  lines.clear();
  ballast("0").look_after();
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_THAT(lines, ElementsAre(HasSubstr("ballast.removed")));
  ballast("0").look_after();
  EXPECT_EQ(lines.size(), 1U);
}

// As a copy of the state directory may leave it: it is long, and holds nothing.
TEST_F(BallastFile, ASparseOneIsFilled) {
  std::ofstream(file) << "";
  std::filesystem::resize_file(file, 2 * kMiB);
  ASSERT_LT(taken(), kMiB);
  ballast("2MiB").look_after();
  EXPECT_GE(taken(), 2 * kMiB);
  EXPECT_THAT(lines, IsEmpty()) << "nothing that anybody has to know";
}

TEST_F(BallastFile, WhatCannotBeMadeIsToldAndNoFailure) {
  std::filesystem::create_directory(file);
  auto made = ballast("2MiB");
  made.look_after();
  EXPECT_THAT(lines, ElementsAre(HasSubstr("ballast.not_made")));
}

}  // namespace
}  // namespace lenscap::acme
