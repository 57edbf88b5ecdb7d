// The second half of finalize (RFC 8555 7.4), from the durable claim on: sign, settle the order, tell the log. It runs
// in a coroutine of its own, which ends whatever becomes of the request: the client hears the end of it when that comes
// soon, as it mostly does, else that the order is `processing` (8555-7.4-9).
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "acme/flow/order_rules.h"
#include "base/net/awaitable.h"
#include "ca/authority.h"

namespace lenscap::acme {

struct App;

// An order whose claim and intent are on record.
struct ClaimedOrder {
  Order order;  // processing
  CheckedOrder checked;
  ca::Draft draft;
};

class Finalization {
 public:
  explicit Finalization(App& app);

  // The order as it is after its certificate was signed or could not be; when that takes longer than `wait`, as it was
  // claimed. Errc::unavailable when the signer cannot sign for a while: then the order is ready again. What settling
  // throws comes out, as long as it is waited for.
  net::Awaitable<Result<Order>> complete(ClaimedOrder claimed);

  // Blocks until no certificate is being made, or the time is over (false): for a stop. What is left then is repaired
  // by the next start.
  bool wait_until_done(std::chrono::milliseconds at_most) const;

  // [acme] finalize_wait; tests make it shorter than a second.
  std::chrono::milliseconds wait;

 private:
  struct Outcome;
  net::Awaitable<> run(ClaimedOrder claimed, std::shared_ptr<Outcome> outcome);
  net::Awaitable<Result<Order>> sign_and_settle(ClaimedOrder claimed);

  App& app_;
  std::atomic<int> running_ = 0;
};

}  // namespace lenscap::acme
