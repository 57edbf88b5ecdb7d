#include "base/net/gate.h"

namespace lenscap::net {

// Who enters counts first and then looks; who closes takes the router first and then counts: one of them sees the
// other.
Gate::Pass Gate::enter() {
  ++inside_;
  if (auto const* router = router_.load()) return {this, router};
  leave();
  return {};
}

void Gate::leave() {
  if (--inside_ != 0 || router_.load() != nullptr) return;
  std::lock_guard const lock(mutex_);  // who closes may stand between its look and its wait
  all_left_.notify_all();
}

void Gate::when_open(std::function<void()> wake) {
  {
    std::lock_guard const lock(mutex_);
    if (router_.load() == nullptr) {
      waiting_.push_back(std::move(wake));
      return;
    }
  }
  wake();
}

bool Gate::close(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  router_ = nullptr;
  return all_left_.wait_for(lock, at_most, [this] { return inside_ == 0; });
}

void Gate::open(Router const& router) {
  std::vector<std::function<void()>> waiting;
  {
    std::lock_guard const lock(mutex_);
    router_ = &router;
    waiting.swap(waiting_);
  }
  for (auto const& wake : waiting) wake();
}

}  // namespace lenscap::net
