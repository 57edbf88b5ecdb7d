// Logins of a camera: which scheme is offered on which port, Basic and Digest (RFC 2617 with and without qop, MD5), and
// the block after many wrong passwords. devices: 401 on HTTPS may offer Basic alone, and Digest is then refused there.
#pragma once

#include <string>
#include <vector>

#include "tests/camsim/exchange.h"

namespace lenscap::camsim {

// "basic" or "digest".
std::string scheme_of(std::string_view auth_policy, bool tls);

struct Login {
  bool ok = false;
  bool tried = false;  // credentials were sent
  bool qop = false;    // Digest with qop=auth
  bool stale = false;  // they were right, but the nonce is used up
  std::string scheme;  // of the credentials that were sent
  std::string user;
  Role role = Role::none;
};
Login check_login(Device& device, Request const& request);

// A 401 with this port's challenge.
Response challenge(Device& device, Request const& request, bool stale);

bool is_blocked(Device& device, Request const& request);
void note_failure(Device& device, Request const& request);

}  // namespace lenscap::camsim
