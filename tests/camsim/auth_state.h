// What a camera remembers of logins: the Digest nonces it gave out, and the failures of each client. Forgotten when its
// web server restarts.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>

namespace lenscap::camsim {

struct AuthState {
  using Clock = std::chrono::steady_clock;
  struct Nonce {
    Clock::time_point issued;
    unsigned long last_count = 0;
  };
  struct Client {
    std::deque<Clock::time_point> failures;
    Clock::time_point blocked_until{};
  };
  std::map<std::string, Nonce> nonces;
  std::map<std::string, Client> clients;  // by address
  bool challenged = false;                // a challenge went out since the start (switch first_stale)
};

}  // namespace lenscap::camsim
