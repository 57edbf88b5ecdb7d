// What a camera remembers of logins: the Digest nonces it gave out, and the failures of each client. Forgotten when its
// web server restarts. Times are the device's clock in milliseconds, so that a test can move it.
#pragma once

#include <deque>
#include <map>
#include <string>

namespace lenscap::camsim {

struct AuthState {
  struct Nonce {
    long long issued_ms = 0;
    unsigned long last_count = 0;
  };
  struct Client {
    std::deque<long long> failures_ms;
    long long blocked_until_ms = 0;
  };
  std::map<std::string, Nonce> nonces;
  std::map<std::string, Client> clients;  // by address
  bool challenged = false;                // a challenge went out since the start (switch first_stale)
};

}  // namespace lenscap::camsim
