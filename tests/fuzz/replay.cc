// Runs a fuzz target over its corpus, whole and cut short, so that GCC's builds keep what the fuzzer once found. The
// corpus is a folder, named by the last argument.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace {

std::filesystem::path corpus;  // set once, by main()

TEST(Corpus, Replays) {
  int files = 0;
  for (auto const& entry : std::filesystem::directory_iterator(corpus)) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::vector<char> const content{std::istreambuf_iterator<char>(file), {}};
    SCOPED_TRACE(entry.path().filename().string());
    auto const* data = reinterpret_cast<std::uint8_t const*>(content.data());
    LLVMFuzzerTestOneInput(data, content.size());
    // Every input cut short too: parsers must not read past the end. A copy of exact size lets ASan see it.
    for (std::size_t size = 0; size < content.size(); size += 1 + content.size() / 64) {
      std::vector<std::uint8_t> const cut(data, data + size);
      LLVMFuzzerTestOneInput(cut.data(), cut.size());
    }
    ++files;
  }
  EXPECT_GT(files, 0) << "no seeds in " << corpus;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  corpus = argv[1];
  return RUN_ALL_TESTS();
}
