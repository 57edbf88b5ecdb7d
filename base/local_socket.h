// Stream sockets in the file system (unix(7)), and who is at the other end of one. They reach no further than this
// machine. What crosses them is not said here.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"

namespace lenscap {

// Listens at the path, with mode 0660: for this user and this group. What lay there and nobody listens at goes. The
// descriptor is the caller's. Errc::conflict when somebody listens there already, Errc::file, saying why.
Result<int> listen_at(std::string const& path);
// The descriptor is the caller's. Errc::unavailable when nobody listens there, or may not be asked.
Result<int> connect_to(std::string const& path);
// The user who connected, as the kernel knows it. Nothing when it does not.
std::optional<uid_t> peer_of(int socket);

}  // namespace lenscap
