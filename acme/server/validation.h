// Runs a challenge's validator with a deadline and retries (RFC 8555 8.2), and writes each outcome with everything that
// follows from it in one transaction, so that an order is ready in the moment in which its last authorization is valid.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/net/awaitable.h"

namespace lenscap::acme {

struct App;

class Validation {
 public:
  explicit Validation(App& app);
  ~Validation();

  // Starts validating a challenge that is `processing` in the store, or will be with the next commit; returns at once.
  // Once it is started, until its end, a second start does nothing.
  void start(std::string authorization_id, std::string challenge_id);
  // From start() until its last attempt is over. From any thread.
  bool is_running(std::string const& authorization_id, std::string const& challenge_id);

  // Returns when the attempt that is being made for this authorization has its outcome in the store, at once when none
  // is being made (any more: so what was read before is to be read again), and after outcome_soon in any case. A client
  // that asks then learns what it would ask for again: most attempts take milliseconds, and each question costs both
  // sides a signature. Only for who may see it.
  net::Awaitable<> wait_for_outcome(std::string authorization_id);

  // The client says again that it is ready (8555-8.2-1): the next attempt of a challenge that waits for it comes at
  // once, but not within retry_at_least of the last. Anything else is left as it is. From any thread.
  void retry_now(std::string const& authorization_id, std::string const& challenge_id);

  // Before the second and the third attempt. Tests make them short.
  static constexpr std::chrono::seconds kRetryPause{3};
  std::chrono::milliseconds retry_pause = kRetryPause;
  std::chrono::milliseconds retry_at_least = std::chrono::seconds(1);

  std::chrono::milliseconds outcome_soon{200};

  // At most so many attempts at once; the others wait for their turn (8555-10.3-1).
  static constexpr int kAttemptsAtOnce = 64;
  // An attempt that the limits of its target put off is made later, and counts as none. At the latest then they are
  // asked again.
  std::chrono::milliseconds put_off_at_most = std::chrono::seconds(60);

 private:
  net::Awaitable<> run(std::string authorization_id, std::string challenge_id);
  void wake_who_waits_for(std::string const& authorization_id);  // under mutex_
  net::Awaitable<> wait_for_retry(std::string authorization_id, std::string challenge_id,
                                  std::chrono::milliseconds pause);
  // How long to wait for the next attempt; nothing when there is none to come.
  using Next = std::optional<std::chrono::milliseconds>;
  net::Awaitable<Next> attempt(std::string const& authorization_id, std::string const& challenge_id);

  App& app_;
  std::atomic<int> running_ = 0;
  struct Waiting;
  std::mutex mutex_;                                         // of the set and the maps, not of what the maps hold
  std::set<std::string> started_;                            // by its name
  std::map<std::string, std::shared_ptr<Waiting>> waiting_;  // for the next attempt
  struct Asking;
  std::multimap<std::string, std::shared_ptr<Asking>> asking_;  // for an outcome, by the authorization's id
};

}  // namespace lenscap::acme
