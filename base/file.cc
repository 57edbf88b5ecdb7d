#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/directory.h"
#include "base/random.h"

namespace lenscap {

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    ssize_t const count = ::write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = EIO;  // what takes nothing would be asked for ever
    if (count <= 0) return false;
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}
namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd const&) = delete;
  Fd& operator=(Fd const&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Error refusal(std::string_view what, std::string const& path) {
  return {Errc::file, fmt::format("cannot {} {}: {}", what, path, std::strerror(errno))};
}

// The content in a new file beside `path`, synced; its name.
Result<std::string> write_beside(std::string const& path, std::string_view content, mode_t mode) {
  std::string temporary = path + ".new-" + random_token(6);
  Fd const file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (file.get() < 0) return refusal("create", temporary);
  if (!write_all(file.get(), content) || ::fsync(file.get()) != 0) {
    auto error = refusal("write", temporary);
    ::unlink(temporary.c_str());
    return error;
  }
  return temporary;
}

Result<std::string> read_open(Fd const& file, std::string const& path, std::size_t bytes_max) {
  std::string content;
  char buffer[16 * 1024];
  while (true) {
    ssize_t const count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return refusal("read", path);
    if (count == 0) return content;
    content.append(buffer, static_cast<std::size_t>(count));
    if (content.size() > bytes_max)
      return Error(Errc::file, fmt::format("{} is longer than {} bytes", path, bytes_max));
  }
}

}  // namespace

Result<std::string> read_file(std::string const& path, std::size_t bytes_max) {
  Fd const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return refusal("read", path);
  return read_open(file, path, bytes_max);
}

Result<std::optional<std::string>> read_file_if_there(std::string const& path, std::size_t bytes_max) {
  Fd const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT) return std::optional<std::string>();
  if (file.get() < 0) return refusal("read", path);
  TRY(auto content, read_open(file, path, bytes_max));
  return std::optional(std::move(content));
}

Result<> write_file(std::string const& path, std::string_view content, mode_t mode) {
  TRY(auto temporary, write_beside(path, content, mode));
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    auto error = refusal("replace", path);
    ::unlink(temporary.c_str());
    return error;
  }
  return make_durable(parent_directory(path));
}

Result<> create_file(std::string const& path, std::string_view content, mode_t mode) {
  TRY(auto temporary, write_beside(path, content, mode));
  // link() refuses an existing name, so two creators cannot both win.
  int const linked = ::link(temporary.c_str(), path.c_str());
  int const why = errno;
  ::unlink(temporary.c_str());
  if (linked != 0) {
    if (why == EEXIST) return Error(Errc::conflict, fmt::format("{} exists already and is not overwritten", path));
    errno = why;
    return refusal("create", path);
  }
  auto durable = make_durable(parent_directory(path));
  if (!durable) ::unlink(path.c_str());
  return durable;
}

Result<> destroy_file(std::string const& path) {
  Fd const file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return refusal("open", path);
  if (!write_all(file.get(), std::string(static_cast<std::size_t>(status.st_size), '\0')) || ::fsync(file.get()) != 0)
    return refusal("write over", path);
  if (::unlink(path.c_str()) != 0) return refusal("remove", path);
  return make_durable(parent_directory(path));
}

bool is_left_over(std::string_view name) {
  return name.find(".new-") != std::string_view::npos || name.ends_with(".new") || name.ends_with(".former");
}

bool lies_within(std::string const& path, std::string const& directory) {
  // Without "..", symbolic links and double slashes, as far as the path exists.
  auto const settled = [](std::string const& text) {
    std::error_code failed;
    auto const whole = std::filesystem::absolute(text, failed);
    auto result = std::filesystem::weakly_canonical(whole, failed);
    if (failed) result = whole.lexically_normal();
    return result.has_filename() ? result : result.parent_path();
  };
  auto const inner = settled(path);
  auto const outer = settled(directory);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

Result<FileKind> kind_of(std::string const& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return FileKind::nothing;
    return refusal("look at", path);
  }
  if (S_ISDIR(status.st_mode)) return FileKind::directory;
  return S_ISREG(status.st_mode) ? FileKind::file : FileKind::other;
}

bool file_exists(std::string const& path) {
  struct stat unused {};
  return ::stat(path.c_str(), &unused) == 0;
}

}  // namespace lenscap
