// The io threads of a program: n event loops, each with a thread of its own, so that whatever begins on a loop stays on
// one thread and needs no lock. Also the few verbs that other code wants of Asio, so that it need not include it.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <optional>

#include "base/net/awaitable.h"

namespace lenscap::net {

// Everything that coroutines refer to must be declared before (outlive) the IoThreads: what still waits when the loops
// stop is destroyed with them.
class IoThreads {
 public:
  explicit IoThreads(std::size_t count = 1);  // threads start at once; 0 = one for each core
  ~IoThreads();                               // stop() and join()
  IoThreads(IoThreads const&) = delete;
  IoThreads& operator=(IoThreads const&) = delete;

  std::size_t size() const;
  boost::asio::any_io_executor executor(std::size_t index);
  boost::asio::any_io_executor next();  // in turn; safe from any thread

  void stop();  // asks the loops to end; from any thread
  void join();  // waits for the threads; not from one of them. Stop the Listeners first
  bool stopped() const;

 private:
  struct Loop;
  struct State;
  std::unique_ptr<State> state_;
};

// Starts `task` on `executor` and forgets it. It must not throw: an exception that leaves it is a bug().
void spawn(boost::asio::any_io_executor const& executor, Awaitable<> task);

// Runs `task` on `executor` and blocks the caller, which must not be that executor's thread, until it is done.
// Exceptions come out here.
void run_until_done(boost::asio::any_io_executor const& executor, Awaitable<> task);

// The same for a task with a value: auto r = run(threads.next(), fetch_all(client));
template <class T>
T run(boost::asio::any_io_executor const& executor, Awaitable<T> task) {
  std::optional<T> value;
  auto keep = [](Awaitable<T> inner, std::optional<T>& out) -> Awaitable<> { out.emplace(co_await std::move(inner)); };
  run_until_done(executor, keep(std::move(task), value));
  return *std::move(value);
}

// Suspends the calling coroutine; its thread goes on with others.
Awaitable<> sleep_for(std::chrono::milliseconds duration);

// Threads for work that blocks: run() resumes the caller on its own executor. What `work` throws comes out.
// Declare it after the IoThreads whose coroutines use it, and stop() and join() those before it ends.
class WorkPool {
 public:
  explicit WorkPool(std::size_t threads);
  ~WorkPool();  // finishes what was handed in, then joins
  WorkPool(WorkPool const&) = delete;
  WorkPool& operator=(WorkPool const&) = delete;

  // Name the lambda, then co_await pool.run(job): GCC 12.
  Awaitable<> run(std::function<void()> work);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lenscap::net
