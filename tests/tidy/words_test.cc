// The project speaks of itself alone: no machine's paths, no design folder that readers do not have.
#include <gtest/gtest.h>

#include "tests/tidy/source_files.h"

namespace lenscap::tidy {
namespace {

TEST(Words, NothingPointsOutsideTheRepository) {
  // Written in two parts so that this file does not find itself.
  std::vector<std::string> const foreign = {
      "../sha"
      "red",
      "/wo"
      "rk/",
      "recor"
      "dings/axis",
      "/ro"
      "ot/"};
  for (auto const& file :
       source_files({"base", "store", "ca", "acme", "agent", "tests", "conf", "docs"},
                    {".h", ".cc", ".md", ".txt", ".toml", ".service", ".sh", ".py", ".json", "ids"})) {
    for (auto const& word : foreign) {
      auto const at = file.text.find(word);
      EXPECT_EQ(at, std::string::npos) << file.path << ":" << (at == std::string::npos ? 0 : line_of(file.text, at))
                                       << ": " << word;
    }
  }
}

}  // namespace
}  // namespace lenscap::tidy
