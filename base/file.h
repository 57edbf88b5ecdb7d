// Small files: read whole with a bound, written whole or not at all.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lenscap {

Result<std::string> read_file(std::string const& path, std::size_t bytes_max = 1024 * 1024);  // Errc::file
// What a path leads to. Errc::file where nobody can tell, as in a folder that is closed to this user: who took that for
// missing would forget what is there. A link that leads nowhere leads to nothing.
enum class FileKind { nothing, file, directory, other };
Result<FileKind> kind_of(std::string const& path);
// Nothing where there is no such file, as above.
Result<std::optional<std::string>> read_file_if_there(std::string const& path, std::size_t bytes_max = 1024 * 1024);
// Creates with `mode` before any content is in it, fsyncs, renames into place, fsyncs the directory. When that last
// step is refused the new content is there, and may not outlive a power cut; replace_files() (file_set.h) puts the
// former one back.
Result<> write_file(std::string const& path, std::string_view content, mode_t mode = 0644);
// As write_file, but refuses (Errc::conflict) when the file exists. After any other refusal there is none.
Result<> create_file(std::string const& path, std::string_view content, mode_t mode = 0600);
// For small ones. Writes zeros over it, so far as the disk does that in place, and removes it; durable when it returns.
// Errc::file.
Result<> destroy_file(std::string const& path);
// The whole of it, however often the system takes a part. False: `errno` says why, and a part may be written.
bool write_all(int fd, std::string_view content);
bool file_exists(std::string const& path);
// Is a file or directory of this name what write_file(), create_file(), create_directory() or replace_files() were
// making when the process was killed? Then it is of no use, and may hold part of a secret.
bool is_left_over(std::string_view name);
// Does the path name the directory or something below it, whatever "..", links and relative names say?
bool lies_within(std::string const& path, std::string const& directory);

}  // namespace lenscap
