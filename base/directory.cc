#include "base/directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "base/random.h"

namespace lenscap {
namespace {

Error not_made(std::string const& path) {
  return {Errc::file, fmt::format("cannot make the directory {}: {}", path, std::strerror(errno))};
}

}  // namespace

std::string parent_directory(std::string const& path) {
  auto const end = path.find_last_not_of('/');  // it may be written as a directory
  auto const slash = end == std::string::npos ? 0 : path.rfind('/', end);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<std::vector<std::string>> names_in(std::string const& directory) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator each(directory, error);
  if (error == std::errc::no_such_file_or_directory) return names;
  for (; !error && each != std::filesystem::directory_iterator(); each.increment(error))
    names.push_back(each->path().filename().string());
  if (error) return Error(Errc::file, fmt::format("cannot look into {}: {}", directory, error.message()));
  std::ranges::sort(names);
  return names;
}

Result<> make_directory(std::string const& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) {
    auto durable = make_durable(parent_directory(path));
    if (durable) return {};
    ::rmdir(path.c_str());
    return std::move(durable).error().with_context(fmt::format("cannot make the directory {}: ", path));
  }
  if (errno != EEXIST) return not_made(path);
  TRY(auto const kind, kind_of(path));
  if (kind == FileKind::nothing)
    return Error(Errc::file,
                 fmt::format("cannot make the directory {}: a link that leads nowhere is in its place", path));
  if (kind == FileKind::directory) {
    // An attempt before this one may have ended before it did that.
    static_cast<void>(make_durable(parent_directory(path)));
    return {};
  }
  return Error(Errc::file, fmt::format("cannot make the directory {}: a file is in its place; move it away", path));
}

Result<> make_directories(std::string const& path, mode_t mode) {
  struct stat status {};
  auto const above = parent_directory(path);
  if (above != path && ::stat(path.c_str(), &status) != 0 && errno == ENOENT) CHECK_OK(make_directories(above, 0755));
  return make_directory(path, mode);
}

Result<> make_durable(std::string const& path) {
  int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  int const synced = fd >= 0 ? ::fsync(fd) : -1;
  int const why = errno;
  if (fd >= 0) ::close(fd);
  if (synced == 0) return {};
  return Error(Errc::file, fmt::format("cannot make {} durable: {}; see to the disk: what was written there may not "
                                       "outlive a power cut",
                                       path, std::strerror(why)));
}

namespace {

Result<> rename_into_place(std::string const& beside, std::string const& path) {
  if (std::rename(beside.c_str(), path.c_str()) == 0) return {};
  if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR) return not_made(path);
  return Error(Errc::conflict,
               fmt::format("{} holds something already, and nothing is overwritten; move it away first", path));
}

Result<> fill_beside(std::string const& beside, std::string const& path, std::vector<NewFile> const& files) {
  for (auto const& file : files) CHECK_OK(create_file(beside + "/" + file.name, file.content, file.mode));
  return rename_into_place(beside, path);
}

}  // namespace

Result<> create_directory(std::string const& path, std::vector<NewFile> const& files) {
  auto const above = parent_directory(path);
  auto const beside = above + "/.new-" + random_token(6);
  if (::mkdir(beside.c_str(), 0700) != 0) return not_made(path);
  if (auto done = fill_beside(beside, path, files); !done) {
    std::error_code ignored;
    std::filesystem::remove_all(beside, ignored);
    return done;
  }
  return make_durable(above);
}

}  // namespace lenscap
