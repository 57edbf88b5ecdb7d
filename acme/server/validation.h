// Runs a challenge's validator with a deadline and retries (RFC 8555 8.2), and writes each outcome with everything that
// follows from it in one transaction, so that an order is ready in the moment in which its last authorization is valid.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "base/net/awaitable.h"

namespace lenscap::acme {

struct App;

class Validation {
 public:
  explicit Validation(App& app) : app_(app) {}

  // Starts validating a challenge that is `processing` in the store, and returns at once.
  void start(std::string authorization_id, std::string challenge_id);

  // Before the second and the third attempt. Tests make it short.
  std::chrono::milliseconds retry_pause = std::chrono::seconds(3);

  // At most so many attempts at once; the others wait for their turn (8555-10.3-1).
  static constexpr int kAttemptsAtOnce = 64;

 private:
  net::Awaitable<> run(std::string authorization_id, std::string challenge_id);
  net::Awaitable<bool> attempt(std::string const& authorization_id, std::string const& challenge_id);

  App& app_;
  std::atomic<int> running_ = 0;
};

}  // namespace lenscap::acme
