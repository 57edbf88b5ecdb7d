// The page docs/make-a-ca.md: an administrator copies its blocks one after the other, and they work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/machine.h"
#include "tests/e2e/page.h"

namespace lenscap {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(MakeACa, ThePageLeadsToAServerThatCurlTrustsAndNoRootKey) {
  e2e::Machine machine("the issuing key's words\nthe root's own words\n");
  machine.write_private("root-words", "the root's own words\n");
  auto const medium = machine.path("usb");
  fs::create_directory(medium);
  auto const script =
      e2e::script_of("make-a-ca.md", {{"/media/usb", medium}, {"root seal", "root seal --passphrase-file root-words"}});
  auto const ran = machine.run(script);
  ASSERT_EQ(ran.code, 0) << ran.all();
  EXPECT_THAT(ran.out, HasSubstr("newOrder"));  // the directory, by TLS that the root vouches for
  EXPECT_THAT(ran.out, HasSubstr("cam1.cams.example would be issued"));
  EXPECT_THAT(ran.out, HasSubstr("www.bank.example would not be issued"));
  EXPECT_FALSE(fs::exists(machine.state() + "/keys/root.key"));
  EXPECT_TRUE(fs::exists(medium + "/lenscap-root/root.key"));
  EXPECT_THAT(ran.all(), Not(HasSubstr("own words")));
}

}  // namespace
}  // namespace lenscap
