#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/passphrase.h"
#include "base/random.h"

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

}  // namespace
}  // namespace lenscap
