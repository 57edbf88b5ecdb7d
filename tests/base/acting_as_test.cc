// What root makes as the owner of a directory is his from the first moment, and where his rights end root's do, too.
#include "base/acting_as.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/directory.h"
#include "base/file.h"
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
    ActingAs const owner(owner_of(state).value());
    ActingAs const again(owner_of(state).value());  // inside of another: nothing more, and nothing less at its end
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
  ActingAs const owner(owner_of(state).value());
  auto const refused = write_file(state + "/link/file", "text");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().detail(), HasSubstr("Permission denied"));
  EXPECT_TRUE(fs::is_empty(dir.path("roots-own")));
}

TEST_F(ActingAsTest, NobodyElseActsForAnybody) {
  ActingAs const somebody(kSomebody);
  { ActingAs const another({65532, 65531}); }
  EXPECT_EQ(::geteuid(), kSomebody.user);
  EXPECT_EQ(::getegid(), kSomebody.group);
}

TEST(OwnerOf, WhatIsNotThereIsRefused) {
  EXPECT_THAT(owner_of("/does/not/exist").error().detail(), HasSubstr("/does/not/exist: No such file"));
}

}  // namespace
}  // namespace lenscap
