// Root writes in the directory of a service as its user: what it makes there the service can read from the first
// moment, also after a power cut, and where whoever has that user in his hands has put a link, root changes nothing
// that he could not change by himself.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace lenscap {

struct Owner {
  uid_t user = 0;
  gid_t group = 0;
};
Result<Owner> owner_of(std::string const& directory);  // Errc::file

// While it lives, root acts as this owner, with no right but his. Of no effect for anybody else, nor inside of another.
// The whole process does so, so that there is to be one thread. Real and saved user stay root's: the owner can neither
// look into the process nor end it.
class ActingAs {
 public:
  explicit ActingAs(Owner const& owner);
  ~ActingAs();
  ActingAs(ActingAs const&) = delete;
  ActingAs& operator=(ActingAs const&) = delete;

 private:
  bool is_other_;
  gid_t group_ = 0;
};

}  // namespace lenscap
