// What directories guarantee: the owner alone reads them, one that is made with its files is there whole or not at all,
// and a refusal says what failed, why, and what to do.
#include "base/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "base/file.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

mode_t mode_of(std::string const& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

std::vector<std::string> found_in(std::string const& path) {
  std::vector<std::string> names;
  for (auto const& entry : fs::directory_iterator(path)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

class UnderNoUmask {
 public:
  UnderNoUmask() : before_(::umask(0)) {}
  UnderNoUmask(UnderNoUmask const&) = delete;
  UnderNoUmask& operator=(UnderNoUmask const&) = delete;
  ~UnderNoUmask() { ::umask(before_); }

 private:
  mode_t before_;
};

struct DirectoryTest : testing::Test {
  fakes::TempDir dir;
  std::string const place = dir.path("keys");
  std::vector<NewFile> const files{{"a.key", "secret", 0600}, {"a.pem", "public", 0644}};
};

TEST_F(DirectoryTest, TheParentHoldsTheName) {
  EXPECT_EQ(parent_directory("/var/lib/x"), "/var/lib");
  EXPECT_EQ(parent_directory("/x"), "/");
  EXPECT_EQ(parent_directory("a/x"), "a");
  EXPECT_EQ(parent_directory("x"), ".");
  EXPECT_EQ(parent_directory("/var/lib/x/"), "/var/lib");
  EXPECT_EQ(parent_directory("x/"), ".");
  EXPECT_EQ(parent_directory("/"), "/");
}

TEST_F(DirectoryTest, NamesAreAllThatLiesInIt) {
  EXPECT_THAT(names_in(place).value(), IsEmpty());  // there is none
  ASSERT_TRUE(create_directory(place, files));
  ASSERT_TRUE(make_directory(place + "/.hidden"));
  EXPECT_THAT(names_in(place).value(), ElementsAre(".hidden", "a.key", "a.pem"));
  auto const file = names_in(place + "/a.pem");
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().detail(), AllOf(HasSubstr("cannot look into"), HasSubstr("a.pem")));
  fakes::close_off(place);
  EXPECT_EQ(names_in(place).error().code(), Errc::file);
}

TEST_F(DirectoryTest, MakeIsForTheOwnerAloneAndKeepsOneThatIsThere) {
  UnderNoUmask const here;
  ASSERT_TRUE(make_directory(place));
  EXPECT_EQ(mode_of(place), 0700U);
  ASSERT_TRUE(make_directory(dir.path("shown"), 0755));
  ASSERT_TRUE(make_directory(dir.path("shown")));
  EXPECT_EQ(mode_of(dir.path("shown")), 0755U);
}

TEST_F(DirectoryTest, MakeRefusesInWords) {
  ASSERT_TRUE(write_file(place, "x"));
  auto const taken = make_directory(place);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), Errc::file);
  EXPECT_THAT(taken.error().detail(),
              AllOf(HasSubstr(place), HasSubstr("a file is in its place"), HasSubstr("move it")));
  fs::remove(place);
  fs::create_symlink("elsewhere", place);
  EXPECT_THAT(make_directory(place).error().detail(), HasSubstr("a link that leads nowhere is in its place"));
  fakes::close_off(place);
  EXPECT_THAT(make_directory(place).error().detail(), HasSubstr("cannot look at"));
  auto const nowhere = make_directory(dir.path("none/keys"));
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().detail(), AllOf(HasSubstr("none/keys"), HasSubstr("No such file or directory")));
}

TEST_F(DirectoryTest, MakeWithThoseAboveShutsTheLastAlone) {
  UnderNoUmask const here;
  ASSERT_TRUE(make_directories(place + "/a/b/"));
  EXPECT_EQ(mode_of(place), 0755U);
  EXPECT_EQ(mode_of(place + "/a"), 0755U);
  EXPECT_EQ(mode_of(place + "/a/b"), 0700U);
  ASSERT_TRUE(make_directories(place + "/a/b"));
  ASSERT_TRUE(write_file(place + "/file", "x"));
  EXPECT_EQ(make_directories(place + "/file/a").error().code(), Errc::file);
}

TEST_F(DirectoryTest, CreateMakesAllOfItWithItsModesAndNothingBeside) {
  UnderNoUmask const here;
  ASSERT_TRUE(create_directory(place, files));
  EXPECT_EQ(mode_of(place), 0700U);
  EXPECT_EQ(mode_of(place + "/a.key"), 0600U);
  EXPECT_EQ(mode_of(place + "/a.pem"), 0644U);
  EXPECT_EQ(read_file(place + "/a.key").value(), "secret");
  EXPECT_EQ(read_file(place + "/a.pem").value(), "public");
  EXPECT_THAT(found_in(place), ElementsAre("a.key", "a.pem"));
  EXPECT_THAT(found_in(dir.path()), ElementsAre("keys"));
}

TEST_F(DirectoryTest, CreateTakesThePlaceOfAnEmptyDirectoryOnly) {
  fs::create_directory(place);
  ASSERT_TRUE(create_directory(place, files));
  EXPECT_EQ(mode_of(place), 0700U);
  EXPECT_THAT(found_in(place), ElementsAre("a.key", "a.pem"));

  auto const again = create_directory(place, {{"a.key", "other", 0600}});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Errc::conflict);
  EXPECT_THAT(again.error().detail(), AllOf(HasSubstr(place), HasSubstr("nothing is overwritten"), HasSubstr("move")));
  EXPECT_EQ(read_file(place + "/a.key").value(), "secret");

  auto const file = dir.path("file");
  ASSERT_TRUE(write_file(file, "x"));
  EXPECT_EQ(create_directory(file, files).error().code(), Errc::conflict);
  EXPECT_EQ(read_file(file).value(), "x");
  EXPECT_THAT(found_in(dir.path()), ElementsAre("file", "keys"));
}

// The limit on a file's size stands for a disk that is full.
TEST_F(DirectoryTest, NothingIsThereWhenAFileCannotBeWritten) {
  auto const before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit const small{4096, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  auto const refused = create_directory(place, {{"a.key", "secret", 0600}, {"long.pem", std::string(8192, 'x'), 0644}});
  EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, before);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::file);
  EXPECT_THAT(refused.error().detail(), AllOf(HasSubstr("long.pem"), HasSubstr("File too large")));
  EXPECT_THAT(found_in(dir.path()), IsEmpty());
}

TEST_F(DirectoryTest, NothingIsThereWhenTheDirectoryAboveIsNot) {
  auto const refused = create_directory(dir.path("none/keys"), files);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::file);
  EXPECT_THAT(refused.error().detail(), AllOf(HasSubstr("none/keys"), HasSubstr("No such file or directory")));
  EXPECT_THAT(found_in(dir.path()), IsEmpty());
}

// That a sync itself fails is tried with the whole server, where every system call in turn is made to fail.
TEST_F(DirectoryTest, DurableIsSaidOfWhatTheDiskHasOnly) {
  EXPECT_TRUE(make_durable(dir.path()));
  ASSERT_TRUE(write_file(dir.path("a"), "x"));
  EXPECT_TRUE(make_durable(dir.path("a")));
  for (auto const& [path, why] : std::vector<std::pair<std::string, std::string>>{
           {dir.path("none"), "No such file or directory"}, {"/proc/self/status", "Invalid argument"}}) {
    auto const refused = make_durable(path);
    ASSERT_FALSE(refused) << path;
    EXPECT_EQ(refused.error().code(), Errc::file);
    EXPECT_THAT(refused.error().detail(),
                AllOf(HasSubstr("cannot make " + path + " durable"), HasSubstr(why), HasSubstr("see to the disk")));
  }
}

}  // namespace
}  // namespace lenscap
