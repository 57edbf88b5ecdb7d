// Root writes in the directory of a service as its user: what it makes there the service can read from the first
// moment, also after a power cut, and where whoever has that user in his hands has put a link, root changes nothing
// that he could not change by himself.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace lenscap {

struct Owner {
  uid_t user = 0;
  gid_t group = 0;
};
Result<Owner> owner_of(std::string const& directory);  // Errc::file

// While it lives, root acts as this owner, with no right but his and no other group. Of no effect for anybody else, nor
// inside of another. The whole process does so, and threads that were begun inside have to end inside. Real and saved
// user stay root's: the owner can neither look into the process nor end it.
class ActingAs {
 public:
  // Errc::file where root may not do so, as in a container without the capability.
  static Result<ActingAs> begin(Owner const& owner);
  ActingAs(ActingAs&& other) noexcept;
  ActingAs& operator=(ActingAs&&) = delete;
  ~ActingAs();

 private:
  ActingAs() = default;
  bool is_other_ = false;
  gid_t group_ = 0;
  std::vector<gid_t> groups_;
};

}  // namespace lenscap
