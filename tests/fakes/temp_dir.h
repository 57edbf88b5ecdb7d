// A directory of its own for a test, removed with everything in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace lenscap::fakes {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lenscap-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(TempDir const&) = delete;
  TempDir& operator=(TempDir const&) = delete;

  std::string const& path() const { return path_; }
  std::string path(std::string const& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// In the place of what was there: a link that leads to itself, which nobody opens, not even root. It stands for what is
// there and closed to this user.
inline void close_off(std::string const& path) {
  std::filesystem::remove_all(path);
  std::filesystem::create_symlink(path, path);
}

}  // namespace lenscap::fakes
