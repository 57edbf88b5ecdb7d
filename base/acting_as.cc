#include "base/acting_as.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lenscap {

Result<Owner> owner_of(std::string const& directory) {
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) return Error(Errc::file, directory + ": " + std::strerror(errno));
  return Owner{info.st_uid, info.st_gid};
}

ActingAs::ActingAs(Owner const& owner) : is_other_(::geteuid() == 0 && owner.user != 0) {
  if (!is_other_) return;
  group_ = ::getegid();
  if (::setegid(owner.group) != 0 || ::seteuid(owner.user) != 0) bug("root cannot act for another user");
}

ActingAs::~ActingAs() {
  if (is_other_ && (::seteuid(0) != 0 || ::setegid(group_) != 0)) bug("no way back to root");
}

}  // namespace lenscap
