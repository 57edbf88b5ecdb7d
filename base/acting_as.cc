#include "base/acting_as.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace lenscap {

Result<Owner> owner_of(std::string const& directory) {
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) return Error(Errc::file, directory + ": " + std::strerror(errno));
  return Owner{info.st_uid, info.st_gid};
}

Result<ActingAs> ActingAs::begin(Owner const& owner) {
  ActingAs acting;
  if (::geteuid() != 0 || owner.user == 0) return acting;
  acting.group_ = ::getegid();
  acting.groups_.resize(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  bool const known = ::getgroups(static_cast<int>(acting.groups_.size()), acting.groups_.data()) >= 0;
  if (known && ::setgroups(1, &owner.group) == 0) {
    acting.is_other_ = true;  // from here on there is something to take back
    if (::setegid(owner.group) == 0 && ::seteuid(owner.user) == 0) return acting;
  }
  return Error(Errc::file, "root may not write here as user " + std::to_string(owner.user) +
                               ", whose directory it is (" + std::strerror(errno) + "): run the command as that user");
}

ActingAs::ActingAs(ActingAs&& other) noexcept
    : is_other_(std::exchange(other.is_other_, false)), group_(other.group_), groups_(std::move(other.groups_)) {}

ActingAs::~ActingAs() {
  if (!is_other_) return;
  if (::seteuid(0) != 0 || ::setegid(group_) != 0 || ::setgroups(groups_.size(), groups_.data()) != 0)
    bug("no way back to root");
}

}  // namespace lenscap
