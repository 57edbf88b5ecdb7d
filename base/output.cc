#include "base/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace lenscap {

Result<> finish_output() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return {};
  std::string const why = errno == 0 ? "" : std::string(": ") + std::strerror(errno);
  return Error(Errc::file, "not all of it could be written to standard output" + why + "; do not use what is there");
}

}  // namespace lenscap
