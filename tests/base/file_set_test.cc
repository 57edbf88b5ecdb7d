#include "base/file_set.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "base/random.h"

namespace lenscap {
namespace {

using Content = std::map<std::string, std::string>;

class FileSetTest : public testing::Test {
 protected:
  FileSetTest() { std::filesystem::create_directory(dir_); }
  ~FileSetTest() override { std::filesystem::remove_all(dir_); }
  std::string path(std::string const& name) const { return dir_ + "/" + name; }
  void put(std::string const& name, std::string const& text) const { ASSERT_TRUE(write_file(path(name), text).ok()); }
  Content content() const {
    Content all;
    for (auto const& entry : std::filesystem::directory_iterator(dir_))
      if (entry.is_regular_file()) all[entry.path().filename()] = read_file(entry.path()).value();
    return all;
  }
  Result<> replace() const {
    return replace_files({{path("key"), "new key", 0600}, {path("copy"), "new copy"}, {path("chain"), "new chain"}});
  }
  Result<Settled> settle() const { return settle_files({path("key"), path("copy"), path("chain")}); }

  std::string dir_ = testing::TempDir() + "lenscap-file-set-" + random_token(6);
};

Content const kNew{{"key", "new key"}, {"copy", "new copy"}, {"chain", "new chain"}};

TEST_F(FileSetTest, AllAreReplacedAndNothingStaysBeside) {
  put("key", "old key");
  ASSERT_TRUE(replace().ok());
  EXPECT_EQ(content(), kNew);
  EXPECT_EQ(std::filesystem::status(path("key")).permissions(), std::filesystem::perms(0600));
  ASSERT_TRUE(replace().ok());
  EXPECT_EQ(content(), kNew);
}

// A folder in the place of a file is what rename() and link() refuse.
TEST_F(FileSetTest, WhereOneCannotBeReplacedAllAreAsTheyWere) {
  for (auto const* in_the_way : {"key.new", "copy.new", "chain.new", "key", "copy", "chain"}) {
    SCOPED_TRACE(in_the_way);
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(path(in_the_way) + "/folder");
    for (auto const* name : {"key", "copy", "chain"})
      if (std::string(name) != in_the_way) put(name, std::string("old ") + name);
    auto const before = content();
    auto const refused = replace();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::file);
    EXPECT_EQ(content(), before);
    std::filesystem::remove_all(path(in_the_way));
    EXPECT_TRUE(replace().ok());
    EXPECT_EQ(content(), kNew);
  }
}

TEST_F(FileSetTest, FilesOfSeveralDirectoriesGoTogether) {
  std::filesystem::create_directory(path("keys"));
  put("settings", "old settings");
  put("keys/chain", "old chain");
  auto const both = [&] {
    return replace_files({{path("settings"), "new settings"}, {path("keys/chain"), "new chain"}});
  };
  std::filesystem::create_directories(path("keys/chain.new/folder"));
  EXPECT_FALSE(both().ok());
  EXPECT_EQ(content(), (Content{{"settings", "old settings"}}));
  std::filesystem::remove_all(path("keys/chain.new"));
  ASSERT_TRUE(both().ok());
  EXPECT_EQ(content(), (Content{{"settings", "new settings"}}));
  EXPECT_EQ(read_file(path("keys/chain")).value(), "new chain");

  put("settings.former", "old settings");
  put("keys/chain.new", "never decided");
  EXPECT_EQ(settle_files({path("settings"), path("keys/chain")}).value(), Settled::taken_back);
  EXPECT_EQ(content(), (Content{{"settings", "old settings"}}));
  EXPECT_EQ(settle_files({path("settings"), path("keys/chain")}).value(), Settled::nothing);
}

// What a machine that stops leaves: the last file decides.
TEST_F(FileSetTest, ACrashIsSettledBackOrForward) {
  struct Case {
    char const* name;
    Content left;  // links are made of "X.former" that is "= X"
    Content then;
    Settled says;
  };
  using enum Settled;
  Content const old{{"key", "old key"}, {"copy", "old copy"}, {"chain", "old chain"}};
  auto const with = [](Content base, Content const& more) {
    for (auto const& [name, text] : more) base[name] = text;
    return base;
  };
  Case const cases[] = {
      {"nothing left", old, old, nothing},
      {"while it was written", with(old, {{"key.new", "new key"}}), old, taken_back},
      {"all written", with(old, {{"key.new", "n"}, {"copy.new", "n"}, {"chain.new", "n"}}), old, taken_back},
      {"some kept", with(old, {{"key.former", "= key"}, {"key.new", "n"}, {"copy.new", "n"}, {"chain.new", "n"}}), old,
       taken_back},
      {"one in place",
       with(old, {{"key", "new key"},
                  {"key.former", "old key"},
                  {"copy.former", "= copy"},
                  {"chain.former", "= chain"},
                  {"copy.new", "n"},
                  {"chain.new", "n"}}),
       old, taken_back},
      {"all but the last in place",
       {{"key", "new key"}, {"key.former", "old key"}, {"copy", "new copy"}, {"chain.new", "new chain"}},
       {{"key", "old key"}, {"copy", "new copy"}},  // as the header says of one that was not there before
       taken_back},
      {"the last in place", with(kNew, {{"key.former", "old key"}, {"chain.former", "old chain"}}), kNew, completed},
      {"while it was undone",
       {{"key", "new key"}, {"key.former", "old key"}, {"chain.former", "old chain"}, {"chain.new", "new chain"}},
       {{"key", "old key"}, {"chain", "old chain"}},
       taken_back},
  };
  for (auto const& c : cases) {
    SCOPED_TRACE(c.name);
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directory(dir_);
    for (auto const& [name, text] : c.left)
      if (!text.starts_with("= ")) put(name, text);
    for (auto const& [name, text] : c.left)
      if (text.starts_with("= ")) std::filesystem::create_hard_link(path(text.substr(2)), path(name));
    auto const settled = settle();
    ASSERT_TRUE(settled.ok());
    EXPECT_EQ(*settled, c.says);
    EXPECT_EQ(content(), c.then);
    auto const again = settle();
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(*again, nothing);
    EXPECT_EQ(content(), c.then) << "twice";
  }
}

}  // namespace
}  // namespace lenscap
