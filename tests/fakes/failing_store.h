// A store that dies at a chosen write: for tests that ask what a crash leaves behind. From the n-th write on (1 is the
// first) every call throws Broken, as a real store does after a failed commit, until heal().
//   FailingStore store(real);
//   store.fail_at(3, FailingStore::Effect::kept);
#pragma once

#include <mutex>

#include "store/store.h"

namespace lenscap::fakes {

class FailingStore final : public store::Store {
 public:
  // Whether the write that fails is lost, or durable although nobody learned of it: both happen when power goes.
  enum class Effect { lost, kept };

  explicit FailingStore(store::Store& real) : real_(real) {}

  // Counts from the writes made so far; 0 means never.
  void fail_at(int nth, Effect effect = Effect::lost) {
    std::lock_guard lock(mutex_);
    fail_at_ = nth == 0 ? 0 : writes_ + nth;
    effect_ = effect;
  }
  void heal() {
    std::lock_guard lock(mutex_);
    fail_at_ = 0;
    dead_ = false;
  }
  bool dead() const {
    std::lock_guard lock(mutex_);
    return dead_;
  }
  // Writes begun while alive, the failing one too: run once without a failure to learn how many there are.
  int writes() const {
    std::lock_guard lock(mutex_);
    return writes_;
  }

  void read(store::ReadBody const& body) override {
    if (dead()) throw broken();
    real_.read(body);
  }

  bool write(store::WriteBody const& body) override {
    switch (next()) {
      case Next::work:
        return real_.write(body);
      case Next::keep_and_fail:
        real_.write(body);
        break;
      case Next::fail:
        break;
    }
    throw broken();
  }

  void write_async(store::WriteBody body, std::function<void(std::exception_ptr, bool)> done,
                   store::Urgency urgency) override {
    switch (next()) {
      case Next::work:
        real_.write_async(std::move(body), std::move(done), urgency);
        return;
      case Next::keep_and_fail:
        real_.write_async(
            std::move(body),
            [done = std::move(done)](std::exception_ptr const&, bool) {
              done(std::make_exception_ptr(broken()), false);
            },
            urgency);
        return;
      case Next::fail:
        break;
    }
    // `done` comes from a thread of the real store, as the contract says.
    real_.write_async(
        [](store::WriteTxn&) { return false; },
        [done = std::move(done)](std::exception_ptr const&, bool) { done(std::make_exception_ptr(broken()), false); });
  }

 private:
  enum class Next { work, keep_and_fail, fail };

  static store::Broken broken() { return store::Broken("the store fails: as the test wished"); }

  Next next() {
    std::lock_guard lock(mutex_);
    if (dead_) return Next::fail;
    ++writes_;
    if (fail_at_ == 0 || writes_ < fail_at_) return Next::work;
    dead_ = true;
    return effect_ == Effect::kept ? Next::keep_and_fail : Next::fail;
  }

  store::Store& real_;
  mutable std::mutex mutex_;
  int writes_ = 0;
  int fail_at_ = 0;
  Effect effect_ = Effect::lost;
  bool dead_ = false;
};

}  // namespace lenscap::fakes
