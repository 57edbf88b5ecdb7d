#include "base/open_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/bytes.h"
#include "base/file.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap {
namespace {

std::string text_at(OpenFile const& file, std::size_t at, std::size_t count) {
  Bytes room(count);
  return file.read_at(at, room) ? std::string(as_text(room)) : "nothing";
}

TEST(OpenFile, IsReadAtAnyPlace) {
  fakes::TempDir const dir;
  ASSERT_TRUE(write_file(dir.path("a"), "0123456789").ok());
  auto const file = OpenFile::open(dir.path("a"));
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->size(), 10U);
  EXPECT_EQ(text_at(*file, 4, 3), "456");
  EXPECT_EQ(text_at(*file, 0, 10), "0123456789");
  EXPECT_EQ(text_at(*file, 10, 0), "");
  EXPECT_EQ(text_at(*file, 8, 3), "nothing") << "it ends before";
}

TEST(OpenFile, StaysWhatItWasWhenAnotherTakesItsName) {
  fakes::TempDir const dir;
  ASSERT_TRUE(write_file(dir.path("a"), "before").ok());
  auto opened = OpenFile::open(dir.path("a"));
  ASSERT_TRUE(opened.ok());
  OpenFile const file = *std::move(opened);
  ASSERT_TRUE(write_file(dir.path("a"), "after it").ok());
  EXPECT_EQ(text_at(file, 0, 6), "before");
  std::filesystem::remove(dir.path("a"));
  EXPECT_EQ(text_at(file, 0, 6), "before");
}

TEST(OpenFile, OneThatIsCutIsSeen) {
  fakes::TempDir const dir;
  ASSERT_TRUE(write_file(dir.path("a"), "0123456789").ok());
  auto const file = OpenFile::open(dir.path("a"));
  ASSERT_TRUE(file.ok());
  std::filesystem::resize_file(dir.path("a"), 5);
  EXPECT_EQ(text_at(*file, 0, 5), "01234");
  EXPECT_EQ(text_at(*file, 0, 6), "nothing");
}

TEST(OpenFile, RefusesWhatIsNoFile) {
  fakes::TempDir const dir;
  EXPECT_NE(OpenFile::open(dir.path("none")).error().detail().find("No such file"), std::string::npos);
  EXPECT_NE(OpenFile::open(dir.path()).error().detail().find("no regular file"), std::string::npos);
  ASSERT_EQ(::mkfifo(dir.path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(OpenFile::open(dir.path("pipe")).error().code(), Errc::file) << "and nobody waits for its other end";
}

}  // namespace
}  // namespace lenscap
