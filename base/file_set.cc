#include "base/file_set.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <utility>

#include "base/directory.h"
#include "base/file.h"

namespace lenscap {
namespace {

std::string staged(std::string const& path) { return path + ".new"; }
std::string former(std::string const& path) { return path + ".former"; }

Error refusal(std::string_view what, std::string const& path) {
  return {Errc::file, fmt::format("cannot {} {}: {}", what, path, std::strerror(errno))};
}

// On the directory of the file that decides, for one process at a time.
class Lock {
 public:
  static Result<Lock> take(std::string const& path) {
    auto const directory = parent_directory(path);
    Lock lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (lock.fd_ < 0) return refusal("open", directory);
    if (::flock(lock.fd_, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK) return refusal("lock", directory);
    return Error(Errc::conflict, "another command is just changing the files of " + directory);
  }
  Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Lock& operator=(Lock&&) = delete;
  ~Lock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit Lock(int fd) : fd_(fd) {}
  int fd_;
};

void remove_if_there(std::string const& path) { static_cast<void>(::unlink(path.c_str())); }

// While the last file is staged, nothing is decided: it goes last, so that what is broken off here can be done again.
void remove_what_is_beside(std::vector<std::string> const& paths) {
  for (auto const& path : paths) remove_if_there(former(path));
  for (auto const& path : paths) remove_if_there(staged(path));
}

Result<> make_directories_durable(std::vector<std::string> const& paths) {
  std::set<std::string> directories;
  for (auto const& path : paths) directories.insert(parent_directory(path));
  for (auto const& directory : directories) CHECK_OK(make_durable(directory));
  return {};
}

Result<> put_back(std::vector<std::string> const& paths) {
  for (auto const& path : paths)
    // Two names of one file are left as they are by rename(), which says nothing.
    if (file_exists(former(path)) && ::rename(former(path).c_str(), path.c_str()) != 0)
      return refusal("put back", path);
  CHECK_OK(make_directories_durable(paths));
  remove_what_is_beside(paths);
  return {};
}

// Former files without the staged last one are left only by what was done to its end; staged ones alone by what never
// came to replace a file.
Result<Settled> settle(std::vector<std::string> const& paths) {
  if (file_exists(staged(paths.back()))) {
    CHECK_OK(put_back(paths));
    return Settled::taken_back;
  }
  bool const has_former = std::ranges::any_of(paths, [](std::string const& path) { return file_exists(former(path)); });
  bool const has_staged = std::ranges::any_of(paths, [](std::string const& path) { return file_exists(staged(path)); });
  remove_what_is_beside(paths);
  if (has_former) return Settled::completed;
  return has_staged ? Settled::taken_back : Settled::nothing;
}

// What was done of it, so that it can be undone.
struct Progress {
  std::vector<std::string> appeared;  // in a place where nothing was
  bool is_decided = false;
};

constexpr std::size_t kFormerBytesMax = 16 * 1024 * 1024;  // a revocation list may be long

// A second name of it; of another user's file, to which the system gives none (fs.protected_hardlinks), a copy.
Result<> keep_former(std::string const& path) {
  if (::link(path.c_str(), former(path).c_str()) == 0 || errno == ENOENT) return {};
  if (errno != EPERM) return refusal("keep the former", path);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return refusal("keep the former", path);
  TRY(auto content, read_file(path, kFormerBytesMax));
  auto kept = write_file(former(path), content, status.st_mode & 0777U);
  OPENSSL_cleanse(content.data(), content.size());  // it may be a key
  return kept;
}

Result<> put_in_place(std::vector<std::string> const& paths, Progress& progress) {
  for (auto const& path : paths) CHECK_OK(keep_former(path));
  for (auto const& path : paths) {
    // The others have to be durable before the one that counts.
    if (path == paths.back()) CHECK_OK(make_directories_durable(paths));
    bool const was_there = file_exists(path);
    if (::rename(staged(path).c_str(), path.c_str()) != 0) return refusal("replace", path);
    if (!was_there) progress.appeared.push_back(path);
    progress.is_decided = path == paths.back();
  }
  return make_durable(parent_directory(paths.back()));
}

void undo(std::vector<std::string> const& paths, Progress const& progress) {
  auto const& last = paths.back();
  // Undecided again, should this machine stop here.
  if (progress.is_decided && ::rename(last.c_str(), staged(last).c_str()) != 0) return;
  for (auto const& path : progress.appeared)
    if (path != last) remove_if_there(path);
  static_cast<void>(put_back(paths));  // settle_files() tries it once more
}

}  // namespace

Result<> replace_files(std::vector<ReplacedFile> const& files) {
  std::vector<std::string> paths;
  for (auto const& file : files) paths.push_back(file.path);
  TRY(auto const lock, Lock::take(paths.back()));
  CHECK_OK(settle(paths));
  for (auto const& file : files)
    if (auto written = write_file(staged(file.path), file.content, file.mode); !written.ok()) {
      remove_what_is_beside(paths);
      return written;
    }
  Progress progress;
  if (auto placed = put_in_place(paths, progress); !placed.ok()) {
    undo(paths, progress);
    return placed;
  }
  remove_what_is_beside(paths);
  return {};
}

Result<Settled> settle_files(std::vector<std::string> const& paths) {
  auto const is_beside = [](std::string const& path) { return file_exists(staged(path)) || file_exists(former(path)); };
  if (std::ranges::none_of(paths, is_beside)) return Settled::nothing;
  TRY(auto const lock, Lock::take(paths.back()));
  return settle(paths);
}

}  // namespace lenscap
