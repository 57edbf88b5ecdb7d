// What root makes as the owner of a directory is his from the first moment, and where his rights end root's do, too.
#include "base/acting_as.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/directory.h"
#include "base/file.h"
#include "base/file_set.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr Owner kSomebody{65534, 65533};

struct ActingAsTest : ::testing::Test {
  fakes::TempDir dir;  // root's
  std::string const state = dir.path("state");

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can act for another user";
    fs::permissions(dir.path(), fs::perms::others_exec, fs::perm_options::add);  // so that the way leads there
    ASSERT_TRUE(make_directory(state).ok());
    ASSERT_EQ(::chown(state.c_str(), kSomebody.user, kSomebody.group), 0);
  }
};

void expect_owner(std::string const& path, Owner const& wanted) {
  auto const owner = owner_of(path);
  ASSERT_TRUE(owner.ok()) << owner.error().detail();
  EXPECT_EQ(owner->user, wanted.user) << path;
  EXPECT_EQ(owner->group, wanted.group) << path;
}

TEST_F(ActingAsTest, WhatIsMadeBelongsToTheOwner) {
  {
    auto const owner = ActingAs::begin(owner_of(state).value()).value();
    auto const again = ActingAs::begin(owner_of(state).value())
                           .value();  // inside of another: nothing more, and nothing less at its end
    ASSERT_TRUE(write_file(state + "/file", "text", 0600).ok());
    ASSERT_TRUE(create_directory(state + "/folder", {{"file", "text", 0600}}).ok());
  }
  for (auto const* name : {"/file", "/folder", "/folder/file"}) expect_owner(state + name, kSomebody);
  ASSERT_TRUE(write_file(state + "/later", "text").ok());
  expect_owner(state + "/later", {::geteuid(), ::getegid()});
}

TEST_F(ActingAsTest, ALinkToWhatIsNotHisLeadsNowhere) {
  ASSERT_TRUE(make_directory(dir.path("roots-own"), 0755).ok());
  fs::create_directory_symlink(dir.path("roots-own"), state + "/link");
  auto const owner = ActingAs::begin(owner_of(state).value()).value();
  auto const refused = write_file(state + "/link/file", "text");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().detail(), HasSubstr("Permission denied"));
  EXPECT_TRUE(fs::is_empty(dir.path("roots-own")));
}

TEST_F(ActingAsTest, HasNoGroupOfRoot) {
  std::vector<gid_t> before(64), inside(64), after(64);
  before.resize(static_cast<std::size_t>(::getgroups(64, before.data())));
  {
    auto const owner = ActingAs::begin(owner_of(state).value()).value();
    inside.resize(static_cast<std::size_t>(::getgroups(64, inside.data())));
  }
  after.resize(static_cast<std::size_t>(::getgroups(64, after.data())));
  EXPECT_EQ(inside, std::vector<gid_t>{kSomebody.group});
  EXPECT_EQ(after, before);
}

// An older version wrote them as root; the system gives nobody else a second name for them.
TEST_F(ActingAsTest, ReplacesWhatRootMadeBefore) {
  auto const file = state + "/list";
  ASSERT_TRUE(write_file(file, "by root").ok());
  {
    auto const owner = ActingAs::begin(owner_of(state).value()).value();
    auto const replaced = replace_files({{file, "anew"}});
    ASSERT_TRUE(replaced.ok()) << replaced.error().detail();
  }
  EXPECT_EQ(read_file(file).value(), "anew");
  expect_owner(file, kSomebody);
  EXPECT_EQ(std::distance(fs::directory_iterator(state), {}), 1) << "nothing is left beside";
}

TEST_F(ActingAsTest, NobodyElseActsForAnybody) {
  auto const somebody = ActingAs::begin(kSomebody).value();
  { auto const another = ActingAs::begin({65532, 65531}).value(); }
  EXPECT_EQ(::geteuid(), kSomebody.user);
  EXPECT_EQ(::getegid(), kSomebody.group);
}

TEST(OwnerOf, WhatIsNotThereIsRefused) {
  EXPECT_THAT(owner_of("/does/not/exist").error().detail(), HasSubstr("/does/not/exist: No such file"));
}

}  // namespace
}  // namespace lenscap
