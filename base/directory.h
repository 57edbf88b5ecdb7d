// Directories, as safe as file.h makes files: a name outlives a power cut only when the directory that holds it is
// synced.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace lenscap {

// The directory that holds the name of `path`; "." where it says none.
std::string parent_directory(std::string const& path);

// What lies in it, in the order of the names; nothing where there is no such directory. Errc::file where it cannot be
// looked into, or not to its end.
Result<std::vector<std::string>> names_in(std::string const& directory);

// Durable when it returns. One that is there is fine, keeps its mode, and is made durable where this user may do that.
// Does NOT make those above it. Errc::file.
Result<> make_directory(std::string const& path, mode_t mode = 0700);

// Those above it as well, as far as they are absent; everybody may look into those.
Result<> make_directories(std::string const& path, mode_t mode = 0700);

// Of a file or a directory: what anybody wrote there before is on the disk when it returns. Errc::file.
Result<> make_durable(std::string const& path);

struct NewFile {
  char const* name;
  std::string content;
  mode_t mode;
};
// A directory for this user alone, with these files in it, whole or not at all, and durable when it returns: made
// beside `path`, under a name that begins with ".new-", and renamed. Takes the place of an empty directory;
// Errc::conflict when anything else is there. After a refusal nothing has changed, with one exception: when the last
// sync fails, all is there, and nobody knows whether the disk keeps it.
Result<> create_directory(std::string const& path, std::vector<NewFile> const& files);

}  // namespace lenscap
