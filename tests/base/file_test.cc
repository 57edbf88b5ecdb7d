#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/passphrase.h"
#include "base/random.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap {
namespace {

class FileTest : public testing::Test {
 protected:
  FileTest() { std::filesystem::create_directory(dir_); }
  ~FileTest() override { std::filesystem::remove_all(dir_); }
  std::string path(char const* name) const { return dir_ + "/" + name; }
  static mode_t mode(std::string const& file) {
    struct stat info {};
    EXPECT_EQ(::stat(file.c_str(), &info), 0);
    return info.st_mode & 0777;
  }
  std::string dir_ = testing::TempDir() + "lenscap-file-" + random_token(6);
};

TEST_F(FileTest, WriteReplacesWholeAndLeavesNothingBeside) {
  ASSERT_TRUE(write_file(path("a"), "one").ok());
  ASSERT_TRUE(write_file(path("a"), "two").ok());
  EXPECT_EQ(read_file(path("a")).value(), "two");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 1);
}

TEST_F(FileTest, CreateRefusesAnExistingFileAndIsPrivateUnderAnyUmask) {
  mode_t const before = ::umask(0);
  ASSERT_TRUE(create_file(path("key"), "x").ok());
  ::umask(before);
  EXPECT_EQ(mode(path("key")), 0600U);
  EXPECT_EQ(create_file(path("key"), "y").error().code(), Errc::conflict);
  EXPECT_EQ(read_file(path("key")).value(), "x");
}

TEST_F(FileTest, ReadKeepsItsBoundAndSaysWhy) {
  ASSERT_TRUE(write_file(path("a"), "12345").ok());
  EXPECT_FALSE(read_file(path("a"), 4).ok());
  EXPECT_NE(read_file(path("none")).error().detail().find("No such file"), std::string::npos);
}

TEST_F(FileTest, OneThatIsMissingIsNotOneThatIsClosed) {
  ASSERT_TRUE(write_file(path("a"), "12345").ok());
  EXPECT_EQ(read_file_if_there(path("a")).value(), "12345");
  EXPECT_FALSE(read_file_if_there(path("a"), 4).ok());
  EXPECT_EQ(read_file_if_there(path("none")).value(), std::nullopt);
  EXPECT_EQ(read_file_if_there(path("none/a")).value(), std::nullopt);
  fakes::close_off(path("a"));
  auto const closed = read_file_if_there(path("a"));
  ASSERT_FALSE(closed.ok());
  EXPECT_EQ(closed.error().code(), Errc::file);
  EXPECT_NE(closed.error().detail().find(path("a")), std::string::npos);
}

TEST_F(FileTest, AKindIsToldWhereOneCanLook) {
  ASSERT_TRUE(write_file(path("a"), "1").ok());
  EXPECT_EQ(kind_of(path("a")).value(), FileKind::file);
  EXPECT_EQ(kind_of(dir_).value(), FileKind::directory);
  EXPECT_EQ(kind_of("/dev/null").value(), FileKind::other);
  EXPECT_EQ(kind_of(path("none")).value(), FileKind::nothing);
  std::filesystem::create_symlink("none", path("link"));
  EXPECT_EQ(kind_of(path("link")).value(), FileKind::nothing);
  fakes::close_off(path("a"));
  EXPECT_EQ(kind_of(path("a")).error().code(), Errc::file);
}

TEST_F(FileTest, PassphraseFileMustBePrivateAndFull) {
  ASSERT_TRUE(write_file(path("p"), "correct horse\n", 0600).ok());
  EXPECT_EQ(read_passphrase("file:" + path("p"), "passphrase").value().text(), "correct horse");
  ASSERT_TRUE(write_file(path("open"), "x\n", 0644).ok());
  EXPECT_NE(read_passphrase("file:" + path("open"), "passphrase").error().detail().find("chmod 600"),
            std::string::npos);
  ASSERT_TRUE(write_file(path("empty"), "\n", 0600).ok());
  EXPECT_FALSE(read_passphrase("file:" + path("empty"), "passphrase").ok());
  EXPECT_EQ(read_passphrase("env:X", "passphrase").error().code(), Errc::settings);
  EXPECT_FALSE(read_passphrase("credential:../x", "passphrase").ok());
}

TEST_F(FileTest, ACredentialThatWasNotHandedOverIsTyped) {
  ::unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_TRUE(is_typed("prompt"));
  EXPECT_TRUE(is_typed("credential:key"));
  EXPECT_FALSE(is_typed("file:key"));
  ASSERT_EQ(::setenv("CREDENTIALS_DIRECTORY", dir_.c_str(), 1), 0);
  EXPECT_TRUE(is_typed("prompt"));
  EXPECT_FALSE(is_typed("credential:key")) << "also where it is not there: a service asks nobody";
  ASSERT_TRUE(write_file(path("key"), "correct horse\n", 0400).ok());
  EXPECT_EQ(read_or_ask_passphrase("credential:key", "passphrase").value().text(), "correct horse");
  ::unsetenv("CREDENTIALS_DIRECTORY");
}

// systemd shows the service's grant in the group's bits, and nobody can change them there.
TEST_F(FileTest, ACredentialMayShowTheGroupsBitsOnly) {
  ASSERT_EQ(::setenv("CREDENTIALS_DIRECTORY", dir_.c_str(), 1), 0);
  ASSERT_TRUE(write_file(path("key"), "correct horse\n", 0440).ok());
  auto const read = read_passphrase("credential:key", "passphrase");
  ASSERT_TRUE(read.ok()) << read.error().detail();
  EXPECT_EQ(read->text(), "correct horse");
  ASSERT_TRUE(write_file(path("open"), "correct horse\n", 0444).ok());
  EXPECT_FALSE(read_passphrase("credential:open", "passphrase").ok());
  // Not only "permission denied", which is what the kernel says of a directory that systemd did not open to the
  // service.
  auto const absent = read_passphrase("credential:absent", "passphrase");
  ASSERT_FALSE(absent.ok());
  EXPECT_NE(absent.error().detail().find("/etc/credstore.encrypted/absent"), std::string::npos);
  ::unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_F(FileTest, LiesWithinWhateverTheSpelling) {
  std::filesystem::create_directories(path("state/keys"));
  std::filesystem::create_directory_symlink(path("state"), path("link"));
  struct Case {
    char const* path;
    bool within;
  };
  Case const cases[] = {{"state", true},          {"state/pass", true},  {"state/keys/../pass", true},
                        {"state/../pass", false}, {"state-pass", false}, {"link/pass", true},
                        {"state//keys/x", true},  {"pass", false},       {"link/../pass", false}};
  for (auto const& c : cases) {
    EXPECT_EQ(lies_within(path(c.path), path("state")), c.within) << c.path;
    EXPECT_EQ(lies_within(path(c.path), path("state/")), c.within) << c.path;
    EXPECT_EQ(lies_within(path(c.path), path("link")), c.within) << c.path;
    EXPECT_EQ(lies_within(std::filesystem::relative(path(c.path)).string(), path("state")), c.within) << c.path;
  }
}

}  // namespace
}  // namespace lenscap
