// Between the connections and the router that answers them, so that the router, and all that its handlers use, may be
// taken away and another put in its place while the connections stay. While there is none, requests wait.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "base/net/router.h"

namespace lenscap::net {

// Safe from any thread. The routers are borrowed: each outlives its time in here, from open() until a close() that said
// true, or until nobody enters any more.
class Gate {
 public:
  Gate() = default;  // closed
  explicit Gate(Router const& router) : router_(&router) {}
  Gate(Gate const&) = delete;
  Gate& operator=(Gate const&) = delete;

  // As long as it lives, the router does. A copy is a pass of its own.
  class Pass {
   public:
    Pass() = default;  // none
    Pass(Pass const& other) : gate_(other.gate_), router_(other.router_) {
      if (gate_ != nullptr) ++gate_->inside_;
    }
    Pass(Pass&& other) noexcept
        : gate_(std::exchange(other.gate_, nullptr)), router_(std::exchange(other.router_, nullptr)) {}
    Pass& operator=(Pass other) noexcept {
      std::swap(gate_, other.gate_);
      std::swap(router_, other.router_);
      return *this;
    }
    ~Pass() {
      if (gate_ != nullptr) gate_->leave();
    }

    explicit operator bool() const { return router_ != nullptr; }
    Router const& router() const { return *router_; }

   private:
    friend class Gate;
    Pass(Gate* gate, Router const* router) : gate_(gate), router_(router) {}
    Gate* gate_ = nullptr;
    Router const* router_ = nullptr;
  };

  Pass enter();  // none while it is closed

  // Calls `wake` once: when it is opened, from the thread of who opens; at once when it is open.
  void when_open(std::function<void()> wake);

  // From now on nobody enters. True when all have left; false when that lasts longer than `at_most`: then it stays
  // closed, and the router in use. Blocks; not from a thread of those that are inside.
  bool close(std::chrono::milliseconds at_most);
  void open(Router const& router);

 private:
  void leave();

  std::atomic<Router const*> router_ = nullptr;  // nullptr: closed
  std::atomic<std::size_t> inside_ = 0;
  std::mutex mutex_;  // of what follows
  std::condition_variable all_left_;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace lenscap::net
