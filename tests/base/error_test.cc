#include "base/error.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

namespace lenscap {
namespace {

TEST(ErrorId, EveryCodeHasOneOfItsOwnAndALineInTheDocs) {
  std::ifstream file(LENSCAP_SOURCE_DIR "/docs/errors.md");
  std::string const docs{std::istreambuf_iterator<char>(file), {}};
  std::set<std::string_view> ids;
  for (Errc const code : all_errcs()) {
    EXPECT_TRUE(ids.insert(error_id(code)).second) << to_string(code);
    EXPECT_NE(docs.find("| " + std::string(error_id(code)) + " |"), std::string::npos) << error_id(code);
  }
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(Errc::conflict) + 1);
}

TEST(Error, TakesAContextInFront) {
  EXPECT_EQ(Error(Errc::file, "cannot read x").with_context("camera 7: ").detail(), "camera 7: cannot read x");
}

}  // namespace
}  // namespace lenscap
